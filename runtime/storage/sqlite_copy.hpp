/// A COPY of a SQLite database as it was committed at one moment: a read transaction on a
/// connection of its own, and SQLite's backup from it into a new file.
#pragma once

#include "runtime/storage/sqlite_connection.hpp"
#include "runtime/storage/sqlite_store.hpp"

namespace dunlin {

class sqlite_copy final : public store_copy {
public:
  sqlite_copy(disk& storage, std::shared_ptr<sqlite_shared> shared, const std::string& from,
              std::string to, const sqlite_options& config);
  ~sqlite_copy() override;

  bool step(std::uint64_t bytes_max) override;

private:
  struct finish {
    void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
  };
  void start(const std::string& from);
  [[noreturn]] void stop(int sqlite_code);
  void sync_now_and_then(std::uint64_t pages);
  void let_go();
  bool complete();
  void end();

  disk& storage_;
  std::shared_ptr<sqlite_shared> shared_;  // of the source
  std::string path_;
  sqlite_options config_;
  std::uint64_t log_pages_max_ = 0;
  std::unique_ptr<file> made_;  // the copy's file; null: not ours to remove, or complete
  std::uint64_t page_bytes_ = 0;
  std::uint64_t unsynced_pages_ = 0;
  std::unique_ptr<sqlite_connection> source_, target_;
  std::unique_ptr<sqlite3_backup, finish> backup_;  // gone before its connections
};

}  // namespace dunlin
