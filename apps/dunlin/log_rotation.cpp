#include "apps/dunlin/log_rotation.hpp"

#include <fmt/format.h>

#include <deque>
#include <filesystem>
#include <fstream>

namespace dunlin::commands {

namespace fs = std::filesystem;

bool rotate_log(const std::string& path, const log_bounds& bounds) {
  std::error_code error;
  if (const auto size = fs::file_size(path, error); error || size <= bounds.bytes_max) return false;
  for (int i = bounds.kept - 1; i >= 1; --i)
    fs::rename(fmt::format("{}.{}", path, i), fmt::format("{}.{}", path, i + 1), error);
  fs::copy_file(path, path + ".1", fs::copy_options::overwrite_existing, error);
  fs::resize_file(path, 0, error);
  return !error;
}

std::string log_tail(const std::string& path, int lines) {
  std::ifstream in{path, std::ios::binary};
  constexpr std::streamoff bytes_max = 64 << 10;
  in.seekg(0, std::ios::end);
  in.seekg(std::max<std::streamoff>(in.tellg() - bytes_max, 0));
  std::deque<std::string> last;
  for (std::string line; std::getline(in, line);) {
    last.push_back(line);
    if (last.size() > static_cast<std::size_t>(lines)) last.pop_front();
  }
  std::string text;
  for (const auto& line : last)
    text += "    " + line + "\n";
  return text;
}

}  // namespace dunlin::commands
