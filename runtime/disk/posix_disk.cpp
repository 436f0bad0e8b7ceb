#include "runtime/disk/posix_disk.hpp"

#include "runtime/disk/path.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace dunlin {
namespace {

ec from_errno() {
  switch (errno) {
    case ENOENT:
    case ENOTDIR: return ec::not_found;
    case EEXIST: return ec::already_exists;
    case ENOSPC:
    case EDQUOT: return ec::disk_full;
    case EINVAL:
    case ELOOP:
    case EISDIR:
    case ENAMETOOLONG: return ec::invalid_argument;
    case EOPNOTSUPP: return ec::unsupported;
    default: return ec::io_error;
  }
}

result<void> done_if_zero(int returned) {
  if (returned != 0) return from_errno();
  return {};
}

class posix_file final : public file {
public:
  explicit posix_file(int fd) : fd_(fd) {}
  ~posix_file() override { ::close(fd_); }
  posix_file(const posix_file&) = delete;
  posix_file& operator=(const posix_file&) = delete;

  result<std::string> pread(std::uint64_t offset, std::size_t size) override {
    std::string bytes(size, '\0');
    auto got = pread(offset, bytes.data(), size);
    if (!got) return got.error();
    bytes.resize(*got);
    return bytes;
  }

  result<std::size_t> pread(std::uint64_t offset, char* target, std::size_t size) override {
    std::size_t done = 0;
    while (done < size) {
      const auto n = ::pread(fd_, target + done, size - done, static_cast<off_t>(offset + done));
      if (n == 0) break;
      if (n < 0 && errno != EINTR) return from_errno();
      if (n > 0) done += static_cast<std::size_t>(n);
    }
    return done;
  }

  result<void> pwrite(std::uint64_t offset, std::string_view data) override {
    while (!data.empty()) {
      const auto n = ::pwrite(fd_, data.data(), data.size(), static_cast<off_t>(offset));
      if (n < 0 && errno != EINTR) return from_errno();
      if (n <= 0) continue;
      offset += static_cast<std::uint64_t>(n);
      data.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }

  // Not retried: after a failure the kernel may have dropped the pages it could not write, and a
  // second call would succeed without them.
  result<void> sync() override { return done_if_zero(::fdatasync(fd_)); }

  void start_writing(std::uint64_t offset, std::uint64_t size) override {
    (void)::sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(size),
                            SYNC_FILE_RANGE_WRITE);
  }

  result<std::uint64_t> size() override {
    struct stat about {};
    if (::fstat(fd_, &about) != 0) return from_errno();
    return static_cast<std::uint64_t>(about.st_size);
  }

  result<void> truncate(std::uint64_t size) override {
    return done_if_zero(::ftruncate(fd_, static_cast<off_t>(size)));
  }

  result<void> punch(std::uint64_t offset, std::uint64_t size) override {
    if (size == 0) return {};
    return done_if_zero(::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                    static_cast<off_t>(offset), static_cast<off_t>(size)));
  }

private:
  int fd_;
};

const char* at_root(const std::string& path) { return path.empty() ? "." : path.c_str(); }

result<void> sync_folder_at(int root, const std::string& folder) {
  const int fd = ::openat(root, at_root(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return from_errno();
  const auto outcome = done_if_zero(::fsync(fd));  // fdatasync says nothing about folders
  ::close(fd);
  return outcome;
}

}  // namespace

result<std::unique_ptr<posix_disk>> posix_disk::open(const std::string& root) {
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = root.find('/', slash + 1);
    if (::mkdir(root.substr(0, slash).c_str(), 0700) != 0 && errno != EEXIST) return from_errno();
  }
  const int fd = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return from_errno();
  return std::unique_ptr<posix_disk>(new posix_disk(fd));
}

result<void> posix_disk::claim() {
  if (::flock(root_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) return ec::already_exists;
  return from_errno();
}

posix_disk::~posix_disk() { ::close(root_); }

result<std::unique_ptr<file>> posix_disk::open(const std::string& path, mode how) {
  if (path.empty() || !stays_below_root(path)) return ec::invalid_argument;
  int flags = O_CLOEXEC | O_NOFOLLOW | (how == mode::read ? O_RDONLY : O_RDWR);
  if (how == mode::create) flags |= O_CREAT;
  const int fd = ::openat(root_, path.c_str(), flags, 0600);
  if (fd < 0) return from_errno();
  return std::unique_ptr<file>(new posix_file(fd));
}

result<bool> posix_disk::exists(const std::string& path) {
  if (!stays_below_root(path)) return ec::invalid_argument;
  struct stat about {};
  if (::fstatat(root_, at_root(path), &about, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (from_errno() == ec::not_found) return false;
  return from_errno();
}

result<void> posix_disk::remove(const std::string& path) {
  if (path.empty() || !stays_below_root(path)) return ec::invalid_argument;
  return done_if_zero(::unlinkat(root_, path.c_str(), 0));
}

result<void> posix_disk::rename(const std::string& from, const std::string& to) {
  if (from.empty() || to.empty() || !stays_below_root(from) || !stays_below_root(to))
    return ec::invalid_argument;
  return done_if_zero(::renameat(root_, from.c_str(), root_, to.c_str()));
}

result<void> posix_disk::sync_folder(const std::string& folder) {
  if (!stays_below_root(folder)) return ec::invalid_argument;
  return sync_folder_at(root_, folder);
}

result<void> posix_disk::make_folder(const std::string& folder) {
  if (!stays_below_root(folder)) return ec::invalid_argument;
  if (folder.empty()) return {};
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = folder.find('/', slash + 1);
    const auto part = folder.substr(0, slash);
    if (::mkdirat(root_, part.c_str(), 0700) != 0) {
      if (errno == EEXIST) continue;
      return from_errno();
    }
    if (auto durable = sync_folder_at(root_, folder_of(part)); !durable) return durable;
  }
  return {};
}

result<std::vector<std::string>> posix_disk::list(const std::string& folder) {
  if (!stays_below_root(folder)) return ec::invalid_argument;
  const int fd = ::openat(root_, at_root(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return from_errno();
  DIR* stream = ::fdopendir(fd);  // owns fd from here
  if (stream == nullptr) {
    ::close(fd);
    return ec::io_error;
  }
  std::vector<std::string> names;
  errno = 0;
  while (const auto* found = ::readdir(stream)) {
    const std::string name = found->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  const auto failed = errno != 0;
  ::closedir(stream);
  if (failed) return ec::io_error;
  std::sort(names.begin(), names.end());
  return names;
}

result<disk_space> posix_disk::space() {
  struct statvfs about {};
  if (::fstatvfs(root_, &about) != 0) return from_errno();
  // What ordinary users may still take, without root's reserve.
  return disk_space{about.f_blocks * about.f_frsize, about.f_bavail * about.f_frsize};
}

}  // namespace dunlin
