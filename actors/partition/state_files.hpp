/// STATE FILES: the two sides of a snapshot's bytes on the disk port (decision 9): a copy of a
/// state that others read, and one that is being received. Plain classes of the state keeper; they
/// block.
#pragma once

#include "actors/partition/raft_types.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/disk/disk.hpp"
#include "runtime/storage/kv_store.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace dunlin {

/// What a state file says of itself.
struct state_place {
  raft::position at;
  std::uint64_t tick = 0;
};
using inspect_state = std::function<result<state_place>(const std::string& path)>;

/// A copy in the making, then one to read from. The file goes with it.
class outgoing_state {
public:
  /// Throws store_error.
  outgoing_state(disk& storage, std::string path, std::string identity, store_background& of);
  ~outgoing_state();

  /// One bounded step. True: made; descriptor() says what it is.
  result<bool> step(std::uint64_t bytes_max, const inspect_state& inspect);
  const raft::snapshot& descriptor() const { return made_; }
  bool complete() const { return complete_; }

  /// Errors: not_found (not made yet), invalid_argument (beyond the end), io_error.
  result<std::string> read(std::uint64_t offset, std::size_t bytes);

private:
  result<bool> copy(std::uint64_t bytes_max, const inspect_state& inspect);
  result<void> open_copy(const inspect_state& inspect);

  disk& disk_;
  std::string path_;
  std::unique_ptr<store_copy> copy_;  // while it is made
  std::unique_ptr<file> file_;
  raft::snapshot made_;
  crypto::sha256 hash_;
  std::uint64_t hashed_ = 0;
  bool complete_ = false;
};

/// A file that grows piece by piece, and is what was offered once it is whole.
class incoming_state {
public:
  incoming_state(disk& storage, std::string path, raft::snapshot_ptr offered);
  /// Removes what was not installed.
  ~incoming_state();

  /// Errors: disk_full (also when it is plain that it will not fit above `reserve_bytes`),
  /// io_error.
  result<void> open(std::uint64_t reserve_bytes);

  std::uint64_t offset() const { return offset_; }
  bool received() const { return offset_ == offered_->bytes; }
  /// The piece at offset(). bad_message: it is empty, or more than is missing.
  result<void> add(std::string_view piece);
  /// Synced, and by hash and by its own words what was offered; else damaged.
  result<void> finish(const inspect_state& inspect);

  const raft::snapshot& offered() const { return *offered_; }
  const std::string& path() const { return path_; }

private:
  disk& disk_;
  std::string path_;
  raft::snapshot_ptr offered_;
  std::unique_ptr<file> file_;
  crypto::sha256 hash_;
  std::uint64_t offset_ = 0;
};

/// The mark that a state was installed which the log may not know of yet: a replica whose state is
/// ahead of its log starts only if the mark says why. Durable when it returns.
result<void> write_mark(disk& storage, const std::string& path, raft::position at);
/// None: there is none, or it was not written to its end.
result<std::optional<raft::position>> read_mark(disk& storage, const std::string& path);

/// Removes the database file with all that SQLite puts beside it; no error if there is none.
void remove_state(disk& storage, const std::string& path);

}  // namespace dunlin
