/// SQLite's files on the DISK port, so that a simulation loses and tears them like all others
/// (decision 2). One instance a connection; what the connections of one database must agree upon is
/// in their SQLITE SHARED.
#pragma once

#include "runtime/disk/disk.hpp"
#include "runtime/storage/sqlite_shared.hpp"

#include <sqlite3.h>

#include <memory>
#include <optional>
#include <string>

namespace dunlin {

class sqlite_log_file;

class sqlite_vfs {
public:
  sqlite_vfs(disk& storage, std::shared_ptr<sqlite_shared> shared);
  ~sqlite_vfs();
  sqlite_vfs(const sqlite_vfs&) = delete;
  sqlite_vfs& operator=(const sqlite_vfs&) = delete;

  /// For sqlite3_open_v2.
  const char* name() const { return name_.c_str(); }

  /// What the disk last answered that was no success; SQLite's own codes do not tell closed from
  /// broken.
  std::optional<ec> last_error() const { return last_error_; }

private:
  friend struct vfs_calls;
  int fail(ec code, int sqlite_code);
  result<void> sync_new_names(const std::string& folder);

  disk& disk_;
  std::shared_ptr<sqlite_shared> shared_;
  sqlite_log_file* log_ = nullptr;  // owned by SQLite's handle
  std::string name_;
  sqlite3_vfs vfs_{};
  std::optional<ec> last_error_;
};

}  // namespace dunlin
