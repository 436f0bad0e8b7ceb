/// SQLite's -wal file, written a commit at a time. SQLite writes every frame in two calls, 24 bytes
/// of head and a page; here they are gathered until the commit's last frame, whose head says so
/// (https://www.sqlite.org/fileformat2.html, 4.1), or until somebody looks: no other connection
/// looks at frames of a commit that has not ended.
#pragma once

#include "runtime/disk/disk.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace dunlin {

class sqlite_log_file final : public file {
public:
  explicit sqlite_log_file(std::unique_ptr<file> bytes) : bytes_(std::move(bytes)) {}

  /// Whether every commit that has ended was written.
  bool is_written() const { return gathered_.empty() || !ends_commit_; }

  result<std::string> pread(std::uint64_t offset, std::size_t size) override;
  result<std::size_t> pread(std::uint64_t offset, char* target, std::size_t size) override;
  result<void> pwrite(std::uint64_t offset, std::string_view data) override;
  result<void> sync() override;
  result<std::uint64_t> size() override;
  result<void> truncate(std::uint64_t size) override;
  void start_writing(std::uint64_t offset, std::uint64_t size) override;
  result<void> punch(std::uint64_t offset, std::uint64_t size) override;

private:
  result<void> flush();

  std::unique_ptr<file> bytes_;
  std::uint64_t start_ = 0;  // of what is gathered
  std::string gathered_;
  std::uint64_t read_last_ = UINT64_MAX;
  bool ends_commit_ = false;                         // said the last head
  std::uint64_t unsent_start_ = 0, unsent_end_ = 0;  // written last, and not on its way to the disk
};

}  // namespace dunlin
