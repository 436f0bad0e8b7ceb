/// DRIVER: replays a plan on the near caches of running client nodes, in an open loop: every step
/// begins when it is due, whatever has become of those before. Look-ups ask the node's near cache;
/// a write takes a ticket there, goes to the leader through the node's router, and ends at the
/// cache before it counts as acknowledged, as the services do it. The same actor runs on real time
/// and on virtual time.
///
/// First it makes all items, by the clients' routers, so that no cache hears of it before it is
/// asked; then waits until that has been announced; then plays, waits until all has been heard,
/// and, if it is to, audits: what every near cache still holds is compared with the leaders.
#pragma once

#include "apps/replay/recorder.hpp"
#include "messages/near_cache.hpp"
#include "messages/node.hpp"
#include "messages/partition.hpp"

#include <caf/atom.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::replay {

struct client {
  partition_router_actor router;
  std::map<std::string, near_cache_actor> caches;  ///< by type; items of others are left out
};

/// Figures of the cluster's nodes, as their managers tell them: "cache.TYPE.NAME", "queue.NAME",
/// "subscriber.NAME", those with labels "….NAME.LABEL", of all nodes together.
using counts = std::map<std::string, std::uint64_t>;

struct audit_figures {
  bool done = false;
  std::uint64_t held = 0;  ///< entries that were served without asking
  std::uint64_t old = 0;   ///< of these: older than what the leader has
  std::uint64_t lost = 0;  ///< items whose leader does not know the newest acknowledged write
  std::uint64_t failures = 0;
};

struct run_figures {
  ledger::figures seen;
  counts before, after;  ///< when the counting began, and at the end
  audit_figures audit;
  std::uint64_t steps = 0;     ///< played
  std::uint64_t left_out = 0;  ///< of types without a near cache
  std::uint64_t failed_lookups = 0, failed_writes = 0;
  std::uint64_t failed_counts = 0;  ///< managers that did not answer
  std::string first_failure;
  std::chrono::microseconds late_p50{}, late_p99{}, late_max{};  ///< behind the time it was due
  double seconds = 0;                                            ///< of playing
  std::string gave_up;  ///< why it could not be played; empty: it was

  /// The growth of a figure, also of all that begin with it.
  std::uint64_t grown(const std::string& name) const;
};

struct driver_options {
  std::shared_ptr<const plan> what;
  std::vector<client> clients;  ///< one for each node of the plan
  std::vector<node_manager_actor> managers;
  std::shared_ptr<recorder> records;
  std::size_t making_max = 64;                ///< items in the making at a time
  std::chrono::milliseconds settling{2'000};  ///< after they are made
  std::chrono::milliseconds draining{3'000};  ///< after the last step
  bool audit = false;                         ///< `draining` after the last step
  std::function<void(run_figures)> done;
};

using driver_actor = caf::typed_actor<
    // INTERNAL: a step is due, or a wait is over.
    caf::reacts_to<caf::tick_atom>>;

struct driver_state {
  enum class phase { making, settling, playing, draining, auditing, over };

  driver_options options;
  phase now = phase::making;
  run_figures figures;
  std::size_t next = 0;                ///< item that is made or audited, or step
  std::size_t open = 0;                ///< of these
  std::vector<std::uint32_t> changes;  ///< of each item
  bool counting = false;
  std::chrono::microseconds began{};
  std::vector<std::chrono::microseconds> late;
  std::vector<v1::ClusterMap> map;  ///< one, once it is known
  static inline const char* name = "replay_driver";
};

driver_actor::behavior_type driver(driver_actor::stateful_pointer<driver_state> self,
                                   driver_options options);

}  // namespace dunlin::replay
