/// One near cache in a small world, from one seed: leaders that commit and answer linearizable
/// reads after any delay, or never; keys that move between partitions; messages that come late,
/// twice, in any order, or are lost; a subscription that finds what was lost and proves the rest;
/// now and then a lie. Every answer is held against what was committed when.
#pragma once

#include "actors/near_cache/near_cache_core.hpp"

#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace dunlin {

class near_cache_model {
public:
  explicit near_cache_model(std::uint64_t seed);

  /// Empty: all is well.
  std::string run();

  std::uint64_t lookups = 0, answered = 0, refused = 0, commits = 0, drops = 0, lies = 0, moves = 0;
  near_cache_figures figures() const { return core_.figures(); }
  std::uint64_t pages = 0;
  bool was_mirror = false;

private:
  using core = near_cache_core;
  using time = core::time;

  struct version {
    std::uint64_t tick = 0;
    time committed{};
    bool present = false;
  };
  struct change {  // as announced
    std::uint64_t ordinal = 0, tick = 0;
    std::string key;  // empty: whole
    change_content content;
  };
  struct news {
    time asked{};
    std::uint64_t tick = 0, last = 0;
  };
  struct partition {
    // the leader's
    std::uint64_t tick = 0, ordinal = 0;
    std::vector<change> announced;  // by ordinal, from 1
    // the subscriber's
    bool subscribed = false;
    std::set<std::uint64_t> beyond;
    std::uint64_t through = 0, base = 0;
    std::vector<news> unproven;
  };
  struct key_state {
    partition_id owner = 1;
    std::vector<version> versions;   // ticks rise
    std::uint64_t served = 0;        // newest tick given to any reader
    std::uint64_t acknowledged = 0;  // newest own write
  };
  struct reader {
    std::string key;
    time came{};
    bool strict = false;
    std::uint64_t at_least = 0;  // tick: newest at the leaders if strict, newest own write
    time staleness_max{};
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(unsigned percent) { return below(100) < percent; }
  time delay();
  std::string any_key() { return "k" + std::to_string(below(keys_)); }
  void at(time when, std::function<void()> what) { events_.emplace(when, std::move(what)); }
  void fault(const std::string& text);

  near_cache_parameters any_parameters();
  void act();
  void look_up();
  void write();
  void end_write(core::ticket_id ticket, const std::string& key);
  void commit_elsewhere();
  std::uint64_t commit(const std::string& key, bool present);
  void move();
  void list();
  void lie();
  void announce(partition_id id, change what);
  void deliver(partition_id id, const change& what);
  void ask_news(partition_id id);
  void prove(partition_id id);
  void lose_patience(partition_id id, time asked);
  core::answer read(const core::ask& asked) const;
  void take(const core::effects& effects);
  void asked(const core::ask& what);
  void served(const core::serve& what);
  void check_item(const key_state& key, const core::serve& what, const std::string& name);
  static std::string words(const std::string& key, std::uint64_t tick) {
    return key + "@" + std::to_string(tick);
  }
  static cached_value value(const std::string& key, std::uint64_t tick);
  static std::uint64_t newest_before(const key_state& key, time when);

  std::uint64_t seed_;
  std::mt19937_64 random_;
  time now_{1'000'000};
  time end_{};
  std::multimap<time, std::function<void()>> events_;
  std::size_t keys_ = 1;
  unsigned loss_ = 0, slow_ = 0;
  bool lying_ = false;
  time patience_{};  // of the subscription with a hole
  near_cache_parameters parameters_;
  core core_;
  std::map<partition_id, partition> partitions_;
  std::map<std::string, key_state> state_;
  std::map<core::reader_id, reader> readers_;
  core::reader_id last_reader_ = 0;
  bool listing_ = false;
  std::string failure_;
};

}  // namespace dunlin
