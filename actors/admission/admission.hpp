/// ADMISSION: decides which connections its access node takes, and gives some away when it has too
/// many (B2 to B4, B8 to B11, B13, B14; handle in messages/balance.hpp, docs/decisions/0015). The
/// decisions are those of runtime/balance and of the cores beside this file.
#pragma once

#include "actors/admission/balance_recorder.hpp"
#include "actors/admission/leg_table.hpp"
#include "actors/admission/load_source.hpp"
#include "messages/balance.hpp"
#include "runtime/balance/settings.hpp"
#include "runtime/clock.hpp"
#include "runtime/http/client_traffic.hpp"
#include "runtime/observe/metrics.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dunlin {

/// The settings in use from now on (B13); they have been checked.
struct use_balance_settings {
  balance::settings settings;
  std::uint64_t version = 0;
};

/// The other access nodes, from now on (F1, B13).
struct use_access_peers {
  std::vector<node_id> all;
};

/// Takes no more connections, gives all away, and answers when none is left or the time is over.
struct drain_legs {
  std::chrono::milliseconds within{};
};
struct legs_drained {
  std::size_t left = 0;  ///< 0: all have gone
};

/// INTERNAL: a leg has come to its boundary, or says why it does not.
struct leg_stopped {
  std::uint64_t connection = 0;
  bool at_boundary = false;
  ec why = ec::closed;
  std::string unread;
};

/// What the node itself says to it besides.
using admission_shell =
    admission_actor::extend<caf::reacts_to<use_balance_settings>, caf::reacts_to<use_access_peers>,
                            caf::replies_to<drain_legs>::with<legs_drained>,
                            caf::reacts_to<leg_stopped>,
                            caf::reacts_to<caf::tick_atom, std::int64_t>>;

struct admission_options {
  node_id self;
  std::uint64_t incarnation = 0;  ///< grows with every start; 0: the wall clock's milliseconds
  double capacity = 1;            ///< native, in unit nodes: how much more than others it can do
  std::uint32_t legs_max = 1024;  ///< of the entry, direct clients included; beyond: FULL
  std::vector<node_id> peers;
  balance::settings settings;
  std::uint64_t balance_version = 0;

  std::shared_ptr<load_source> load;
  std::shared_ptr<leg_table> legs;
  /// Those who come straight have places too; null: nobody does.
  std::shared_ptr<const http::client_traffic> direct;
  /// Tells the admission actor of another node; one-way, may be lost.
  std::function<void(const node_id&, const v1::PeerIndicators&)> tell_peer;
  /// The balancer of that node; null if there is no link.
  std::function<balancer_actor(const node_id&)> find_balancer;
  random_source* random = nullptr;
  const wall_clock* wall = nullptr;
  /// A peer uses settings of this version, later than ours: who keeps them should look again.
  std::function<void(std::uint64_t version)> on_later_settings;
  std::shared_ptr<balance_recorder> recorder;  ///< null: nothing is recorded
  dunlin::metrics* metrics = nullptr;          ///< null: none

  std::chrono::milliseconds token_ttl{5'000};
  std::chrono::milliseconds boundary_timeout{10'000};  ///< for a leg to come to its boundary
  std::chrono::milliseconds call_timeout{15'000};      ///< of a balancer
  std::uint32_t drains_at_once = 16;
};

struct admission_state;

admission_shell::behavior_type admission(admission_shell::stateful_pointer<admission_state> self,
                                         admission_options options);

/// Spawns it; what assembly and testkit call.
admission_shell spawn_admission(caf::actor_system& system, admission_options options);

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::use_balance_settings)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::use_access_peers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::drain_legs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::legs_drained)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::leg_stopped)
