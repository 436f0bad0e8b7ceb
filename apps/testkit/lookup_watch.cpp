#include "apps/testkit/lookup_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <variant>

namespace dunlin::testkit {

namespace {

using namespace std::chrono_literals;

/// Clocks of caches count whole milliseconds.
constexpr lookup_watch::time rounding = 2ms;

/// A new leader has applied by then what others had committed.
constexpr lookup_watch::time settling = 5s;

std::string shown(const std::string& key) {
  std::string text;
  for (const auto letter : key)
    text += std::isprint(static_cast<unsigned char>(letter)) ? std::string(1, letter)
                                                             : fmt::format("{:02x}", letter & 0xff);
  return text;
}

}  // namespace

lookup_watch::knowledge lookup_watch::of(std::uint64_t tick, bool present) {
  return present ? knowledge{tick, 0} : knowledge{0, tick};
}

bool lookup_watch::contradicts(const knowledge& said, const knowledge& known) {
  if (said.present > 0) return said.present < std::max(known.present, known.absent);
  return said.absent < known.present;
}

void lookup_watch::merge(knowledge& into, const knowledge& what) {
  into.present = std::max(into.present, what.present);
  into.absent = std::max(into.absent, what.absent);
}

void lookup_watch::observe(time now, const cache& where, const cache_event& what) {
  if (const auto* served = std::get_if<cache_served>(&what)) return judge(now, where, *served);
  if (const auto* sampled = std::get_if<sample_judged>(&what)) return judge(where, *sampled);
  const auto* written = std::get_if<cache_written>(&what);
  if (!written) return;
  const auto changed = written->outcome == cache_outcome::changed;
  if (!changed && written->outcome != cache_outcome::removed) return;
  ++writes_;
  learn(now, {where.type, written->key}, of(written->tick, changed));
}

void lookup_watch::learn(time now, const item& which, const knowledge& what) {
  auto& all = facts_[which];
  auto newest = all.empty() ? knowledge{} : all.back().what;
  merge(newest, what);
  if (!all.empty() && newest.present == all.back().what.present &&
      newest.absent == all.back().what.absent)
    return;
  all.push_back({now, newest});
}

void lookup_watch::judge(time now, const cache& where, const cache_served& what) {
  ++answers_;
  hits_ += what.answer.from_cache;
  const auto said = of(what.answer.tick, what.answer.record != nullptr);
  const auto tell = [&](const std::string& wrong) {
    mistakes_.push_back(fmt::format(
        "the {} cache of {} (service {}, life {}) said at {} ms {} tick {} of {}, asked {} ms "
        "before{}{}: {}",
        where.type, where.node, where.service, where.life, now.count(),
        what.answer.record ? "record of" : "none as of", what.answer.tick, shown(what.key),
        what.waited.count(), what.answer.from_cache ? ", held" : ", fetched",
        what.answer.confirmed ? ", confirmed" : "", wrong));
  };
  auto& before = said_[{where, what.key}];
  if (contradicts(said, before))
    tell(fmt::format("it had said record {}, none {}", before.present, before.absent));
  merge(before, said);
  const auto asked = now - what.waited;
  const auto bound = (what.answer.confirmed ? 0ms : what.bound) + rounding;
  const auto& facts = facts_[{where.type, what.key}];
  // The first that it lacks: it lacks all after that, too.
  const auto lacked = std::partition_point(
      facts.begin(), facts.end(), [&](const fact& one) { return !contradicts(said, one.what); });
  if (lacked != facts.end()) {
    oldest_ = std::max(oldest_, asked - lacked->since);
    if (asked - lacked->since > bound)
      tell(fmt::format("{} ms before the question it was known: record {}, none {}",
                       (asked - lacked->since).count(), lacked->what.present, lacked->what.absent));
  }
  learn(now, {where.type, what.key}, said);
}

// The sampler asked when the answer had been served, the leader applied a change before anybody was
// told of it: what was known then must be in what was found.
void lookup_watch::judge(const cache& where, const sample_judged& what) {
  const auto& facts = facts_[{where.type, what.sample.key}];
  const auto next = std::partition_point(facts.begin(), facts.end(), [&](const fact& one) {
    return one.what.present <= what.sample.tick;
  });
  const auto served = std::chrono::duration_cast<time>(what.sample.served_at);
  if (next == facts.end() || next->since >= served) return;
  const auto led = led_since_.find(what.sample.partition);
  if (led != led_since_.end() && next->since < led->second + settling) return;
  ++stale_samples_;
  if (std::chrono::duration_cast<time>(what.at_most) + rounding >= served - next->since) return;
  sampled_wrong_.push_back(fmt::format(
      "the sampler of {} found tick {} of {} ({}), served at {} ms, to be {} us stale at most, "
      "overtaken by {}; record {} was known at {} ms",
      where.node, what.sample.tick, shown(what.sample.key), where.type, served.count(),
      what.at_most.count(), what.next_tick, next->what.present, next->since.count()));
}

}  // namespace dunlin::testkit
