#include "runtime/storage/sqlite_store.hpp"

#include "runtime/disk/path.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/reached.hpp"
#include "runtime/storage/sqlite_background.hpp"
#include "runtime/storage/sqlite_connection.hpp"
#include "runtime/storage/sqlite_install.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace dunlin {
namespace {

/// A change of one row writes a page to the log, and later to the database: with half of SQLite's
/// 4 KiB half the bytes go to the disk, with a quarter rows are long for a page (0008).
constexpr std::int64_t page_bytes_of_new = 2048;
const std::string page_size_of_new = "PRAGMA page_size=" + std::to_string(page_bytes_of_new);

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

std::string_view column_of(sqlite3_stmt* statement, int number) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, number));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, number));
  return bytes == nullptr ? std::string_view{} : std::string_view{bytes, size};
}

}  // namespace

struct sqlite_store::parts {
  parts(disk& on, std::string path, const sqlite_options& config)
      : storage(on),
        file(std::move(path)),
        options(config),
        shared(std::make_shared<sqlite_shared>()),
        connection(on, shared) {}

  disk& storage;
  std::string file;
  sqlite_options options;
  std::shared_ptr<sqlite_shared> shared;
  sqlite_connection connection;
  std::array<std::array<sqlite_statement, query_count>, table_count> statements;
  bool in_transaction = false;
  std::int64_t page_bytes = page_bytes_of_new;

  void begin() {
    if (std::exchange(in_transaction, true)) return;
    connection.begin_write();
  }
  void setup();
  void learn_page_size();
  void make_tables();
  void copy_empty();
  void commit();
  void bound_log();
  sqlite_statement& home_of(query what, table where) {
    const auto number = static_cast<std::size_t>(where);
    DUNLIN_ASSERT(number < statements.size());
    return statements[number][static_cast<std::size_t>(what)];
  }
  class loan;
};

