/// SUBSCRIPTION CORE: the ear of one service's caches (Q8, Q9, Q14, Q26; decision 0011). It
/// subscribes with every queue, says what has come, and keeps account of the ordinals of each type
/// in each partition: what must be applied, until when what is held was right, and what has to be
/// dropped because a change of it was lost. Time is the own clock, an argument; answers are
/// effects, in an order that matters: what a `proven` stands on has been applied or dropped by
/// effects before it.
#pragma once

#include "actors/cache_update/queue_session.hpp"
#include "actors/cache_update/subscription_options.hpp"
#include "actors/cache_update/subscription_words.hpp"
#include "actors/cache_update/type_coverage.hpp"
#include "messages/vocabulary.hpp"
#include "runtime/clock.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace dunlin {

class subscription_core {
public:
  using time = cache_update::time;

  /// Answer with on_subscribed() or on_refused(), naming queue and attempt.
  struct subscribe {
    node_id queue;
    std::uint64_t attempt;
    std::uint64_t queue_incarnation;
    std::uint64_t received_through;
  };
  struct acknowledge {
    node_id queue;
    std::uint64_t queue_incarnation;
    std::uint64_t received_through;
    std::vector<ordinal_run> beyond;
    std::uint64_t stamp;
  };
  /// In the order in which they came; caches keep the greater tick.
  struct apply {
    std::string type;
    partition_id partition;
    std::vector<cache_update::change> changes;
  };
  enum class reason {
    base,   ///< the first news: it may be known from now on what is missed
    hole,   ///< a change was lost
    whole,  ///< the leader says that anything may have changed
  };
  /// Of the type in the partition only what the leader read at or after this tick may be kept.
  struct drop {
    std::string type;
    partition_id partition;
    std::uint64_t base_tick;
    reason why;
  };
  /// All changes of the type in the partition that were committed before `at` of the own clock have
  /// been applied or dropped.
  struct proven {
    std::string type;
    partition_id partition;
    time at;
    std::uint64_t base_tick;
  };
  using effect = std::variant<subscribe, acknowledge, apply, drop, proven>;
  using effects = std::vector<effect>;

  struct figures {
    std::uint64_t batches = 0;     ///< that came
    std::uint64_t gaps = 0;        ///< times that a batch showed one before it to be missing
    std::uint64_t replays = 0;     ///< batches that closed such a gap
    std::uint64_t duplicates = 0;  ///< batches that came twice
    std::uint64_t late = 0;        ///< batches of a life of the queue that we are not subscribed to
    std::uint64_t missed = 0;      ///< times that a queue could not send again what was missing
    std::uint64_t drops = 0;       ///< of a type in a partition, for a hole
    std::uint64_t old_changes = 0;  ///< parts of batches with nothing new
    std::uint64_t refused = 0;      ///< strange queues or types, nonsense
    std::uint64_t acks = 0, subscriptions = 0;
  };

  /// `types`: ascending. `random` outlives the core.
  subscription_core(cache_update::options limits, std::vector<std::string> types,
                    const std::vector<node_id>& queues, time now, random_source& random);

  effects start(time now) { return on_timer(now); }
  effects on_subscribed(time now, const node_id& queue, std::uint64_t attempt,
                        const cache_update::subscribed& said);
  effects on_refused(time now, const node_id& queue, std::uint64_t attempt);
  effects on_batch(time now, cache_update::batch came);
  effects on_news(time now, const cache_update::news& said);
  void on_peer_lost(time now, const node_id& queue);
  effects on_peer_up(time now, const node_id& queue);
  effects on_timer(time now);
  /// When on_timer() has work.
  time next_wake() const;

  const figures& count() const { return count_; }
  std::size_t tracked() const { return coverage_.size(); }
  /// Types in partitions of which something is missing now.
  std::size_t holes() const { return holes_.size(); }
  std::size_t subscribed_queues() const;
  std::vector<node_id> subscribed() const;

private:
  using place = std::pair<partition_id, std::string>;
  using coverage_entry = std::map<place, cache_update::type_coverage>::value_type;

  cache_update::queue_session* session(const node_id& queue);
  coverage_entry* track(partition_id partition, const std::string& type);
  bool sensible(const cache_update::type_changes& part) const;
  void take(time now, cache_update::type_changes part, effects& out);
  void learn(time now, const cache_update::partition_news& said, std::uint64_t echo, effects& out);
  bool fit_for_base(time now, const cache_update::type_coverage::claim& said) const;
  void settle(coverage_entry& of, effects& out);
  void ask_and_say(time now, effects& out);
  void drop_what_has_holes(time now, effects& out);

  cache_update::options limits_;
  std::vector<std::string> types_;
  time born_;
  std::optional<time> all_know_us_;  ///< since when every queue has
  random_source& random_;
  std::map<node_id, cache_update::queue_session> sessions_;
  std::map<place, cache_update::type_coverage> coverage_;
  std::set<place> holes_;
  figures count_;
};

}  // namespace dunlin
