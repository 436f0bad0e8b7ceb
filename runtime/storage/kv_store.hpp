/// KEY-VALUE STORE: ordered tables of bytes, the state of a partition replica or the page index of
/// a storage node. Abstract; SQLite behind it in production (decision 9), a map in tests.
#pragma once

#include "messages/vocabulary.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace dunlin {

/// Kinds are tables, not key prefixes (decision 10). The numbers name SQLite tables: append only.
enum class table : std::uint8_t {
  meta = 0,  ///< applied index, tick, clock
  objects = 1,
  uploads = 2,
  parts = 3,
  garbage = 4,
  fences = 5,
  outbox = 6,
  clients = 7,         ///< exactly-once: open clients
  answers = 8,         ///< exactly-once: answers kept for retries
  buckets = 9,         ///< root: by name
  bucket_owners = 10,  ///< root: (owner, name)
  users = 11,
  access_keys = 12,
  settings = 13,  ///< root: the cluster map
  seals = 14,
  pages = 15,          ///< storage node: page id -> place
  extents = 16,        ///< storage node: extent -> indexed through
  garbage_items = 17,  ///< garbage by (item, last page), for fences
  fence_times = 18,    ///< fences by age, to forget them
  policies = 19,       ///< root: by the key under which caches hold them
  user_keys = 20,      ///< root: (user, access key)
};
inline constexpr int table_count = 21;

/// The store cannot go on (I/O error, no space, damage). Whoever owns the store stops: its memory
/// and disk may disagree. The one exception of the state machines; it never crosses a message.
class store_error : public std::runtime_error {
public:
  store_error(ec code, const std::string& what) : std::runtime_error(what), code_(code) {}
  ec code() const noexcept { return code_; }

private:
  ec code_;
};

class store_background;

/// Writes belong to the open transaction, which starts by itself at the first write; reads see
/// them. Every call throws store_error.
class kv_store {
public:
  virtual ~kv_store() = default;

  virtual std::optional<std::string> get(table where, std::string_view key) = 0;
  virtual void put(table where, std::string_view key, std::string_view value) = 0;
  virtual void erase(table where, std::string_view key) = 0;

  /// Visits entries with from <= key, ascending, until `visit` answers false or the table ends.
  /// The visitor must not write to this store.
  using visitor = std::function<bool(std::string_view key, std::string_view value)>;
  virtual void scan(table where, std::string_view from, const visitor& visit) = 0;

  /// Entries with from > key or key <= from, descending; for "newest at or below".
  virtual void scan_back(table where, std::string_view from, const visitor& visit) = 0;

  /// Makes the open transaction visible to later openings; durable only after checkpoint().
  virtual void commit() = 0;

  /// Everything committed before the call survives a crash after it.
  virtual void checkpoint() = 0;
  /// So much was committed since the last one that the next had better not wait for long.
  virtual bool wants_checkpoint() const { return false; }

  /// Null: this kind of store has none.
  virtual std::unique_ptr<store_background> background() { return nullptr; }
};

/// A copy of what a store had committed at one moment, made piece by piece while the store goes on.
/// Unfinished when it ends: what it made is removed (after a crash, by whoever finds it).
class store_copy {
public:
  virtual ~store_copy() = default;
  /// Copies about `bytes_max` more. True: complete and durable. Throws store_error, which ends the
  /// copy alone: ec::overloaded if the store wrote so much meanwhile that the copy had to give way.
  virtual bool step(std::uint64_t bytes_max) = 0;
};

/// The slow half of a store, for a thread of its own beside the owner of the kv_store. One thread
/// at a time; it and its copies must end before the store's database is opened anew.
class store_background {
public:
  virtual ~store_background() = default;

  /// Everything committed before the call survives a crash after it; the owner may write on
  /// meanwhile. Throws store_error, after which the owner too must stop using the store.
  virtual void checkpoint() = 0;

  /// Of all that is committed now, to the file `path`, which must not exist. Throws store_error;
  /// the store goes on.
  virtual std::unique_ptr<store_copy> copy_to(const std::string& path) = 0;
};

}  // namespace dunlin
