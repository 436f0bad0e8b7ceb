/// PARTITION MACHINE: what a partition's replicas compute from their log (decisions 10 to 15, 18).
/// Deterministic: equal logs make equal stores, byte for byte. No CAF, SQLite, clock or random;
/// time is the leader's, carried by each entry. Protobuf is let in, because records and log entries
/// *are* Protobuf (decision 25) and a second set of structs would have to agree with it byte for
/// byte.
#pragma once

#include "messages/dunlin/v1/partition.pb.h"
#include "messages/dunlin/v1/stored.pb.h"
#include "runtime/storage/kv_store.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace dunlin {

namespace machine {
struct context;
}

/// Every call may throw store_error: the replica must stop then, and must not commit the store.
class partition_machine {
public:
  /// Continues from what the store holds. The range is of bucket_hash values, both ends inclusive;
  /// partition 0 (root) owns no bucket range whatever is passed. Throws store_error
  /// (invalid_argument) if the store belongs to another partition.
  partition_machine(kv_store& store, partition_id id, std::uint64_t first_hash,
                    std::uint64_t last_hash);
  ~partition_machine();

  /// Applies the entry at `index`: sets `replies` to one reply per command, in order. The changes
  /// and the applied index join the store's open transaction, so both survive or neither; the owner
  /// calls store.commit() when a round of entries is through (decision 9: commits are lazy).
  /// Entries come in order; one at or below applied() does nothing and clears `replies`.
  ///
  /// Whoever proposes a batch makes sure that its bytes parse again: Protobuf refuses to read text
  /// that is not UTF-8, and an entry that cannot be read is lost with all its commands.
  ///
  /// Exactly once (decision 14): a command with a ClientStamp runs only for an open client. The
  /// client is opened by OpenClient under the same stamp, whose `sequence` is the highest number
  /// used before (0 at first): numbers up to it are never run. Re-opening an open client is OK and
  /// changes nothing; a newer incarnation closes the older ones of its node. A repeated number is
  /// answered from the kept status and tick, with the records that it was about as they are now.
  /// UNKNOWN_CLIENT: it cannot be told whether the command ran; it did not run now.
  /// TOO_MANY_OPEN: not run; advance lowest_unanswered first.
  void apply(std::uint64_t index, std::uint64_t term, const v1::CommandBatch& batch,
             std::vector<v1::CommandReply>& replies);

  /// The entry at `index` holds no commands (no-op, configuration).
  void skip(std::uint64_t index, std::uint64_t term);

  /// Answers from the state as applied so far. Changes nothing. Replies are bounded in bytes as
  /// well as in items; `truncated` says that more follows.
  v1::QueryReply answer(const v1::PartitionQuery& query) const;

  /// Changes not yet announced, oldest first (decision 13): in the order of their ticks, each with
  /// the next ordinal of its type (docs/decisions/0011). What types there are, and which changes
  /// are announced under which keys: messages/cache_types.hpp. A row of type "partition" stands for
  /// rows that were dropped: anything of the types that it lists, up to the ordinals that it lists,
  /// may have changed after the tick in its 8-byte key.
  std::vector<v1::OutboxRecord> outbox(std::uint64_t after_tick, std::size_t items_max) const;
  std::uint64_t announced_through() const;  ///< rows up to this tick are gone

  std::uint64_t outbox_rows() const;

  /// Hears of each announced change while it is applied; what it does is none of the state's
  /// business. The strings live as long as the call.
  using announcement_listener =
      std::function<void(std::uint64_t tick, std::string_view type, std::string_view key)>;
  void on_announced(announcement_listener listener);

  /// An announced item as caches would hold it.
  struct item_now {
    std::uint64_t tick = 0;                  ///< of the record; of the partition if there is none
    std::optional<v1::CachedRecord> record;  ///< none: there is no such item
  };
  /// As applied so far; nullopt: of no type that can be sent along, or larger than 4 KiB.
  std::optional<item_now> current(std::string_view type, std::string_view key) const;

  std::uint64_t applied() const;        ///< index of the newest applied entry; 0: none
  std::uint64_t applied_term() const;   ///< its term
  std::uint64_t tick() const;           ///< of the newest change
  std::int64_t leader_time_ms() const;  ///< running maximum of the leaders' clocks (decision 15)
  partition_id id() const;
  std::uint64_t first_hash() const;
  std::uint64_t last_hash() const;

private:
  std::unique_ptr<machine::context> context_;
};

/// The state that a store holds, without a machine on it; of partition 0 at index 0 if none. Throws
/// store_error.
v1::PartitionState stored_state(kv_store& store);

}  // namespace dunlin
