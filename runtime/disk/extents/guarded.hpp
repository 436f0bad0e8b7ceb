/// Turns the one exception of kv_store into a result, so that none leaves the extent store.
#pragma once

#include "runtime/storage/kv_store.hpp"

#include <atomic>
#include <cstdint>
#include <utility>

namespace dunlin::extents {

template <class Body>
auto guarded(std::atomic<std::uint8_t>& failed, Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const store_error& error) {
    failed = static_cast<std::uint8_t>(error.code());
    return error.code();
  }
}

}  // namespace dunlin::extents
