/// Words of requests and answers, for workloads that need one of them.
#pragma once

#include <fmt/format.h>

#include <cctype>
#include <string>

namespace dunlin::testkit {

/// What stands between the first `left` and the next `right`; empty: there is no `left`.
inline std::string between(const std::string& text, const std::string& left,
                           const std::string& right) {
  const auto from = text.find(left);
  if (from == text.npos) return {};
  const auto begin = from + left.size();
  return text.substr(begin, text.find(right, begin) - begin);
}

/// As a part of a query or a form.
inline std::string escaped(const std::string& text) {
  std::string out;
  for (const unsigned char c : text)
    if (std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~')
      out += static_cast<char>(c);
    else
      out += fmt::format("%{:02X}", c);
  return out;
}

}  // namespace dunlin::testkit
