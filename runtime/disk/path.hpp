/// Paths of the DISK port: what may be one, and which folder holds it. No file system inside.
#pragma once

#include <string>
#include <string_view>

namespace dunlin {

/// False for what is absolute, has an empty, "." or ".." part, or a zero byte. The empty path is
/// the root.
inline bool stays_below_root(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return false;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
    if (path.empty()) return false;  // ends in '/'
  }
  return true;
}

/// "a/b" of "a/b/c"; empty, the root, for a name without '/'.
inline std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string{} : path.substr(0, slash);
}

}  // namespace dunlin
