/// Lets CAF carry any Protobuf message: as bytes where CAF serializes, by reference inside a
/// process. Nodes never meet through CAF's own wire (decision 0002), so this is for tests and
/// tracing.
#pragma once

#include <caf/detail/stringification_inspector.hpp>
#include <caf/error.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/sec.hpp>

#include <google/protobuf/message.h>

#include <string>
#include <type_traits>

namespace google::protobuf {

template <class T>
using if_protobuf = std::enable_if_t<std::is_base_of_v<Message, T>, int>;

template <class Inspector>
inline constexpr bool is_stringification =
    std::is_same_v<Inspector, caf::detail::stringification_inspector>;

template <class Inspector, class T, if_protobuf<T> = 0>
std::enable_if_t<Inspector::reads_state && !is_stringification<Inspector>,
                 typename Inspector::result_type>
inspect(Inspector& f, T& x) {
  std::string bytes;
  if (!x.SerializeToString(&bytes)) return caf::make_error(caf::sec::invalid_argument);
  return f(bytes);
}

template <class Inspector, class T, if_protobuf<T> = 0>
std::enable_if_t<Inspector::writes_state, typename Inspector::result_type> inspect(Inspector& f,
                                                                                   T& x) {
  std::string bytes;
  auto parse = [&]() -> caf::error {
    if (x.ParseFromString(bytes)) return caf::none;
    return caf::make_error(caf::sec::invalid_argument);
  };
  return f(bytes, caf::meta::load_callback(parse));
}

template <class Inspector, class T, if_protobuf<T> = 0>
std::enable_if_t<is_stringification<Inspector>> inspect(Inspector& f, T& x) {
  auto text = x.ShortDebugString();
  f(text);
}

}  // namespace google::protobuf
