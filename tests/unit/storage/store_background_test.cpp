// A database whose owner writes on while it is checkpointed and copied on other connections, with
// power failures between any two calls and I/O errors at any: what was committed before a finished
// checkpoint is there, a copy holds exactly what was committed when it began (decision 9).
// DUNLIN_SEED=4711 replays.
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

rows content(sqlite_store& store) {
  rows found;
  store.scan(table::objects, "", [&](std::string_view key, std::string_view value) {
    found.emplace(key, value);
    return true;
  });
  return found;
}

/// One owner, one background and at most one copy, interleaved by seed.
class interleaving {
public:
  interleaving(std::uint64_t seed, bool with_errors)
      : random_(seed), storage_(seed), seed_(seed), with_errors_(with_errors) {
    config_.cache_bytes = 64 << 10;  // so that open transactions spill
    config_.log_pages_wanted = 10;
    config_.log_pages_max = draw(2) == 0 ? 0 : 60;
    config_.log_pages_of_copy = draw(3) == 0 ? 50 : 100000;
  }

  void run() {
    for (int life = 0; life < 6 && !testing::Test::HasFatalFailure(); ++life) {
      storage_.crash_after(1 + draw(draw(3) == 0 ? 100 : 3000));
      if (with_errors_) storage_.fail_call(1 + draw(draw(3) == 0 ? 100 : 1500));
      live();
      storage_.fail_call(1ull << 40);  // no more in this life
      storage_.crash();
    }
    auto opened = sqlite_store::open(storage_, "state.db", config_);
    ASSERT_TRUE(opened) << "seed " << seed_;
    check(**opened);
  }

  int copies() const { return copies_; }
  int copies_given_up() const { return copies_given_up_; }

private:
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }

  void live() {
    for (const auto* left : {"copy", "copy-wal"})
      (void)storage_.remove(left);
    auto opened = sqlite_store::open(storage_, "state.db", config_);
    if (!opened) {
      ASSERT_TRUE(expected(opened.error()))
          << "seed " << seed_ << ": " << to_string(opened.error());
      return;
    }
    auto& store = **opened;
    try {
      check(store);
      const auto background = store.background();
      std::unique_ptr<store_copy> copy;
      for (int round = 0; round < 150; ++round)
        turn(store, *background, copy);
    } catch (const store_error& error) {
      ASSERT_TRUE(expected(error.code())) << "seed " << seed_ << ": " << error.what();
    }
  }

  bool expected(ec code) const {
    // A copy that is left over could not be removed.
    return code == ec::closed ||
           (with_errors_ && (code == ec::io_error || code == ec::already_exists));
  }

  void turn(sqlite_store& store, store_background& background, std::unique_ptr<store_copy>& copy) {
    const auto choice = draw(10);
    if (choice < 4) return write(store);
    if (choice < 5) return commit(store);
    if (choice < 6) return checkpoint(background);
    if (copy) return step(copy);
    copied_ = states_.back();
    copy = background.copy_to("copy");
  }

  void write(sqlite_store& store) {
    for (auto writes = 1 + draw(20); writes > 0; --writes) {
      const auto key = "k" + std::to_string(draw(300));
      if (draw(4) == 0) {
        store.erase(table::objects, key);
        next_.erase(key);
        continue;
      }
      const std::string value(draw(draw(20) == 0 ? 20000 : 400), static_cast<char>('a' + draw(26)));
      store.put(table::objects, key, value);
      next_[key] = value;
    }
    if (draw(3) != 0) commit(store);
  }

  void commit(sqlite_store& store) {
    states_.push_back(next_);  // a commit that fails may have happened
    store.commit();
  }

  void checkpoint(store_background& background) {
    background.checkpoint();
    states_ = {states_.back()};
  }

  void step(std::unique_ptr<store_copy>& copy) {
    try {
      if (!copy->step(1 + draw(60000))) return;
    } catch (const store_error& error) {
      if (error.code() != ec::overloaded) throw;
      ++copies_given_up_;
      copy.reset();
      ASSERT_FALSE(storage_.durable_files("").contains("copy")) << "seed " << seed_;
      return;
    }
    copy.reset();
    auto opened = sqlite_store::open(storage_, "copy", config_);
    if (!opened) throw store_error(opened.error(), "open the copy");
    ASSERT_EQ(content(**opened), copied_) << "seed " << seed_;
    opened->reset();
    for (const auto* name : {"copy", "copy-wal"})
      if (auto gone = storage_.remove(name); !gone) throw store_error(gone.error(), "remove");
    ++copies_;
  }

  void check(sqlite_store& store) {
    const auto found = content(store);
    while (!states_.empty() && states_.front() != found)
      states_.pop_front();
    ASSERT_FALSE(states_.empty()) << "seed " << seed_
                                  << ": the rows are of no commit since the checkpoint";
    states_.resize(1);
    next_ = found;
  }

  std::mt19937_64 random_;
  simulation::sim_disk storage_;
  std::uint64_t seed_;
  bool with_errors_;
  sqlite_options config_;
  rows next_, copied_;
  std::deque<rows> states_{rows{}};  // that the disk may hold; the first is durable
  int copies_ = 0, copies_given_up_ = 0;
};

}  // namespace

class SqliteBackground : public testing::TestWithParam<bool> {};

TEST_P(SqliteBackground, KeepsWhatWasCheckpointedAndCopiesOneMomentWhileTheOwnerWrites) {
  if (const auto* one = std::getenv("DUNLIN_SEED"))
    return interleaving(std::strtoull(one, nullptr, 10), GetParam()).run();
  int copies = 0, given_up = 0;
  for (std::uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    interleaving one(seed, GetParam());
    one.run();
    copies += one.copies();
    given_up += one.copies_given_up();
  }
  EXPECT_GT(copies, 50);
  EXPECT_GT(given_up, 1);
}

INSTANTIATE_TEST_SUITE_P(Each, SqliteBackground, testing::Bool(),
                         [](const auto& info) { return info.param ? "WithErrors" : "PowerAlone"; });

}  // namespace dunlin
