// X4: recorded decisions are checked and asked what-if. The recording is the model's own, written
// in the words of real nodes.
#include "apps/balance_model/what_if.hpp"

#include "actors/admission/record_files.hpp"
#include "runtime/topology/balance_change.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <numeric>

using namespace dunlin;
using namespace dunlin::balance_model;

namespace {

v1::BalanceRecord at(double seconds, const node_id& node) {
  v1::BalanceRecord made;
  made.set_at_ms(1'700'000'000'000 + static_cast<std::int64_t>(seconds * 1000));
  made.set_node(node);
  return made;
}

v1::BalanceRecord settings_record(const balance::settings& of, const node_id& node,
                                  double seconds = 0) {
  auto made = at(seconds, node);
  made.mutable_settings()->set_balance(topology::show_balance(of));
  return made;
}

v1::BalanceRecord offer_record(double seconds, const node_id& node, const balance::offer& what,
                               const balance::verdict& verdict) {
  auto made = at(seconds, node);
  auto& offer = *made.mutable_offer();
  offer.set_attempt(what.attempt);
  offer.set_last_resort(what.last_resort);
  offer.set_fleet_level(what.fleet_level);
  for (const auto& use : what.loads) {
    auto& one = *offer.add_resources();
    one.set_name(std::string(balance::to_string(use.of)));
    one.set_load(use.load);
    one.set_capacity(use.capacity);
  }
  offer.set_accepted(verdict.accepted);
  offer.set_reason(static_cast<v1::OfferReply::Reason>(verdict.why));
  return made;
}

/// Every offer of a fleet, as its nodes record them.
records decisions_of(const balance::settings& settings, double load) {
  fleet_options options;
  options.settings = settings;
  options.seconds = options.steady_to = 7200;
  options.seed = 2;
  const auto trace = balance_trace::make_trace(2);
  trace_workload work{trace, 8, load};
  records made;
  for (int i = 1; i <= 8; ++i)
    made.push_back(settings_record(settings, "n00" + std::to_string(i)));
  fleet model{std::move(options), work};
  model.watch = [&](double when, const node_id& node, const balance::offer& what,
                    const balance::verdict& verdict) {
    made.push_back(offer_record(when, node, what, verdict));
  };
  model.run();
  return made;
}

/// Two nodes; twelve clients of a tenth of a unit node each, all of which the first one took.
records uneven() {
  records made;
  const balance::settings settings;
  for (const auto* node : {"a", "b"})
    made.push_back(settings_record(settings, node));
  for (std::uint64_t line = 1; line <= 12; ++line) {
    auto offer = at(1 + static_cast<double>(line), "a");
    offer.mutable_offer()->set_balancer("b1");
    offer.mutable_offer()->set_line(line);
    offer.mutable_offer()->set_attempt(line == 12 ? 2 : 1);
    offer.mutable_offer()->set_accepted(true);
    made.push_back(offer);
  }
  for (int i = 1; i <= 20; ++i) {
    for (const auto* node : {"a", "b"}) {
      auto load = at(20 + i * 30, node);
      auto& cpu = *load.mutable_load()->add_resources();
      cpu.set_name("cpu");
      cpu.set_load(*node == 'a' ? 1.2 : 0.001);
      cpu.set_capacity(0.95);
      auto& whole = *load.mutable_load()->add_resources();
      whole.set_name("node");
      whole.set_capacity(0.95);
      load.mutable_load()->set_connections(*node == 'a' ? 12 : 0);
      made.push_back(load);
    }
    for (std::uint64_t line = 1; line <= 12; ++line) {
      auto leg = at(20 + i * 30, "a");
      leg.mutable_leg()->set_balancer("b1");
      leg.mutable_leg()->set_line(line);
      leg.mutable_leg()->set_demand(0.1);
      leg.mutable_leg()->set_ended(i == 20);
      made.push_back(leg);
    }
  }
  return made;
}

}  // namespace

TEST(WhatIf, X4L4PatentDecisionsAreReproducedAt35And70PercentWithoutAMismatch) {
  for (const auto load : {0.35, 0.7}) {
    const auto check = check_decisions(decisions_of(balance::patent_settings(), load));
    EXPECT_GT(check.checked, 2000u);
    EXPECT_EQ(check.checked + check.whatever_the_load, check.offers);
    EXPECT_EQ(check.mismatches, 0u);
  }
}

