#include "runtime/storage/sqlite_store.hpp"

#include "runtime/observe/log.hpp"
#include "runtime/storage/sqlite_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <utility>

namespace dunlin {
namespace {

enum class query : std::uint8_t { get, put, erase, scan, scan_back };
constexpr std::size_t query_count = 5;

std::string text_of(query what, table where) {
  const auto name = "t" + std::to_string(static_cast<int>(where));
  switch (what) {
    case query::get: return "SELECT value FROM " + name + " WHERE key=?1";
    case query::put: return "INSERT OR REPLACE INTO " + name + "(key,value) VALUES(?1,?2)";
    case query::erase: return "DELETE FROM " + name + " WHERE key=?1";
    case query::scan: return "SELECT key,value FROM " + name + " WHERE key>=?1 ORDER BY key";
    case query::scan_back:
      return "SELECT key,value FROM " + name + " WHERE key<=?1 ORDER BY key DESC";
  }
  return {};
}

struct finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using statement_ptr = std::unique_ptr<sqlite3_stmt, finalize>;

std::string_view column_of(sqlite3_stmt* statement, int number) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, number));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, number));
  return bytes == nullptr ? std::string_view{} : std::string_view{bytes, size};
}

}  // namespace

struct sqlite_store::parts {
  explicit parts(disk& storage) : vfs(storage) {}
  ~parts() {
    for (auto& of_table : statements)
      for (auto& one : of_table)
        one.reset();
    sqlite3_close(db);
  }

  sqlite_vfs vfs;
  sqlite3* db = nullptr;
  std::array<std::array<statement_ptr, query_count>, table_count> statements;
  bool in_transaction = false;
  std::optional<ec> broken;

  ec code_of(int sqlite_code) const {
    switch (sqlite_code & 0xff) {
      case SQLITE_FULL: return ec::disk_full;
      case SQLITE_CORRUPT:
      case SQLITE_NOTADB: return ec::damaged;
      default: return vfs.last_error().value_or(ec::io_error);
    }
  }

  /// SQLite may have rolled the transaction back, while the owner's memory has not: there is no way
  /// on.
  [[noreturn]] void stop(int sqlite_code) {
    broken = code_of(sqlite_code);
    throw store_error(*broken, std::string("sqlite: ") + sqlite3_errmsg(db));
  }
  void need(int sqlite_code) {
    if (sqlite_code != SQLITE_OK) stop(sqlite_code);
  }
  void check_usable() const {
    if (broken) throw store_error(*broken, "sqlite: stopped after an earlier error");
  }
  void run(const char* text) {
    check_usable();
    need(sqlite3_exec(db, text, nullptr, nullptr, nullptr));
  }
  void begin() {
    if (std::exchange(in_transaction, true)) return;
    run("BEGIN");
  }
  std::int64_t number(const char* pragma);
  void setup(const std::string& path, const sqlite_options& config);
  void make_tables();
  void commit();
  void sync_log();
  statement_ptr& home_of(query what, table where) {
    const auto number = static_cast<std::size_t>(where);
    DUNLIN_ASSERT(number < statements.size());
    return statements[number][static_cast<std::size_t>(what)];
  }
  class loan;
};

/// A prepared statement on loan: a visitor may use the same query again while its scan is open.
class sqlite_store::parts::loan {
public:
  loan(parts& store, query what, table where, std::string_view key)
      : store_(store), home_(store.home_of(what, where)), statement_(std::move(home_)) {
    store_.check_usable();
    if (!statement_) {
      sqlite3_stmt* made = nullptr;
      const auto text = text_of(what, where);
      store_.need(sqlite3_prepare_v3(store_.db, text.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &made,
                                     nullptr));
      statement_.reset(made);
    }
    bind(1, key);
  }

  ~loan() {
    sqlite3_reset(statement_.get());
    home_ = std::move(statement_);
  }
  loan(const loan&) = delete;
  loan& operator=(const loan&) = delete;

  /// `bytes` must outlive the loan.
  void bind(int number, std::string_view bytes) {
    const auto* start = bytes.empty() ? "" : bytes.data();  // a null pointer would bind NULL
    store_.need(sqlite3_bind_blob64(statement_.get(), number, start, bytes.size(), SQLITE_STATIC));
  }

  /// Whether there is a row.
  bool step() {
    const auto code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) store_.stop(code);
    return false;
  }

  std::string_view column(int number) const { return column_of(statement_.get(), number); }

private:
  parts& store_;
  statement_ptr& home_;
  statement_ptr statement_;
};

