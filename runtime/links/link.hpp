/// LINK ACTOR: the shell of link_core: wires, promises of calls in flight, one frame a turn.
#pragma once

#include "runtime/links/frames.hpp"
#include "runtime/links/link_core.hpp"
#include "runtime/links/link_messages.hpp"
#include "runtime/links/link_table.hpp"
#include "runtime/links/note_lane.hpp"

#include <caf/stateful_actor.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

namespace dunlin::links {

/// The lanes of all peers. Thread safe; one that is there stays.
class lane_table {
public:
  void add(const node_id& peer, std::shared_ptr<note_lane> lane) {
    const auto lock = std::unique_lock{guard_};
    lanes_[peer] = std::move(lane);
  }
  /// Null: no such peer.
  std::shared_ptr<note_lane> find(const node_id& peer) const {
    const auto lock = std::shared_lock{guard_};
    const auto found = lanes_.find(peer);
    return found == lanes_.end() ? nullptr : found->second;
  }

private:
  mutable std::shared_mutex guard_;
  std::map<node_id, std::shared_ptr<note_lane>> lanes_;
};

/// What all link actors of a node share. The references outlive them.
struct link_context {
  link_options options;
  wire_port& port;
  identity& own;
  random_source& random;
  metrics& figures;
  std::shared_ptr<link_table> table;
  lane_table lanes{};  ///< each made before its peer's link
  std::atomic<std::uint64_t> last_wire{0};
};

struct link_state {
  std::shared_ptr<link_context> shared;
  node_id peer;
  std::unique_ptr<link_core> core;
  std::shared_ptr<note_lane> lane;
  link_figures* figures = nullptr;  ///< the lane's
  std::map<std::uint64_t, wire_ptr> wires;
  struct call {
    caf::response_promise promise;
    decltype(outgoing_call::read) read;
  };
  std::map<std::uint64_t, call> calls;

  v1::LinkFrame outbox;  ///< envelopes of this turn
  std::size_t outbox_bytes = 0;
  std::vector<std::uint64_t> outbox_calls;
  bool flush_armed = false;

  static inline const char* name = "link";
};

link_actor::behavior_type link(link_actor::stateful_pointer<link_state> self,
                               std::shared_ptr<link_context> shared, node_id peer);

}  // namespace dunlin::links
