/// STATE KEEPER: one a node; the slow half of its partitions' states (decision 9): checkpoints in
/// the background, copies for laggards and the serving of their bytes, fetching such a copy from a
/// leader, and putting it in the place of the own state. Blocks on the disk, so production runs it
/// detached; replicas only ask, and go on.
///
/// Bounded: a copy and a fetch a partition, `fetches_max` fetches at a time, one piece of each in
/// flight. A full disk refuses a copy or a fetch; what was made of it is removed.
#pragma once

#include "actors/partition/state_files.hpp"
#include "messages/storage.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <map>

namespace dunlin {

// ---- what it tells a replica ----

/// All that was committed when `through` was is durable. A failure: memory and disk of the state
/// may disagree.
struct state_checkpointed {
  raft::index_t through = 0;
  std::optional<ec> failure;
};
/// Null: not now.
struct state_copied {
  raft::snapshot_ptr copy;
};
/// All bytes of `identity` are here, as offered; or not, and nothing is left of them.
struct state_fetched {
  std::string identity;
  std::optional<ec> refusal;
};
/// The state is open again: the new one, or with a refusal the old one. Null: neither is known to
/// be whole, and the node must stop.
struct state_installed {
  std::string identity;
  std::shared_ptr<kv_store> store;
  std::optional<ec> refusal;
};
using state_owner_actor =
    caf::typed_actor<caf::reacts_to<state_checkpointed>, caf::reacts_to<state_copied>,
                     caf::reacts_to<state_fetched>, caf::reacts_to<state_installed>>;

// ---- what a replica asks ----

/// First of all. The store has no other background than this.
struct keep_state {
  partition_id id = 0;
  state_owner_actor owner;
  std::shared_ptr<store_background> background;
};
struct checkpoint_state {
  partition_id id = 0;
  raft::index_t through = 0;
};
/// Of what is committed; takes the place of an earlier one.
struct copy_state {
  partition_id id = 0;
  std::string identity;
};
struct drop_copy {
  partition_id id = 0;
};
/// Goes on where an earlier fetch of the same file has stopped; others are dropped.
struct fetch_state {
  partition_id id = 0;
  node_id from;
  raft::snapshot_ptr offered;
};
struct drop_fetch {
  partition_id id = 0;
};
/// What was fetched takes the place of the state, which the owner has closed.
struct install_state {
  partition_id id = 0;
};
/// The log knows of the state that was installed.
struct forget_mark {
  partition_id id = 0;
};

/// INTERNAL: the next piece of a copy or a fetch. An older one's is not done.
struct copy_more {
  partition_id id = 0;
  std::string identity;
};
struct fetch_more {
  partition_id id = 0;
  std::string identity;
};

using state_keeper_actor =
    page_transfers_actor::extend<caf::reacts_to<keep_state>, caf::reacts_to<checkpoint_state>,
                                 caf::reacts_to<copy_state>, caf::reacts_to<drop_copy>,
                                 caf::reacts_to<fetch_state>, caf::reacts_to<drop_fetch>,
                                 caf::reacts_to<install_state>, caf::reacts_to<forget_mark>,
                                 caf::reacts_to<copy_more>, caf::reacts_to<fetch_more>>;

struct state_keeper_options {
  disk* storage = nullptr;  ///< outlives the actor
  std::string folder = "snapshots";
  page_link_actor bulk;
  inspect_state inspect;
  /// Where a partition's state is, and its mark beside it.
  std::function<std::string(partition_id)> path_of;
  /// Puts a received file in the place of a closed state.
  std::function<result<void>(partition_id, const std::string& received)> install;
  std::function<result<std::shared_ptr<kv_store>>(partition_id)> open;

  std::uint64_t reserve_bytes = 0;              ///< of the disk, not for snapshots
  std::uint64_t step_bytes = 1u << 20;          ///< of a copy, at once
  std::chrono::milliseconds step_interval{10};  ///< between two: a bound on the rate
  std::uint64_t piece_bytes = 512u << 10;       ///< of a fetch; never more than a bulk body
  std::chrono::milliseconds piece_timeout{5000};
  std::chrono::milliseconds retry_interval{500};
  int retries_max = 20;  ///< in a row; more and the fetch fails until it is asked for again
  std::size_t fetches_max = 2;
};

struct state_keeper_state {
  struct fetch {
    node_id from;
    std::unique_ptr<incoming_state> file;
    bool opened = false;
    bool running = false;  ///< counts against fetches_max
    int failures = 0;
  };
  struct kept {
    state_owner_actor owner;
    std::shared_ptr<store_background> background;
    std::unique_ptr<outgoing_state> copy;
    std::optional<fetch> incoming;
  };
  state_keeper_options options;
  std::map<partition_id, kept> states;
};

/// Its first turn removes what a former life left in its folder.
state_keeper_actor::behavior_type state_keeper(
    state_keeper_actor::stateful_pointer<state_keeper_state> self, state_keeper_options options);

/// The mark's place beside the state at `path`.
std::string mark_of(const std::string& path);

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::state_checkpointed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::state_copied)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::state_fetched)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::state_installed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::keep_state)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::checkpoint_state)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::copy_state)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::drop_copy)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::fetch_state)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::drop_fetch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::install_state)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::forget_mark)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::copy_more)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::fetch_more)
