/// BALANCE SOURCE: follows the settings of balancing that the cluster map carries, and gives them
/// to this node's admission and balancer (B13, docs/decisions/0015). Where near caches hear of a
/// new map it looks at the node's own, often; else it asks the root partition, seldom. Whoever
/// hears that another node works with a newer version says so here, and it is asked for at once.
#pragma once

#include "runtime/balance/settings.hpp"
#include "runtime/map_source.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>
#include <caf/replies_to.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace dunlin {

/// Another node uses settings of this version.
struct heard_balance_version {
  std::uint64_t version = 0;
};

struct get_balance_settings {};
struct balance_settings_report {
  std::uint64_t version = 0;  ///< in use here; 0: the topology file's
  std::uint64_t known = 0;    ///< the cluster's, as far as it is known here
  std::string changes;        ///< the cluster's: keys that differ from the file's, as TOML
  balance::settings in_use;
  std::string mistakes;  ///< why `known` is not in use, for people; empty if it is
};

using balance_source_actor =
    caf::typed_actor<caf::reacts_to<heard_balance_version>,
                     caf::replies_to<get_balance_settings>::with<balance_settings_report>,
                     // INTERNAL: the next look is due.
                     caf::reacts_to<caf::tick_atom>>;

/// Settings read from what the cluster says, or why they cannot be used.
struct read_settings {
  std::optional<balance::settings> settings;
  std::string mistakes;
};

struct balance_source_options {
  map_source from;
  balance::settings of_file;  ///< in use until the cluster says otherwise
  /// The file's settings with these changes.
  std::function<read_settings(const std::string& changes)> read;
  /// Called in the actor's turns whenever other settings are in use than before.
  std::function<void(const balance::settings&, std::uint64_t version)> use;
  std::chrono::milliseconds look_interval{1'000};  ///< at the near cache
  std::chrono::milliseconds ask_interval{10'000};  ///< of the root, where there is no near cache
  std::chrono::milliseconds timeout{5'000};
};

struct balance_source_state {
  balance_source_options options;
  balance_settings_report report;
  std::uint64_t wanted = 0;  ///< newest version that was heard of
  bool asking = false;       ///< the root
  static inline const char* name = "balance_source";
};

balance_source_actor::behavior_type balance_source(
    balance_source_actor::stateful_pointer<balance_source_state> self,
    balance_source_options options);

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::heard_balance_version)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::get_balance_settings)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::balance_settings_report)
