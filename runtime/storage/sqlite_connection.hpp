/// One connection to a database on the DISK port: what the store, its checkpoints and its copies
/// have in common. One thread at a time. Everything throws store_error.
#pragma once

#include "runtime/storage/kv_store.hpp"
#include "runtime/storage/sqlite_vfs.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace dunlin {

struct sqlite_finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using sqlite_statement = std::unique_ptr<sqlite3_stmt, sqlite_finalize>;

class sqlite_connection {
public:
  sqlite_connection(disk& storage, std::shared_ptr<sqlite_shared> shared);
  ~sqlite_connection();  ///< all statements must be gone
  sqlite_connection(const sqlite_connection&) = delete;
  sqlite_connection& operator=(const sqlite_connection&) = delete;

  /// `make`: if it is missing.
  void open(const std::string& path, bool make, std::uint64_t cache_bytes);

  sqlite3* db() const { return db_; }
  sqlite_shared& shared() const { return *shared_; }

  void check_usable() const;
  void need(int sqlite_code);
  /// SQLite may have rolled the transaction back, while the owner's memory has not: there is no way
  /// on.
  [[noreturn]] void stop(int sqlite_code);
  [[noreturn]] void stop(ec code, const std::string& reason);

  void run(const std::string& text);
  /// Opens the transaction of the one writer.
  void begin_write();
  std::int64_t number(const std::string& query);
  sqlite_statement prepare(const std::string& text, unsigned flags = 0);

  /// What is committed is in the log, or was moved from there and synced: after this it is durable.
  void sync_log();
  void sync_database();

  struct moved {
    std::uint32_t pages = 0;  ///< in the log
    std::uint32_t done = 0;   ///< of them in the database; all: it is synced, the log starts over
  };
  /// Moves what is committed from the log to the database, as far as readers let it, without
  /// keeping anybody waiting. None: another connection is at it.
  std::optional<moved> move_pages();

  /// What an error of SQLite's means: its own codes do not tell closed from broken.
  ec code_of(int sqlite_code) const;
  std::optional<ec> last_error() const { return vfs_.last_error(); }

private:
  void sync(int which);

  std::shared_ptr<sqlite_shared> shared_;
  sqlite_vfs vfs_;
  sqlite3* db_ = nullptr;
  std::optional<ec> broken_;
};

}  // namespace dunlin
