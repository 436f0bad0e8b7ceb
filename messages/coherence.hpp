/// The handle of the sampler that measures how stale what near caches serve was, and what is said
/// to it inside one node (X2, docs/decisions/0013).
#pragma once

#include "messages/vocabulary.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace dunlin {

/// An answer that a near cache gave without asking a leader.
struct cache_sample {
  std::string type;
  std::uint64_t service = 0;
  std::string key;
  partition_id partition = 0;
  std::uint64_t tick = 0;
  std::chrono::microseconds served_at{};  ///< of the actors' clock: when it was decided
  std::chrono::milliseconds bound{};      ///< how stale it may have been then
};

/// What was found about one of them, for who watches the sampler; how stale it was when it was
/// served lies between the two.
struct sample_judged {
  cache_sample sample;
  std::uint64_t next_tick = 0;  ///< of the change that had overtaken it when the leader was asked
  std::chrono::microseconds at_least{}, at_most{};
};

struct get_staleness {};

/// What was found about the samples of one type and service.
struct staleness {
  std::string type;
  std::uint64_t service = 0;
  std::uint64_t samples = 0;             ///< answered by leaders
  std::uint64_t unanswered = 0;          ///< dropped at a bound, or the leader did not say
  std::uint64_t stale = 0;               ///< overtaken before they were served, surely
  std::uint64_t unsure = 0;              ///< overtaken within the time of asking, before or after
  std::uint64_t violations = 0;          ///< stale for longer than their bound, surely
  std::uint64_t p50_us = 0, p99_us = 0;  ///< of those stale or unsure, at most
  std::uint64_t max_us = 0;              ///< of these, at most
  std::uint64_t surely_max_us = 0;       ///< of those stale, at least
};

struct staleness_report {
  std::vector<staleness> all;  ///< by type, then service
};

/// COHERENCE SAMPLER: acts as one more cache: asks the leader of each sample how long ago what was
/// served had been overtaken. One a node.
using coherence_sampler_actor =
    caf::typed_actor<caf::reacts_to<cache_sample>,
                     caf::replies_to<get_staleness>::with<staleness_report>>;

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::cache_sample)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::get_staleness)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::staleness_report)
