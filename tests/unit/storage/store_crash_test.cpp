// Power failures between any two calls of a database: what was committed and checkpointed is there;
// whatever else is there, the applied index and the rows are of one commit (X1). DUNLIN_SEED=4711
// replays.
#include "runtime/simulation/sim_disk.hpp"
#include "runtime/storage/sqlite_store.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <map>
#include <random>

namespace dunlin {
namespace {

using rows = std::map<std::string, std::string>;

/// A replica's database through many lives: each commit writes some rows and the applied index.
class lives {
public:
  explicit lives(std::uint64_t seed) : random_(seed), storage_(seed), seed_(seed) {
    config_.log_pages_max = draw(2) == 0 ? 0 : 20;  // with and without moving pages by itself
    config_.cache_bytes = 64 << 10;                 // so that open transactions spill
  }

  void run() {
    for (int life = 0; life < 6 && !testing::Test::HasFailure(); ++life) {
      storage_.crash_after(1 + draw(draw(3) == 0 ? 60 : 1500));
      live();
      storage_.crash();
    }
    auto opened = sqlite_store::open(storage_, "state.db", config_);
    ASSERT_TRUE(opened) << "seed " << seed_;
    check(**opened);
  }

private:
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }

  void live() {
    auto opened = sqlite_store::open(storage_, "state.db", config_);
    if (!opened) {
      ASSERT_EQ(opened.error(), ec::closed) << "seed " << seed_;
      return;
    }
    try {
      check(**opened);
      background_ = (*opened)->background();
      for (int round = 0; round < 60; ++round)
        step(**opened);
    } catch (const store_error& error) {
      ASSERT_EQ(error.code(), ec::closed) << "seed " << seed_ << ": " << error.what();
    }
    background_.reset();
  }

  static rows content(sqlite_store& store) {
    rows found;
    const auto add = [&](std::string_view key, std::string_view value) {
      found.emplace(key, value);
      return true;
    };
    store.scan(table::objects, "", add);
    store.scan(table::meta, "", add);
    return found;
  }

  void check(sqlite_store& store) {
    const auto found = content(store);
    while (!states_.empty() && states_.front() != found)
      states_.pop_front();
    ASSERT_FALSE(states_.empty()) << "seed " << seed_
                                  << ": the rows are of no commit since the checkpoint";
    states_.resize(1);
  }

  void step(sqlite_store& store) {
    auto next = states_.back();
    for (auto writes = 1 + draw(20); writes > 0; --writes) {
      const auto key = "k" + std::to_string(draw(200));
      if (draw(4) == 0) {
        store.erase(table::objects, key);
        next.erase(key);
        continue;
      }
      const std::string value(draw(draw(20) == 0 ? 20000 : 400), static_cast<char>('a' + draw(26)));
      store.put(table::objects, key, value);
      next[key] = value;
    }
    const auto applied = std::to_string(++applied_);
    store.put(table::meta, "applied", applied);
    next["applied"] = applied;
    if (draw(8) == 0) checkpoint(store);  // within the transaction
    states_.push_back(next);              // a commit that fails may have happened
    store.commit();
    if (draw(8) == 0) checkpoint(store);
  }

  void checkpoint(sqlite_store& store) {
    const auto committed = states_.back();
    if (draw(2) == 0)
      store.checkpoint();
    else
      background_->checkpoint();
    states_ = {committed};
  }

  std::mt19937_64 random_;
  simulation::sim_disk storage_;
  std::uint64_t seed_;
  sqlite_options config_;
  std::unique_ptr<store_background> background_;  // ends before its store
  std::uint64_t applied_ = 0;
  std::deque<rows> states_{rows{}};  // that the disk may hold; the first is durable
};

}  // namespace

TEST(SqliteStoreCrash, KeepsWhatWasCheckpointedAndMixesNoTwoCommits) {
  if (const auto* one = std::getenv("DUNLIN_SEED"))
    return lives(std::strtoull(one, nullptr, 10)).run();
  for (std::uint64_t seed = 1; seed <= 200 && !HasFailure(); ++seed)
    lives(seed).run();
}

}  // namespace dunlin
