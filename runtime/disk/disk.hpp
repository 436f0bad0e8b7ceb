/// DISK: the port through which every byte reaches storage: the log, the extents and SQLite's VFS
/// stand on it, so that a simulation can lose, tear or flip anything (decision 2). Abstract.
#pragma once

#include "messages/vocabulary.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin {

/// One open file. Offsets and sizes are bytes. Used by one thread at a time, except pread, which
/// may run beside anything.
class file {
public:
  virtual ~file() = default;

  /// Reads up to `size` bytes at `offset`; fewer only at the end of the file.
  virtual result<std::string> pread(std::uint64_t offset, std::size_t size) = 0;

  /// Reads into `target`; answers how many bytes.
  virtual result<std::size_t> pread(std::uint64_t offset, char* target, std::size_t size) = 0;

  /// Writes all of `data` at `offset`, growing the file. Lost by a crash until sync() returns.
  virtual result<void> pwrite(std::uint64_t offset, std::string_view data) = 0;

  /// After it returns, everything written before survives a crash (fdatasync). After an error
  /// nothing is known of what was written since the last success: the caller must stop using the
  /// file.
  virtual result<void> sync() = 0;

  /// A hint: begins to write these bytes to the disk, so that a later sync() has less to wait for.
  /// Promises nothing.
  virtual void start_writing(std::uint64_t offset, std::uint64_t size) {
    (void)offset;
    (void)size;
  }

  virtual result<std::uint64_t> size() = 0;
  virtual result<void> truncate(std::uint64_t size) = 0;

  /// Gives the bytes back to the file system; they read as zeros afterwards.
  virtual result<void> punch(std::uint64_t offset, std::uint64_t size) = 0;
};

struct disk_space {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;
};

/// A folder tree that belongs to one node. Paths are relative to its root, with '/' between parts;
/// the empty path is the root folder; one that would leave the tree is invalid_argument. What is
/// not there is not_found.
class disk {
public:
  virtual ~disk() = default;

  enum class mode { read, read_write, create };  ///< create: read_write, made if missing

  virtual result<std::unique_ptr<file>> open(const std::string& path, mode how) = 0;
  virtual result<bool> exists(const std::string& path) = 0;
  virtual result<void> remove(const std::string& path) = 0;
  virtual result<void> rename(const std::string& from, const std::string& to) = 0;

  /// Makes creations, renames and removals in `folder` durable.
  virtual result<void> sync_folder(const std::string& folder) = 0;

  /// Makes the folder and its parents, durable when it returns; no error if it is there.
  virtual result<void> make_folder(const std::string& folder) = 0;

  /// Names (not paths) in `folder`, sorted.
  virtual result<std::vector<std::string>> list(const std::string& folder) = 0;

  virtual result<disk_space> space() = 0;
};

}  // namespace dunlin
