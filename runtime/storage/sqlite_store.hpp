/// A KEY-VALUE STORE in one SQLite database on the DISK port (decision 9): write-ahead mode without
/// shared memory (one connection owns the file), synchronous=NORMAL, so a commit costs no sync and
/// only checkpoint() does. One thread at a time. Files: `path` and `path`-wal.
#pragma once

#include "runtime/disk/disk.hpp"
#include "runtime/storage/kv_store.hpp"

#include <memory>
#include <string>

namespace dunlin {

struct sqlite_options {
  std::uint64_t cache_bytes = 1u << 20;  ///< pages in memory: there are many stores in a process
  /// A commit that leaves more pages than this in the -wal file moves them to the database, with
  /// two syncs; 0: only checkpoint() does.
  std::uint32_t wal_pages_max = 4000;
};

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
  /// Leaves an open transaction open.
  void checkpoint() override;

private:
  struct parts;
  explicit sqlite_store(std::unique_ptr<parts> state);
  std::unique_ptr<parts> state_;
};

}  // namespace dunlin
