#include "runtime/storage/sqlite_connection.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

/// SQLite counts its memory under one mutex for all databases of the process; nobody asks.
static void count_no_memory() {
  static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  (void)configured;  // a process that used SQLite before only keeps counting
}

sqlite_connection::sqlite_connection(disk& storage, std::shared_ptr<sqlite_shared> shared)
    : shared_(std::move(shared)), vfs_(storage, shared_) {}

sqlite_connection::~sqlite_connection() { sqlite3_close(db_); }

void sqlite_connection::open(const std::string& path, bool make, std::uint64_t cache_bytes) {
  count_no_memory();
  // NOMUTEX: a connection belongs to one thread at a time.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (make ? SQLITE_OPEN_CREATE : 0);
  need(sqlite3_open_v2(path.c_str(), &db_, flags, vfs_.name()));
  sqlite3_extended_result_codes(db_, 1);
  // Moving all pages when a store closes would only delay a restart: the next life reads the log.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  run("PRAGMA temp_store=MEMORY");
  run("PRAGMA mmap_size=0");
  run("PRAGMA secure_delete=OFF");  // Debian's default overwrites what is erased with zeros
  run("PRAGMA cache_size=-" + std::to_string(std::max<std::uint64_t>(cache_bytes / 1024, 64)));
  run("PRAGMA cell_size_check=ON");
  run("PRAGMA wal_autocheckpoint=0");
}

ec sqlite_connection::code_of(int sqlite_code) const {
  switch (sqlite_code & 0xff) {
    case SQLITE_FULL: return ec::disk_full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ec::damaged;
    default: return vfs_.last_error().value_or(ec::io_error);
  }
}

void sqlite_connection::stop(int sqlite_code) { stop(code_of(sqlite_code), sqlite3_errmsg(db_)); }

void sqlite_connection::stop(ec code, const std::string& reason) {
  broken_ = code;
  throw store_error(code, "sqlite: " + reason);
}

void sqlite_connection::need(int sqlite_code) {
  if (sqlite_code != SQLITE_OK) stop(sqlite_code);
}

void sqlite_connection::check_usable() const {
  if (broken_) throw store_error(*broken_, "sqlite: stopped after an earlier error");
}

void sqlite_connection::run(const std::string& text) {
  check_usable();
  need(sqlite3_exec(db_, text.c_str(), nullptr, nullptr, nullptr));
}

void sqlite_connection::begin_write() {
  // A reader that meets the log's index while a commit changes it may take the writer's place for
  // a moment, to look again undisturbed.
  sqlite3_busy_timeout(db_, 1000);
  run("BEGIN IMMEDIATE");
  sqlite3_busy_timeout(db_, 0);  // who resets the log must not wait for readers
}

std::int64_t sqlite_connection::number(const std::string& query) {
  const auto statement = prepare(query);
  const auto code = sqlite3_step(statement.get());
  if (code != SQLITE_ROW) stop(code);
  return sqlite3_column_int64(statement.get(), 0);
}

sqlite_statement sqlite_connection::prepare(const std::string& text, unsigned flags) {
  check_usable();
  sqlite3_stmt* made = nullptr;
  need(sqlite3_prepare_v3(db_, text.c_str(), -1, flags, &made, nullptr));
  return sqlite_statement(made);
}

void sqlite_connection::sync(int which) {
  check_usable();
  sqlite3_file* target = nullptr;
  need(sqlite3_file_control(db_, "main", which, &target));
  if (target == nullptr || target->pMethods == nullptr) return;
  need(target->pMethods->xSync(target, SQLITE_SYNC_NORMAL));
}

void sqlite_connection::sync_log() { sync(SQLITE_FCNTL_JOURNAL_POINTER); }
void sqlite_connection::sync_database() { sync(SQLITE_FCNTL_FILE_POINTER); }

std::optional<sqlite_connection::moved> sqlite_connection::move_pages() {
  check_usable();
  int pages = 0, done = 0;
  const auto code =
      sqlite3_wal_checkpoint_v2(db_, "main", SQLITE_CHECKPOINT_PASSIVE, &pages, &done);
  if ((code & 0xff) == SQLITE_BUSY) return std::nullopt;
  need(code);
  return moved{static_cast<std::uint32_t>(std::max(pages, 0)),
               static_cast<std::uint32_t>(std::max(done, 0))};
}

}  // namespace dunlin
