/// Turns the one exception of kv_store into a result, so that none leaves the extent store.
#pragma once

#include "runtime/storage/kv_store.hpp"

#include <utility>

namespace dunlin::extents {

template <class Body>
auto guarded(Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const store_error& error) {
    return error.code();
  }
}

}  // namespace dunlin::extents
