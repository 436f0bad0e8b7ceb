// Random work, power failures and I/O errors at any call: what was flushed is there, what was not
// may be, nothing else is; after an error nothing more is promised (X1). Replays: DUNLIN_SEED=4711.
#include "tests/unit/disk/wal_fixture.hpp"

#include <cstdlib>
#include <random>
#include <set>

namespace dunlin::wal {
namespace {

/// One node's log through many lives.
class lives {
public:
  lives(std::uint64_t seed, bool with_errors)
      : random_(seed), storage_(seed), seed_(seed), with_errors_(with_errors) {
    candidates_.push_back({});
    config_.bytes_max = (2 + seed % 4 * 2) * config_.segment_bytes;  // tight rings copy most
  }

  void run() {
    for (int life = 0; life < 8 && !testing::Test::HasFailure(); ++life) {
      storage_.crash_after(1 + draw(draw(4) == 0 ? 30 : 600));
      if (with_errors_) storage_.fail_call(1 + draw(draw(4) == 0 ? 30 : 300));
      live();
      storage_.fail_call(1ull << 40);  // no more in this life
      if (!storage_.is_down()) storage_.crash_after(1);
      storage_.crash();
    }
    check_start();
  }

private:
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  result<std::unique_ptr<log>> open() { return log::open(storage_, "wal", config_); }

  /// A life that ends where the power fails, which is anywhere.
  void live() {
    auto opened = open();
    if (!opened) {
      ASSERT_TRUE(opened.error() == ec::closed || (with_errors_ && opened.error() == ec::io_error))
          << "seed " << seed_ << ": " << to_string(opened.error());
      return;
    }
    check(**opened);
    for (int round = 0; round < 400; ++round)
      if (!step(**opened)) return check_stopped(**opened);
  }

  /// It says so to everybody from now on, and touches the disk no more.
  void check_stopped(log& stopped) {
    const auto calls = storage_.counted().calls;
    const std::vector<entry> one{entry_of(1, 1, "x")};
    EXPECT_FALSE(stopped.append_hard(9, 1, "n"));
    EXPECT_FALSE(stopped.append_entries(9, one));
    EXPECT_FALSE(stopped.compact(9, 1, 1));
    EXPECT_FALSE(stopped.flush());
    EXPECT_FALSE(stopped.tidy());
    EXPECT_EQ(storage_.counted().calls, calls) << "seed " << seed_;
  }

  void check_start() {
    auto opened = open();
    ASSERT_TRUE(opened) << "seed " << seed_ << ": " << to_string(opened.error());
    check(**opened);
  }

  /// What was found is one of the states since the last flush; it is durable from now on.
  void check(log& found) {
    const auto text = text_of(found.recovered());
    for (auto& candidate : candidates_) {
      if (candidate.text() != text) continue;
      const auto kept = candidate;
      candidates_ = {kept};
      return;
    }
    FAIL() << "seed " << seed_ << " recovered\n"
           << text << "instead of\n"
           << candidates_.front().text();
  }

  /// A batch for some groups, then its flush. False: the log is closed.
  bool step(log& to) {
    for (auto calls = 1 + draw(6); calls > 0; --calls) {
      auto next = candidates_.back();
      const auto done = change(to, next);
      candidates_.push_back(next);  // may reach the disk when a segment ends, even if it failed
      if (!done) return false;
    }
    if (draw(4) == 0 && !to.tidy()) return false;
    if (!to.flush()) return false;
    candidates_.erase(candidates_.begin(), candidates_.end() - 1);
    return true;
  }

  bool change(log& to, model& expected) {
    const auto group = static_cast<group_id>(1 + draw(5));
    const auto last = expected.last_index(group);
    const auto compacted = expected.groups[group].compacted_index;
    const auto term = expected.groups[group].term;
    switch (draw(8)) {
      case 0: return hard(to, expected, group, term + draw(2));
      case 1: return compact(to, expected, group, compacted + draw(last - compacted + 3));
      case 2: return compact(to, expected, group, last);
      default: break;
    }
    const auto cut = draw(10) == 0 ? draw(last - compacted + 1) : 0;
    std::vector<entry> entries;
    for (auto index = last - cut + 1; entries.size() <= draw(5); ++index)
      entries.push_back(entry_of(
          term, index,
          std::string(draw(draw(10) == 0 ? 3000 : 300), static_cast<char>('a' + draw(26)))));
    const auto appended = to.append_entries(group, entries);
    if (!appended && appended.error() == ec::disk_full) return true;  // refused, the log goes on
    expected.append(group, entries);
    // A batch that crosses a segment's end may be found in part.
    for (std::size_t part = 1; part < entries.size(); ++part) {
      auto some = candidates_.back();
      some.append(group, {entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(part)});
      parts_.push_back(some);
    }
    candidates_.insert(candidates_.end(), parts_.begin(), parts_.end());
    parts_.clear();
    return appended.has_value();
  }

  bool hard(log& to, model& expected, group_id group, std::uint64_t term) {
    const auto vote = draw(2) == 0 ? "" : "n" + std::to_string(draw(3));
    expected.hard(group, term, vote);
    return to.append_hard(group, term, vote).has_value();
  }

  bool compact(log& to, model& expected, group_id group, std::uint64_t index) {
    const auto term = expected.groups[group].term + draw(2) * 100;  // sometimes of another history
    expected.compact(group, index, term);
    return to.compact(group, index, term).has_value();
  }

  std::mt19937_64 random_;
  simulation::sim_disk storage_;
  std::uint64_t seed_;
  bool with_errors_;
  options config_{.segment_bytes = 16384, .bytes_max = 8 * 16384, .reserve_bytes = 0};
  std::vector<model> candidates_;  // states the disk may hold, oldest first; the first was flushed
  std::vector<model> parts_;
};

}  // namespace

class WalCrash : public testing::TestWithParam<bool> {};

TEST_P(WalCrash, KeepsWhatWasFlushedAndInventsNothing) {
  if (const auto* one = std::getenv("DUNLIN_SEED"))
    return lives(std::strtoull(one, nullptr, 10), GetParam()).run();
  for (std::uint64_t seed = 1; seed <= 200 && !HasFailure(); ++seed)
    lives(seed, GetParam()).run();
}

INSTANTIATE_TEST_SUITE_P(Each, WalCrash, testing::Bool(),
                         [](const auto& info) { return info.param ? "WithErrors" : "PowerAlone"; });

}  // namespace dunlin::wal
