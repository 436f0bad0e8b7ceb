/// The real DISK: a folder of the file system. The only caller of fdatasync.
#pragma once

#include "runtime/disk/disk.hpp"

#include <memory>
#include <string>

namespace dunlin {

class posix_disk final : public disk {
public:
  /// Everything happens below `root` (absolute, or relative to the working folder), made if
  /// missing.
  static result<std::unique_ptr<posix_disk>> open(const std::string& root);
  ~posix_disk() override;
  /// For this process alone until it ends, however it ends. already_exists: another one has it.
  result<void> claim();
  posix_disk(const posix_disk&) = delete;
  posix_disk& operator=(const posix_disk&) = delete;

  result<std::unique_ptr<file>> open(const std::string& path, mode how) override;
  result<bool> exists(const std::string& path) override;
  result<void> remove(const std::string& path) override;
  result<void> rename(const std::string& from, const std::string& to) override;
  result<void> sync_folder(const std::string& folder) override;
  result<void> make_folder(const std::string& folder) override;
  result<std::vector<std::string>> list(const std::string& folder) override;
  result<disk_space> space() override;

private:
  explicit posix_disk(int root) : root_(root) {}
  int root_;
};

}  // namespace dunlin
