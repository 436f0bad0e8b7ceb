/// BALANCE SETTINGS: every number and rule of placing and moving connections (B2 to B10, B13,
/// docs/decisions/0015). One struct for the topology file, the live changes, the cores and the
/// replay. Sources: US 9602424 (rows C, L, R of docs/requirements.md); defaults by simulation.
#pragma once

#include "messages/vocabulary.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::balance {

using std::chrono::milliseconds;

/// What a node can run out of (B3). `declared` counts the units that requests say they cost.
enum class resource : std::uint8_t { cpu, net, mem, disk, sockets, requests, declared };
inline constexpr std::array all_resources{resource::cpu,     resource::net,     resource::mem,
                                          resource::disk,    resource::sockets, resource::requests,
                                          resource::declared};
std::string_view to_string(resource which);
std::optional<resource> resource_named(std::string_view text);

/// A boolean form over resources (L5, L6). `below` and `above` compare the use of one resource, in
/// parts of its adjusted capacity, with `limit`, or with the row's own threshold if there is none.
struct condition {
  enum class kind : std::uint8_t { below, above, all, any };
  kind what = kind::all;
  resource of = resource::cpu;
  std::optional<double> limit;
  std::vector<condition> parts;  ///< of all and any; no parts: every resource that is measured
  bool operator==(const condition&) const = default;
};

/// What one attempt may meet (B2). The last step holds for all attempts above it.
struct step {
  double threshold = 0;  ///< of the fleet's level, or of adjusted capacity in literal mode
  condition when;        ///< by default: every measured resource below the threshold
  bool operator==(const step&) const = default;
};

enum class scale : std::uint8_t { relative, literal };
enum class decay : std::uint8_t { exponential, linear };
/// How a balancer picks the access node of an attempt (B6).
enum class pick : std::uint8_t { digest, success, random, round_robin, cycle };
enum class target : std::uint8_t { best_fit, oldest, heaviest, random };

struct acceptance {
  scale against = scale::relative;
  std::vector<step> steps{{1.06, {}}, {1.12, {}}};
  double ceiling = 0.97;      ///< relative thresholds never mean more of adjusted capacity
  double fleet_floor = 0.30;  ///< the fleet's level counts as this much at least
  bool last_resort = true;    ///< after the steps' attempts; false is the strict variant
  double last_resort_cap = 1.25;
  std::uint32_t attempts_max = 64;  ///< greater attempt counts are absurd: clamped and counted
  bool operator==(const acceptance&) const = default;
};

struct load {
  milliseconds sample_interval{5'000};
  double latest_weight = 0.5;    ///< of the last sample; the rest is history
  milliseconds history{60'000};  ///< time constant, or length of a linear one
  decay shape = decay::exponential;
  double failure_overhead = 0.05;  ///< part of native capacity kept for failures
  bool credit = true;              ///< an accepted connection counts before it is measured
  bool declared = false;           ///< x-dunlin-load is honoured
  double declared_rate = 100;      ///< declared units a second that a node of capacity 1 can do
  bool operator==(const load&) const = default;
};

struct peers {
  milliseconds exchange{10'000};
  milliseconds stale_after{30'000};  ///< older levels count as unwilling
  bool operator==(const peers&) const = default;
};

struct rebalancing {
  bool enabled = true;
  /// Relative: own level over `trigger` of the fleet's and over `floor`, and at least `peers_below`
  /// of the peers below the fleet's level. Literal: `when`, and at least `peers_willing` of them
  /// willing.
  double trigger = 1.06;
  double floor = 0.30;
  double peers_below = 0.30;
  std::optional<condition> when;
  double peers_willing = 0.70;
  /// If set, a peer counts as below when its level is under this, in both modes (R5).
  std::optional<double> peers_level;
  milliseconds interval_min{10'000};  ///< Tmin between decisions
  std::uint32_t moves_at_once = 1;    ///< per decision
  target choice = target::best_fit;
  double fit_max = 1.5;                  ///< of the excess
  milliseconds demand_history{300'000};  ///< time constant of a connection's mean demand (B14)
  milliseconds age_min{60'000};
  milliseconds cool_down{900'000};  ///< of a client that was moved, wherever it went
  milliseconds refusal{120'000};    ///< the node that gave it away does not take it (R9)
  bool rehome = true;               ///< false: plain close
  bool close_anyway = false;        ///< though peers would not take it (R10)
  double throttle = 0;              ///< part of the time that heavy legs wait instead (R10); 0: not
  bool operator==(const rebalancing&) const = default;
};

struct picking {
  std::vector<pick> by_attempt{pick::digest};  ///< the last holds for all attempts above
  bool rack_first = false;
  milliseconds offer_timeout{1'000};
  milliseconds retry_hint{1'000};     ///< told to a client that nobody takes; jitter is added
  milliseconds patience{2'000};       ///< while none of the access nodes can be asked; 0: none
  milliseconds lost_after{5'000};     ///< a silent leg, while the node's link is down; 0: never
  double failures_target = 1e-4;      ///< of connects in five minutes (B5)
  std::uint32_t lines_max = 10'000;   ///< clients of one balancer
  milliseconds idle_timeout{75'000};  ///< of a client without a byte either way
  milliseconds first_byte_timeout{10'000};
  bool operator==(const picking&) const = default;
};

struct settings {
  acceptance accept;
  balance::load load;
  balance::peers peers;
  rebalancing rebalance;
  picking choose;
  bool operator==(const settings&) const = default;
};

/// The literal numbers of the patent (mode = "patent"): L4, L5, R4.
settings patent_settings();

/// "relative", "literal"; "patent" if what is accepted is by the patent's own table.
std::string_view mode_of(const settings& what);

/// What would make no sense, in words for people; empty: nothing.
std::vector<std::string> mistakes_of(const settings& what);

}  // namespace dunlin::balance
