#include "runtime/crypto/pem_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace dunlin::crypto {

namespace {

constexpr std::size_t secret_bytes_max = 64u << 10;

struct descriptor {
  int number;
  ~descriptor() {
    if (number >= 0) ::close(number);
  }
};

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

result<void> write_secret_file(const std::string& path, std::string_view bytes) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto folder = fs::path(path).parent_path();
  if (!folder.empty() && fs::create_directories(folder, error)) ::chmod(folder.c_str(), S_IRWXU);
  if (error) return ec::io_error;
  const auto beside = path + ".new";
  ::unlink(beside.c_str());
  const descriptor file{::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (file.number < 0 || !write_all(file.number, bytes)) return ec::io_error;
  if (std::rename(beside.c_str(), path.c_str()) != 0) return ec::io_error;
  return {};
}

result<std::string> read_secret_file(const std::string& path) {
  const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.number < 0) return errno == ENOENT ? ec::not_found : ec::io_error;
  std::string bytes(secret_bytes_max + 1, '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const auto got = ::read(file.number, bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ec::io_error;
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled > secret_bytes_max) return ec::damaged;
  bytes.resize(filled);
  return bytes;
}

}  // namespace dunlin::crypto
