/// One near cache, a clock that the test moves, and words for what comes in and goes out.
#pragma once

#include "actors/near_cache/near_cache_core.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dunlin {

using namespace std::chrono_literals;

inline cached_value text(const std::string& words, std::size_t bytes = 100) {
  return {std::make_shared<const std::string>(words), bytes};
}

struct NearCache : ::testing::Test {
  using core_type = near_cache_core;
  using wants = core_type::wants;
  using serve = core_type::serve;
  using fail = core_type::fail;
  using ask = core_type::ask;
  using found = core_type::found;
  using absent = core_type::absent;
  using unchanged = core_type::unchanged;

  static near_cache_parameters defaults() {
    near_cache_parameters it;
    it.time_to_live = 300s;
    it.staleness_max = 1s;
    return it;
  }
  explicit NearCache(near_cache_parameters parameters = defaults()) : core{parameters, 0ms} {}
  ~NearCache() override { core.check(); }

  core_type core;
  core_type::time clock = 100'000ms;
  std::vector<serve> served;  // by the last input
  std::vector<fail> failed;
  std::vector<ask> asked;
  std::size_t mirror_refusals = 0;
  core_type::reader_id last_reader = 0;

  void now(const core_type::effects& effects) {
    served.clear();
    failed.clear();
    asked.clear();
    for (const auto& one : effects) {
      if (const auto* it = std::get_if<serve>(&one)) served.push_back(*it);
      if (const auto* it = std::get_if<fail>(&one)) failed.push_back(*it);
      if (const auto* it = std::get_if<ask>(&one)) asked.push_back(*it);
      mirror_refusals += std::holds_alternative<core_type::mirror_refused>(one);
    }
    core.check();
  }
  core_type::reader_id look(const std::string& key, wants what = wants::served) {
    now(core.look_up(clock, key, ++last_reader, what));
    return last_reader;
  }
  /// The ticket of the one request that the last input made.
  core_type::ticket_id ticket() const {
    EXPECT_EQ(asked.size(), 1u);
    return asked.empty() ? 0 : asked.front().ticket;
  }
  void answer(core_type::ticket_id to, const core_type::answer& said) {
    now(core.on_answer(clock, to, said));
  }
  /// Misses, and brings this.
  void fill(const std::string& key, std::uint64_t tick, const std::string& words,
            partition_id partition = 1) {
    look(key);
    answer(ticket(), found{partition, tick, tick, text(words)});
    ASSERT_EQ(served.size(), 1u);
  }
  void fill_absent(const std::string& key, std::uint64_t read) {
    look(key);
    answer(ticket(), absent{1, read});
  }
  void update(const std::string& key, std::uint64_t tick, const change_content& content = changed{},
              partition_id partition = 1) {
    now(core.on_update(clock, partition, key, tick, content));
  }
  void prove(std::uint64_t base = 0, partition_id partition = 1, std::uint64_t newest = 0) {
    core.on_proven(clock, partition, {clock, base, newest});
  }

  static std::string words(const cached_item& item) {
    return item.value ? item.value->as<std::string>() : "nothing";
  }
  /// What a reader of `key` gets at once; "asks" if it has to wait.
  std::string at_once(const std::string& key) {
    look(key);
    if (served.size() == 1 && served[0].from_cache) return words(served[0].item);
    for (const auto& one : std::vector<ask>{asked})
      core.on_answer(clock, one.ticket, ec::unavailable);
    return "asks";
  }
  std::string got(std::size_t which = 0) const {
    return which < served.size() ? words(served[which].item) : "no answer";
  }
};

}  // namespace dunlin