TEST(WhatIf, X4RelativeDecisionsAreReproducedToo) {
  const auto check = check_decisions(decisions_of(balance::settings{}, 0.9));
  EXPECT_GT(check.checked, 2000u);
  EXPECT_EQ(check.mismatches, 0u);
}

TEST(WhatIf, X4AWrongDecisionIsFound) {
  auto all = decisions_of(balance::patent_settings(), 0.7);
  for (auto& one : all)
    if (one.has_offer() && one.offer().reason() == v1::OfferReply::OVER_THRESHOLD) {
      one.mutable_offer()->set_accepted(true);
      break;
    }
  const auto check = check_decisions(all);
  EXPECT_EQ(check.mismatches, 1u);
  ASSERT_EQ(check.examples.size(), 1u);
  EXPECT_NE(check.examples[0].find("was accepted, and is refused"), std::string::npos);
}

TEST(WhatIf, X4DecisionsAreCheckedByTheSettingsOfTheirTime) {
  auto strict = balance::settings{};
  strict.accept.against = balance::scale::literal;
  strict.accept.steps = {{0.1, {}}};
  strict.rebalance.enabled = false;
  balance::offer what;
  what.loads = {{balance::resource::cpu, 0.5, 1}};
  what.fleet_level = 0.5;
  balance::verdict yes{true}, no{false, balance::refusal::over_threshold};
  records all{offer_record(0, "a", what, yes), settings_record({}, "a"),
              offer_record(1, "a", what, yes), settings_record(strict, "a", 2),
              offer_record(3, "a", what, no)};
  const auto check = check_decisions(all);
  EXPECT_EQ(check.without_settings, 1u);
  EXPECT_EQ(check.checked, 2u);
  EXPECT_EQ(check.mismatches, 0u);
}

TEST(WhatIf, X4OtherThresholdsAreTriedOnRecordedClients) {
  const auto outcome = what_if(uneven(), "rebalance.enabled = false\n");
  ASSERT_TRUE(outcome.report) << outcome.error;
  const auto& report = *outcome.report;
  EXPECT_EQ(report.past.nodes, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(report.past.figures.connects, 12u);
  EXPECT_EQ(report.past.figures.attempts.at(1), 11u);
  EXPECT_EQ(report.past.figures.attempts.at(2), 1u);
  EXPECT_NEAR(report.past.figures.max_mean, 2, 0.01);  // all on one of two
  EXPECT_NEAR(report.past.figures.mean, 0.6, 0.01);
  EXPECT_EQ(report.what_if.connects, 12u);
  EXPECT_LT(report.what_if.max_mean, 1.5);  // it would have been spread
  EXPECT_EQ(report.what_if.moves, 0u);
  EXPECT_NE(what_if_text(report).find("what if"), std::string::npos);
  EXPECT_NE(what_if_json(report).find("\"what_if\":{\"connects\":12"), std::string::npos);
}

TEST(WhatIf, TellsWhyNot) {
  EXPECT_NE(what_if(uneven(), "accept.ceeling = 1").error.find("did you mean 'ceiling'?"),
            std::string::npos);
  EXPECT_NE(what_if(records{}, "").error.find("no load"), std::string::npos);
  EXPECT_NE(what_if(std::vector<std::string>{"/nothing/here"}, "").error.find("cannot be read"),
            std::string::npos);
}

TEST(WhatIf, TellsWhatOfTheFilesItHasNotRead) {
  const auto path = testing::TempDir() + "dunlin-what-if-" + std::to_string(::getpid());
  std::string bytes;
  for (const auto& one : uneven())
    append_record(bytes, one);
  std::ofstream{path, std::ios::binary} << bytes << std::string(40, '\xff');
  const auto outcome = what_if(std::vector<std::string>{path}, "");
  std::remove(path.c_str());
  EXPECT_TRUE(outcome.report) << outcome.error;
  ASSERT_EQ(outcome.warnings.size(), 1u);
  EXPECT_EQ(outcome.warnings[0].find(path + ": 40 bytes are left out"), 0u) << outcome.warnings[0];
}

TEST(WhatIf, X4FilesOfSeveralNodesAreReadInOrderOfTime) {
  const auto all = in_order({{at(1, "a"), at(3, "a")}, {at(2, "b")}});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].node(), "b");
}
