#include "actors/admission/demand_book.hpp"

#include <gtest/gtest.h>

using namespace dunlin;
using namespace std::chrono_literals;
using balance::resource;

namespace {

struct DemandBook : testing::Test {
  demand_book::node_view node{{{resource::cpu, 2, 4}, {resource::net, 500, 1000}}, 1.5, 100, 300s};
  std::vector<demand_book::account> all{{1}, {2}};
  demand_book book;
  std::chrono::milliseconds now = 1s;
  void sample() { book.on_sample(now += 5s, node, all); }
};

}  // namespace

TEST_F(DemandBook, B14R2DeclaredUnitsAreAPartOfWhatAUnitNodeCanDo) {
  sample();
  EXPECT_EQ(book.demand(1), 0);
  for (int i = 0; i < 100; ++i) {
    all[0].declared += 5 * 20;  // 20 a second of 100
    sample();
  }
  EXPECT_NEAR(book.demand(1), 0.2, 1e-9);
  EXPECT_NEAR(book.demand(2), 0, 1e-9);
}

TEST_F(DemandBook, B14R2BytesAreAPartOfTheNetwork) {
  node.resources[0].load = 0;
  sample();
  all[0].bytes += 5 * 100;  // a tenth of the network of a node of 1.5
  sample();
  EXPECT_NEAR(book.demand(1), 0.15, 1e-9);
}

TEST_F(DemandBook, B14R2TheProcessorIsSharedByRequests) {
  sample();
  all[0].requests += 30;
  all[1].requests += 10;
  sample();
  EXPECT_NEAR(book.demand(1), 0.75 * 0.75, 1e-9);  // cpu is half used: 0.75 unit nodes
  EXPECT_NEAR(book.demand(2), 0.25 * 0.75, 1e-9);
}

TEST_F(DemandBook, B14WhatClientsCostWhoComeStraightIsNoConnections) {
  node.direct_requests = 1000;
  sample();
  all[0].requests += 10;
  node.direct_requests += 30;
  sample();
  EXPECT_NEAR(book.demand(1), 0.25 * 0.75, 1e-9);
}

TEST_F(DemandBook, B14ItIsTheMeanOfTheLastMinutes) {
  sample();
  for (int i = 0; i < 60; ++i) {  // five minutes busy
    all[0].declared += 5 * 50;
    sample();
  }
  EXPECT_NEAR(book.demand(1), 0.5, 1e-9);
  for (int i = 0; i < 60; ++i)  // five minutes idle
    sample();
  EXPECT_NEAR(book.demand(1), 0.5 * 0.27, 0.02);
}

TEST_F(DemandBook, AConnectionThatWasMovedBringsItsDemand) {
  all[0].known = 0.3;
  sample();
  EXPECT_NEAR(book.demand(1), 0.3, 1e-9);
  for (int i = 0; i < 12; ++i)
    sample();
  EXPECT_NEAR(book.demand(1), 0.15, 0.03);  // a minute of silence against one that is believed
}

TEST_F(DemandBook, ThoseThatHaveGoneAreForgotten) {
  all[0].known = 0.3;
  sample();
  all.erase(all.begin());
  sample();
  EXPECT_EQ(book.demand(1), 0);
}