namespace {

/// What makes a store of `known` tables one of today.
std::vector<std::string> tables_from(std::int64_t known) {
  std::vector<std::string> all;
  for (auto at = known; at < table_count; ++at)
    all.push_back("CREATE TABLE t" + std::to_string(at) +
                  "(key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID");
  all.push_back("PRAGMA application_id=" + std::to_string(sqlite_application_id));
  all.push_back("PRAGMA user_version=" + std::to_string(table_count));
  return all;
}

struct close_database {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};

/// In memory, made once a thread: copying it costs a sixth of making the tables.
sqlite3* empty_store() {
  thread_local const auto made = [] {
    sqlite3* opened = nullptr;
    DUNLIN_ASSERT(sqlite3_open(":memory:", &opened) == SQLITE_OK);
    auto steps = tables_from(0);
    steps.insert(steps.begin(), page_size_of_new);
    for (const auto& text : steps)
      DUNLIN_ASSERT(sqlite3_exec(opened, text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    return std::unique_ptr<sqlite3, close_database>(opened);
  }();
  return made.get();
}

}  // namespace

/// A prepared statement on loan: a visitor may use the same query again while its scan is open.
class sqlite_store::parts::loan {
public:
  loan(parts& store, query what, table where, std::string_view key)
      : store_(store), home_(store.home_of(what, where)), statement_(std::move(home_)) {
    store_.connection.check_usable();
    if (!statement_)
      statement_ = store_.connection.prepare(text_of(what, where), SQLITE_PREPARE_PERSISTENT);
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
    store_.connection.need(
        sqlite3_bind_blob64(statement_.get(), number, start, bytes.size(), SQLITE_STATIC));
  }

  /// Whether there is a row.
  bool step() {
    const auto code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) store_.connection.stop(code);
    return false;
  }

  std::string_view column(int number) const { return column_of(statement_.get(), number); }

private:
  parts& store_;
  sqlite_statement& home_;
  sqlite_statement statement_;
};

/// A database keeps the size of page that it was made with; the options mean pages of 4 KiB.
void sqlite_store::parts::learn_page_size() {
  page_bytes = connection.number("PRAGMA page_size");
  for (auto* pages : {&options.log_pages_a_checkpoint, &options.log_pages_wanted,
                      &options.log_pages_max, &options.log_pages_of_copy})
    *pages = static_cast<std::uint32_t>(*pages * std::int64_t{4096} / page_bytes);
}

void sqlite_store::parts::setup() {
  connection.open(file, true, options.cache_bytes);
  connection.run(page_size_of_new);
  connection.run("PRAGMA journal_mode=WAL");
  connection.run("PRAGMA synchronous=NORMAL");
  learn_page_size();
  // The log's file shrinks to this when it starts over, after one large transaction had grown it.
  connection.run("PRAGMA journal_size_limit=" + std::to_string(std::max<std::int64_t>(
                                                    options.log_pages_max * page_bytes, 4 << 20)));
  const auto note_pages = [](void* to, sqlite3*, const char*, int pages) {
    const auto before =
        static_cast<sqlite_shared*>(to)->log_pages.exchange(static_cast<std::uint32_t>(pages));
    if (static_cast<std::uint32_t>(pages) >= before) return SQLITE_OK;
    static_cast<sqlite_shared*>(to)->moved_pages = 0;
    DUNLIN_REACHED("sqlite.log_started_over");
    return SQLITE_OK;
  };
  sqlite3_wal_hook(connection.db(), note_pages, shared.get());
  make_tables();
}

void sqlite_store::parts::make_tables() {
  const auto known = connection.number("PRAGMA user_version");
  if (known > table_count) connection.stop(ec::unsupported, "made by a later release");
  const auto owner = connection.number("PRAGMA application_id");
  if (owner != 0 && owner != sqlite_application_id)
    connection.stop(ec::damaged, "made by another application");
  if (known == table_count && owner == sqlite_application_id) return;
  if (known == 0 && page_bytes == page_bytes_of_new) return copy_empty();
  begin();
  for (const auto& text : tables_from(known))
    connection.run(text);
  commit();
}

/// The pages of an empty store, in one transaction.
void sqlite_store::parts::copy_empty() {
  auto* copy = sqlite3_backup_init(connection.db(), "main", empty_store(), "main");
  if (copy == nullptr) connection.stop(sqlite3_errcode(connection.db()));
  sqlite3_backup_step(copy, -1);
  connection.need(sqlite3_backup_finish(copy));  // answers what went wrong in the step, too
  bound_log();
}

void sqlite_store::parts::commit() {
  connection.check_usable();
  if (!in_transaction) return;
  connection.run("COMMIT");
  in_transaction = false;
  bound_log();
}

/// A log that at no moment has all of its pages moved would never start over. Between two commits
/// nobody adds to it, and after a checkpoint in the background there is little left to move.
void sqlite_store::parts::bound_log() {
  const auto allowed = std::uint64_t{options.log_pages_max} + shared->pages_for_copies;
  const auto too_long = options.log_pages_max > 0 && shared->log_pages > allowed;
  if (!too_long && !shared->finish_wanted) return;
  DUNLIN_REACHED("sqlite.owner_finished_checkpoint");
  while (!connection.move_pages()) {
    if (!too_long) return;  // after the next commit, then
    // Nothing else would bound the log of an owner that writes faster than a checkpoint moves.
    shared->wait_for_checkpoint();
  }
  shared->finish_wanted = false;
}

sqlite_store::sqlite_store(std::unique_ptr<parts> state) : state_(std::move(state)) {}
sqlite_store::~sqlite_store() = default;

result<std::unique_ptr<sqlite_store>> sqlite_store::open(disk& storage, const std::string& path,
                                                         sqlite_options config) {
  if (path.empty()) return ec::invalid_argument;  // SQLite would take it for a temporary database
  if (!stays_below_root(path)) return ec::invalid_argument;
  if (auto whole = finish_install(storage, path); !whole) return whole.error();
  auto state = std::make_unique<parts>(storage, path, config);
  try {
    state->setup();
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

bool sqlite_store::wants_checkpoint() const {
  const auto moved = state_->shared->moved_pages.load();
  const auto pages = state_->shared->log_pages.load();
  return pages >= moved + std::max(state_->options.log_pages_a_checkpoint, 1u);
}

void sqlite_store::checkpoint() {
  state_->connection.check_usable();
  // Moving pages is impossible within a transaction; syncing what is committed is not.
  state_->connection.sync_log();
  if (!state_->in_transaction) state_->connection.move_pages();
}

std::unique_ptr<store_background> sqlite_store::background() {
  state_->connection.check_usable();
  return std::make_unique<sqlite_background>(state_->storage, state_->shared, state_->file,
                                             state_->options);
}

}  // namespace dunlin