std::int64_t sqlite_store::parts::number(const char* pragma) {
  sqlite3_stmt* made = nullptr;
  need(sqlite3_prepare_v2(db, pragma, -1, &made, nullptr));
  const statement_ptr statement(made);
  const auto code = sqlite3_step(made);
  if (code != SQLITE_ROW) stop(code);
  return sqlite3_column_int64(made, 0);
}

void sqlite_store::parts::setup(const std::string& path, const sqlite_options& config) {
  // NOMUTEX: a store belongs to one actor.
  constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  need(sqlite3_open_v2(path.c_str(), &db, flags, vfs.name()));
  sqlite3_extended_result_codes(db, 1);
  // Moving all pages when a store closes would only delay a restart: the next life reads the log.
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  const auto set = [this](const std::string& pragma) { run(("PRAGMA " + pragma).c_str()); };
  // First, because any other pragma may read: without it the log would need shared memory.
  set("locking_mode=EXCLUSIVE");
  set("temp_store=MEMORY");
  set("mmap_size=0");
  set("cache_size=-" + std::to_string(std::max<std::uint64_t>(config.cache_bytes / 1024, 64)));
  set("journal_mode=WAL");
  set("synchronous=NORMAL");
  set("cell_size_check=ON");
  set("wal_autocheckpoint=" + std::to_string(config.wal_pages_max));
  // The log's file shrinks to this when it starts over, after one large transaction had grown it.
  set("journal_size_limit=" +
      std::to_string(std::max<std::uint64_t>(config.wal_pages_max, 1000) * 4096));
  make_tables();
}

void sqlite_store::parts::make_tables() {
  const auto known = number("PRAGMA user_version");
  if (known > table_count) {
    broken = ec::unsupported;
    throw store_error(*broken, "sqlite: made by a later release");
  }
  if (known == table_count) return;
  begin();
  for (auto at = known; at < table_count; ++at)
    run(("CREATE TABLE t" + std::to_string(at) +
         "(key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
            .c_str());
  run(("PRAGMA user_version=" + std::to_string(table_count)).c_str());
  commit();
}

void sqlite_store::parts::commit() {
  check_usable();
  if (!in_transaction) return;
  run("COMMIT");
  in_transaction = false;
}

/// What is committed is in the -wal file, or moved from there and synced.
void sqlite_store::parts::sync_log() {
  sqlite3_file* log = nullptr;
  need(sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log));
  if (log != nullptr && log->pMethods != nullptr)
    need(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL));
}

sqlite_store::sqlite_store(std::unique_ptr<parts> state) : state_(std::move(state)) {}
sqlite_store::~sqlite_store() = default;

result<std::unique_ptr<sqlite_store>> sqlite_store::open(disk& storage, const std::string& path,
                                                         sqlite_options config) {
  if (path.empty()) return ec::invalid_argument;  // SQLite would take it for a temporary database
  auto state = std::make_unique<parts>(storage);
  try {
    state->setup(path, config);
  } catch (const store_error& error) {
    // A disk that is closed has crashed in a simulation, which is no news.
    if (error.code() != ec::closed)
      dunlin::log::error("storage.refused_database", {{"file", path}, {"reason", error.what()}});
    return error.code();
  }
  return std::unique_ptr<sqlite_store>(new sqlite_store(std::move(state)));
}

std::optional<std::string> sqlite_store::get(table where, std::string_view key) {
  parts::loan statement(*state_, query::get, where, key);
  if (!statement.step()) return std::nullopt;
  return std::string(statement.column(0));
}

void sqlite_store::put(table where, std::string_view key, std::string_view value) {
  state_->begin();
  parts::loan statement(*state_, query::put, where, key);
  statement.bind(2, value);
  statement.step();
}

void sqlite_store::erase(table where, std::string_view key) {
  state_->begin();
  parts::loan(*state_, query::erase, where, key).step();
}

void sqlite_store::scan(table where, std::string_view from, const visitor& visit) {
  parts::loan statement(*state_, query::scan, where, from);
  while (statement.step() && visit(statement.column(0), statement.column(1)))
    continue;
}

void sqlite_store::scan_back(table where, std::string_view from, const visitor& visit) {
  parts::loan statement(*state_, query::scan_back, where, from);
  while (statement.step() && visit(statement.column(0), statement.column(1)))
    continue;
}

void sqlite_store::commit() { state_->commit(); }

void sqlite_store::checkpoint() {
  state_->check_usable();
  // Moving pages is impossible within a transaction; syncing what is committed is not.
  if (state_->in_transaction) return state_->sync_log();
  state_->need(
      sqlite3_wal_checkpoint_v2(state_->db, "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr));
}

}  // namespace dunlin
