/// Settings of balancing that change while nodes run (B13), on virtual time.
#include "actors/balance_source/balance_source.hpp"

#include "messages/error.hpp"
#include "runtime/topology/balance_change.hpp"
#include "tests/support/virtual_system.hpp"

#include <gtest/gtest.h>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

using namespace dunlin;
using namespace std::chrono_literals;

namespace {

/// The root partition and the node's near cache, which may lag behind it.
struct paper_maps {
  v1::ClusterMap root, cached;
  int asked = 0, looked = 0;
  bool reachable = true;
};

partition_router_actor::behavior_type paper_router(partition_router_actor::pointer,
                                                   paper_maps* maps) {
  return {
      [](const v1::RoutedCommand&) -> caf::result<v1::CommandReply> {
        return make_error(ec::unsupported);
      },
      [=](const v1::RoutedQuery& wish) -> caf::result<v1::QueryReply> {
        ++maps->asked;
        EXPECT_TRUE(wish.query().has_get_cluster_map());
        if (!maps->reachable) return make_error(ec::unavailable);
        v1::QueryReply reply;
        *reply.mutable_cluster_map() = maps->root;
        return reply;
      },
      [=](const v1::GetMap&) -> caf::result<v1::ClusterMap> { return maps->cached; },
  };
}

near_cache_actor::behavior_type paper_cache(near_cache_actor::pointer, paper_maps* maps) {
  return {
      [=](const cache_look_up&) {
        ++maps->looked;
        auto record = std::make_shared<v1::CachedRecord>();
        *record->mutable_cluster_map() = maps->cached;
        cache_answer said;
        said.record = std::move(record);
        return said;
      },
      [](const cache_begin_write&) { return cache_ticket{}; },
      [](const cache_written&) { return accepted{}; },
      [](const cache_changes&) {},
      [](const cache_dropped&) {},
      [](const cache_proven&) {},
      [](const set_cache&) { return accepted{}; },
      [](const drop_cache&) { return accepted{}; },
  };
}

class BalanceSource : public testing::Test {
protected:
  ~BalanceSource() override {
    for (const auto& one : {caf::actor_cast<caf::actor>(source), caf::actor_cast<caf::actor>(cache),
                            caf::actor_cast<caf::actor>(router)})
      if (one) caf::anon_send_exit(one, caf::exit_reason::kill);
    time.run();
  }

  void start(bool cached) {
    router = time.system.spawn(paper_router, &maps);
    if (cached) cache = time.system.spawn(paper_cache, &maps);
    balance_source_options options;
    options.from = {router, cache};
    options.of_file.rebalance.trigger = 1.5;
    options.read = [file = options.of_file](const std::string& changes) {
      auto made = topology::apply_balance(file, changes);
      return read_settings{made.read, made.read ? "" : made.mistakes.at(0).render()};
    };
    options.use = [this](const balance::settings& now, std::uint64_t version) {
      used.emplace_back(version, now.rebalance.trigger);
    };
    source = time.system.spawn(balance_source, options);
    time.run();
  }

  static void set(v1::ClusterMap& map, std::uint64_t version, const std::string& text) {
    map.set_balance_version(version);
    map.set_balance(text);
    map.set_epoch(version + 1);
  }

  balance_settings_report report() {
    balance_settings_report got;
    time.system.spawn([&](caf::event_based_actor* self) {
      self->request(source, caf::infinite, get_balance_settings{})
          .then([&](const balance_settings_report& said) { got = said; });
    });
    time.run();
    return got;
  }

  support::virtual_system time;
  paper_maps maps;
  partition_router_actor router;
  near_cache_actor cache;
  balance_source_actor source;
  std::vector<std::pair<std::uint64_t, double>> used;
  using uses = std::vector<std::pair<std::uint64_t, double>>;
};

TEST_F(BalanceSource, B13AChangeThatTheNearCacheHeardOfIsInUseWithinASecond) {
  start(true);
  time.advance(5s);
  EXPECT_TRUE(used.empty());
  EXPECT_EQ(report().version, 0u);
  set(maps.cached, 1, "rebalance.trigger = 1.25");
  time.advance(1s);
  EXPECT_EQ(used, (uses{{1, 1.25}}));
  EXPECT_EQ(report().changes, "rebalance.trigger = 1.25");
  EXPECT_EQ(maps.asked, 0);
}

TEST_F(BalanceSource, B13ANodeThatHearsOfANewerVersionAsksTheRootAtOnce) {
  start(true);
  set(maps.root, 3, "rebalance.trigger = 1.3");
  caf::anon_send(source, heard_balance_version{3});
  time.run();
  EXPECT_EQ(used, (uses{{3, 1.3}}));
  // The near cache is still older: never back.
  set(maps.cached, 2, "rebalance.trigger = 1.2");
  time.advance(5s);
  EXPECT_EQ(used.size(), 1u);
  EXPECT_EQ(maps.asked, 1);
}

TEST_F(BalanceSource, ANodeThatLiesOfANewerVersionCostsOneQuestion) {
  start(true);
  caf::anon_send(source, heard_balance_version{UINT64_MAX});
  time.advance(30s);
  EXPECT_EQ(maps.asked, 1);
  EXPECT_TRUE(used.empty());
}

TEST_F(BalanceSource, B13WithoutANearCacheTheRootIsAskedSeldom) {
  start(false);
  set(maps.root, 1, "rebalance.trigger = 1.25");
  time.advance(30s);
  EXPECT_EQ(used, (uses{{1, 1.25}}));
  EXPECT_LE(maps.asked, 4);
}

TEST_F(BalanceSource, ARootThatCannotBeReachedIsAskedAgain) {
  maps.reachable = false;
  set(maps.root, 1, "rebalance.trigger = 1.25");
  start(false);
  time.advance(10s);
  EXPECT_TRUE(used.empty());
  maps.reachable = true;
  time.advance(11s);
  EXPECT_EQ(used, (uses{{1, 1.25}}));
}

TEST_F(BalanceSource, WhatItDoesNotUnderstandLeavesTheFormerSettingsInUseAndSaysSo) {
  start(true);
  set(maps.cached, 1, "rebalance.trigger = 1.25");
  time.advance(1s);
  set(maps.cached, 2, "rebalance.of_a_later_release = true");
  time.advance(2s);
  EXPECT_EQ(used.size(), 1u);
  EXPECT_EQ(report().version, 1u);
  EXPECT_EQ(report().known, 2u);
  EXPECT_NE(report().mistakes.find("of_a_later_release"), std::string::npos);
  set(maps.cached, 3, "");
  time.advance(2s);
  EXPECT_EQ(used, (uses{{1, 1.25}, {3, 1.5}}));
  EXPECT_TRUE(report().mistakes.empty());
}

}  // namespace
