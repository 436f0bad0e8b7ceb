/// FLOOD: gives a queue the changes of three busy leaders, as announcers do: what a leader has
/// committed since its last message goes in the next, of at most 256 changes, at most four of them
/// unanswered.
#pragma once

#include "messages/message_queue.hpp"

#include <caf/atom.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace dunlin::fanout {

struct flood_outcome {
  std::uint64_t changes = 0, messages = 0, failed = 0;
  std::string why;
  double seconds = 0;
  std::uint64_t ordinal = 0;  ///< last one of each leader
};

struct flood_options {
  message_queue_actor queue;
  double rate = 10'000;  ///< changes a second, of all leaders together
  double seconds = 5;
  double round_ms = 2;          ///< each leader commits so often
  std::size_t value_bytes = 0;  ///< 0: none are carried
  std::uint64_t ordinal = 0;    ///< last one of each leader until now
  std::function<void(flood_outcome)> done;
};

using flood_actor = caf::typed_actor<
    // INTERNAL: the leaders commit.
    caf::reacts_to<caf::tick_atom>>;

inline constexpr std::size_t leaders = 3;

struct flood_state {
  struct leader {
    std::uint64_t committed = 0;  ///< ordinals; ticks are the same
    std::uint64_t sent = 0;
    std::size_t open = 0;
  };
  flood_options options;
  flood_outcome made;
  std::array<leader, leaders> all;
  std::chrono::nanoseconds began{};
  static inline const char* name = "fanout_flood";
};

flood_actor::behavior_type flood(flood_actor::stateful_pointer<flood_state> self,
                                 flood_options options);

}  // namespace dunlin::fanout
