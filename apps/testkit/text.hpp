/// Words of an answer, for workloads that need one of them.
#pragma once

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

}  // namespace dunlin::testkit
