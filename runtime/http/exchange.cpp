#include "runtime/http/exchange.hpp"

#include "runtime/http/text.hpp"

namespace dunlin::http {

const std::string* request::find(std::string_view name) const {
  for (const auto& each : headers)
    if (same_name(each.name, name)) return &each.value;
  return nullptr;
}

}  // namespace dunlin::http
