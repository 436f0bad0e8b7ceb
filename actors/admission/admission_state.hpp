/// Inside ADMISSION: its state, and what its files tell each other. Nobody else includes it.
#pragma once

#include "actors/admission/admission.hpp"
#include "actors/admission/demand_book.hpp"
#include "actors/admission/peer_table.hpp"
#include "actors/admission/rebalancer.hpp"
#include "runtime/balance/acceptance.hpp"
#include "runtime/balance/declared_meter.hpp"
#include "runtime/balance/load_meter.hpp"
#include "runtime/wake_timer.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace dunlin {

struct admission_figures {
  std::uint64_t accepted = 0, refused = 0, last_resorts = 0, absurd = 0;
  std::uint64_t moves_offered = 0, moved_away = 0, declined = 0, moved_here = 0;
  struct row {
    std::uint64_t accepted = 0, refused = 0;
  };
  std::map<std::uint32_t, row> attempts;  ///< the last one: that and all above
};

struct admission_state {
  using time = std::chrono::milliseconds;
  /// One connection on its way to another node.
  struct move {
    bool drain = false;
    std::string balancer;
    std::uint64_t line = 0;
    std::string client_hash;
    double demand = 0;
    bool close = false;    ///< a plain close: nobody is told
    bool stopped = false;  ///< its leg is at the boundary, or is not to be; the balancer is told
    bool left = false;     ///< at the boundary: it stays no longer
  };

  admission_options options;
  balance::load_meter meter;
  balance::declared_meter declared;
  peer_table peers;
  demand_book demands;
  rebalancer balancing;
  refusal_window refusals;
  admission_figures figures;
  wake_timer timer;

  std::uint64_t sequence = 0;
  double published = 0;  ///< own level of the last exchange
  std::optional<time> sampled;
  std::uint32_t sampled_legs = 0;  ///< open ones, when the last sample was taken
  time next_sample{}, next_exchange{}, next_account{}, next_drain{};
  std::vector<balance::resource_sample> latest;
  std::map<std::uint64_t, move> moves;
  std::set<std::uint64_t> moved_away;  ///< until their legs have ended
  std::set<std::uint64_t> throttled;

  bool draining = false;
  time drain_until{};
  std::map<std::uint64_t, time> drain_after;  ///< not before
  std::vector<caf::typed_response_promise<legs_drained>> drained;
  static inline const char* name = "admission";
};

namespace admitting {

using self_pointer = admission_shell::stateful_pointer<admission_state>;
using time = admission_state::time;

time now(self_pointer self);
peer_table::own_level own(const admission_state& state);
/// The entry has no place for one more. Who rests between two requests there gives way.
bool full(const admission_state& state);
/// L as it was exchanged; what acceptance is relative to.
double fleet_level(self_pointer self);
/// As it would be told to peers now.
v1::NodeLevel level_now(self_pointer self);
void tell_peers(self_pointer self);

// ---- admission_offers.cpp ----
v1::OfferReply answer(self_pointer self, const v1::OfferConnection& offer);

// ---- admission_moves.cpp ----
void rebalance(self_pointer self);
void begin_move(self_pointer self, std::uint64_t connection, bool drain);
void close_plainly(self_pointer self, std::uint64_t connection);
void on_stopped(self_pointer self, const leg_stopped& leg);
caf::result<legs_drained> drain(self_pointer self, std::chrono::milliseconds within);
void drain_on(self_pointer self);

// ---- admission_words.cpp ----
v1::AdmissionStatus status(self_pointer self);
void record_settings(self_pointer self);
void record_load(self_pointer self);
void record_offer(self_pointer self, const v1::OfferConnection& asked, const balance::uses& loads,
                  double fleet_level, const v1::OfferReply& said);
void record_leg(self_pointer self, std::uint64_t connection, const expected_leg& agreed,
                bool ended);
void count_offer(self_pointer self, bool accepted);
void show_levels(self_pointer self);

}  // namespace admitting

}  // namespace dunlin
