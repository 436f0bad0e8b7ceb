/// A KEY-VALUE STORE in one SQLite database on the DISK port (decision 9): write-ahead mode with
/// the log's index in the memory of the process (docs/decisions/0008), synchronous=NORMAL, so a
/// commit costs no sync and only a checkpoint does. Files: `path`, `path`-wal, and `path`-new while
/// one is installed.
///
/// The store is used by one thread at a time; each background() by one thread of its own beside it.
/// All backgrounds and copies of a store must be gone before its database is opened anew. A
/// store_error of a background ends the store as well: whoever hears of it stops the owner.
#pragma once

#include "runtime/disk/disk.hpp"
#include "runtime/storage/kv_store.hpp"

#include <memory>
#include <string>

namespace dunlin {

/// Numbers of pages mean pages of 4 KiB, whatever size the database was made with.
struct sqlite_options {
  std::uint64_t cache_bytes = 1u << 20;  ///< pages in memory: there are many stores in a process
  /// A checkpoint in the background that finds more pages than this in the log lets the
  /// owner move the last of them, with two short syncs, so that the log starts over.
  std::uint32_t log_pages_wanted = 8000;
  /// So many pages that no checkpoint has moved make the store want one: more at once would hold up
  /// the disk for others.
  std::uint32_t log_pages_a_checkpoint = 2000;
  /// The last resort: a commit that leaves more pages than this in the log moves them to the
  /// database itself, with two syncs. 0: never.
  std::uint32_t log_pages_max = 16000;
  /// A copy keeps the log from starting over. While there is one, the log may have so many pages
  /// more, or as many as the database where that is more; then the copy ends with ec::overloaded.
  std::uint32_t log_pages_of_copy = 16000;
};

/// In the header of every database of ours ("DUNL").
inline constexpr std::int32_t sqlite_application_id = 0x44554e4c;

class sqlite_store final : public kv_store {
public:
  /// Makes the database if it is missing; its folder must exist. ec::damaged: not a database of
  /// ours; ec::unsupported: made by a later release.
  static result<std::unique_ptr<sqlite_store>> open(disk& storage, const std::string& path,
                                                    sqlite_options config = {});

  /// Rolls the open transaction back.
  ~sqlite_store() override;

  std::optional<std::string> get(table where, std::string_view key) override;
  void put(table where, std::string_view key, std::string_view value) override;
  void erase(table where, std::string_view key) override;
  void scan(table where, std::string_view from, const visitor& visit) override;
  void scan_back(table where, std::string_view from, const visitor& visit) override;
  void commit() override;
  bool wants_checkpoint() const override;
  /// Leaves an open transaction open.
  void checkpoint() override;
  std::unique_ptr<store_background> background() override;

private:
  struct parts;
  explicit sqlite_store(std::unique_ptr<parts> state);
  std::unique_ptr<parts> state_;
};

/// Puts the whole file `received` in the place of the database at `path`, if there is one, which no
/// store has open: after a crash at any moment the next opening finds either the old database, as
/// durable as it was, or the new one. Once this succeeds, the new one. `received` is gone then.
/// ec::damaged: not a whole database of ours; ec::unsupported: made by a later release.
result<void> install(disk& storage, const std::string& received, const std::string& path);

}  // namespace dunlin
