/// LOOK-UP WATCH: judges every answer of every near cache in a virtual cluster (Q5, Q11, Q14;
/// docs/decisions/0011). It knows what writers were told and what readers were given, with ticks
/// and virtual times, and samples nothing:
///  * what one cache says of a key never goes back, whatever arrives in any order;
///  * what the node's sampler finds of an answer is no fresher than it was;
///  * what was acknowledged, or seen by anybody, is no news to whoever asks when the cache's bound
///    has passed; in mode validated, or confirmed, to whoever asks then.
/// "There is none" as of tick 7 contradicts a record of a later tick, and none that is older.
#pragma once

#include "actors/near_cache/cache_event.hpp"
#include "messages/vocabulary.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::testkit {

class lookup_watch {
public:
  using time = std::chrono::milliseconds;  ///< the world's

  /// One life of one near cache.
  struct cache {
    node_id node;
    std::uint64_t life = 0;
    std::uint64_t service = 0;
    std::string type;
    friend auto operator<=>(const cache&, const cache&) = default;
  };

  void observe(time now, const cache& where, const cache_event& what);
  /// Others than the replica that led before may answer the samplers for the partition: what it
  /// applied as a follower it applied later than it was committed.
  void leader_changed(time now, partition_id partition) { led_since_[partition] = now; }

  const std::vector<std::string>& mistakes() const { return mistakes_; }
  /// Of the samplers.
  const std::vector<std::string>& sampled_wrong() const { return sampled_wrong_; }
  std::uint64_t answers() const { return answers_; }
  std::uint64_t hits() const { return hits_; }  ///< of these: without asking a leader
  std::uint64_t writes() const { return writes_; }
  /// Samples of answers that were surely stale.
  std::uint64_t stale_samples() const { return stale_samples_; }
  /// The oldest answer, by when the change that it lacked was acknowledged before the question.
  time oldest() const { return oldest_; }

private:
  /// Newest ticks of which something is known.
  struct knowledge {
    std::uint64_t present = 0, absent = 0;
  };
  struct fact {
    time since{};
    knowledge what;
  };
  using item = std::pair<std::string, std::string>;  // type, key

  static knowledge of(std::uint64_t tick, bool present);
  static bool contradicts(const knowledge& said, const knowledge& known);
  static void merge(knowledge& into, const knowledge& what);
  void judge(time now, const cache& where, const cache_served& what);
  void judge(const cache& where, const sample_judged& what);
  void learn(time now, const item& of, const knowledge& what);

  std::map<item, std::vector<fact>> facts_;  // in time; each holds those before it, too
  std::map<std::pair<cache, std::string>, knowledge> said_;
  std::map<partition_id, time> led_since_;
  std::vector<std::string> mistakes_, sampled_wrong_;
  std::uint64_t answers_ = 0, hits_ = 0, writes_ = 0, stale_samples_ = 0;
  time oldest_{0};
};

}  // namespace dunlin::testkit
