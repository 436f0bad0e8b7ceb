#include "runtime/topology/balance_change.hpp"

#include <gtest/gtest.h>

using namespace dunlin;
using namespace std::chrono_literals;
using balance::condition;
using balance::resource;
using kind = condition::kind;

static balance::settings applied(const std::string& text, const balance::settings& over = {}) {
  auto outcome = topology::apply_balance(over, text);
  for (const auto& mistake : outcome.mistakes)
    ADD_FAILURE() << mistake.render();
  return outcome.read.value_or(balance::settings{});
}

static std::string mistake_of(const std::string& text) {
  const auto outcome = topology::apply_balance({}, text, "set");
  EXPECT_FALSE(outcome.read);
  EXPECT_EQ(outcome.mistakes.size(), 1u) << text;
  return outcome.mistakes.empty() ? "" : outcome.mistakes[0].render();
}

TEST(BalanceChange, B13ChangesWhatIsGivenAndNothingElse) {
  const auto changed = applied("rebalance.trigger = 1.08\npeers.exchange = \"5s\"\n");
  balance::settings expected;
  expected.rebalance.trigger = 1.08;
  expected.peers.exchange = 5s;
  EXPECT_EQ(changed, expected);
  EXPECT_EQ(applied(""), balance::settings{});
}

TEST(BalanceChange, B13EveryKeyIsPrintedAndReadBackToTheSameSettings) {
  auto odd = balance::patent_settings();
  odd.accept.steps.push_back(
      {0.9,
       {kind::any, {}, {}, {{kind::above, resource::disk, 0.25, {}}, {kind::all, {}, {}, {}}}}});
  odd.load.shape = balance::decay::linear;
  odd.load.latest_weight = 1.0 / 3;
  odd.load.declared = true;
  odd.rebalance.peers_level = 0.4;
  odd.rebalance.choice = balance::target::heaviest;
  odd.rebalance.close_anyway = true;
  odd.choose.by_attempt = {balance::pick::random, balance::pick::success, balance::pick::cycle};
  odd.choose.retry_hint = 1234ms;
  odd.choose.patience = 0ms;
  odd.choose.lost_after = 4321ms;
  for (const auto& settings : {balance::settings{}, balance::patent_settings(), odd})
    EXPECT_EQ(applied(topology::show_balance(settings)), settings);
}

TEST(BalanceChange, B3B4RowsAreNumbersOrHaveAFormOfTheirOwn) {
  const auto rows =
      applied(
          "accept.steps = [1.2, {threshold = 1.1, when = {all = [\"cpu\", {any = [\"net\", "
          "{below = [\"mem\", 0.6]}]}]}}, {threshold = 1, when = \"cpu\"}]\n")
          .accept.steps;
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0], (balance::step{1.2, {}}));
  const condition cpu{kind::below, resource::cpu, {}, {}};
  const condition net{kind::below, resource::net, {}, {}};
  const condition mem{kind::below, resource::mem, 0.6, {}};
  EXPECT_EQ(rows[1].when, (condition{kind::all, {}, {}, {cpu, {kind::any, {}, {}, {net, mem}}}}));
  EXPECT_EQ(rows[2], (balance::step{1, cpu}));
}

TEST(BalanceChange, B13PatentModeIsABeginningThatOtherKeysChange) {
  auto expected = balance::patent_settings();
  expected.load.failure_overhead = 0;
  EXPECT_EQ(applied("mode = \"patent\"\nload.failure_overhead = 0\n"), expected);
  EXPECT_EQ(balance::mode_of(expected), "patent");
  EXPECT_EQ(applied("mode = \"relative\"", expected), balance::settings{});
}

TEST(BalanceChange, B13LaterChangesLieOverEarlierOnes) {
  const auto first =
      topology::balance_text({{"rebalance.trigger", "1.08"}, {"load.history", "30s"}});
  const auto both = topology::merge_balance(
      first, topology::balance_text({{"load.history", "90s"}, {"load.credit", "false"}}));
  const auto settings = applied(both);
  EXPECT_EQ(settings.rebalance.trigger, 1.08);
  EXPECT_EQ(settings.load.history, 90s);
  EXPECT_FALSE(settings.load.credit);
  // A mode begins anew.
  EXPECT_EQ(applied(topology::merge_balance(both, "mode = \"patent\"")),
            balance::patent_settings());
  // Forms are replaced, not mixed.
  const auto forms = topology::merge_balance("rebalance.when = {above = [\"cpu\", 0.5]}",
                                             "rebalance.when = {any = [{above = [\"net\", 0.5]}]}");
  EXPECT_EQ(applied(forms).rebalance.when->what, kind::any);
}

TEST(BalanceChange, KeysMayBeNamedAsMistakesNameThem) {
  EXPECT_EQ(topology::balance_text({{"balance.rebalance.trigger", "1.1"}}),
            "rebalance.trigger = 1.1\n");
}

TEST(BalanceChange, TellsMistakesWhereTheyAre) {
  EXPECT_EQ(mistake_of("rebalance.trigger = nan"),
            "set:1:21: balance.rebalance.trigger nan is no finite number; give for example 1.5");

  EXPECT_EQ(mistake_of("rebalance.triger = 1"),
            "set:1:11: unknown key 'balance.rebalance.triger'; did you mean 'trigger'?");
  EXPECT_EQ(mistake_of("load.history = 5\n"),
            "set:1:16: balance.load.history is no duration; write a number and ms, s or m, for "
            "example \"250ms\"");
  EXPECT_EQ(mistake_of("accept.against = \"literl\""),
            "set:1:18: balance.accept.against 'literl' is not known; did you mean 'literal'?");
  EXPECT_EQ(mistake_of("\naccept.ceiling = 20"),
            "set:2:18: balance.accept.ceiling is 20; give 0.01 to 10");
  EXPECT_EQ(mistake_of("accept.steps = [{threshold = 1, when = \"cpus\"}]"),
            "set:1:40: 'cpus' is no resource; did you mean 'cpu'?");
  EXPECT_EQ(mistake_of("accept.steps = []"),
            "set:1:16: balance.accept.steps has 0 rows; give 1 to 64");
  EXPECT_EQ(mistake_of("mode = \"patnt\""),
            "set:1:8: balance.mode 'patnt' is no mode; did you mean 'patent'?");
  EXPECT_EQ(mistake_of("choose.by_attempt = [\"best\"]").substr(0, 60),
            "set:1:22: balance.choose.by_attempt: no such choice; one of:");
  EXPECT_NE(mistake_of("accept.ceiling = ").find("this is no TOML"), std::string::npos);
  EXPECT_NE(mistake_of("rebalance.when = \"cpu\"").find("compares cpu with nothing"),
            std::string::npos);
  EXPECT_NE(mistake_of("peers.stale_after = \"15s\"").find("less than two exchanges"),
            std::string::npos);
}

TEST(BalanceChange, B13TheFileHasTheSameKeys) {
  const std::string file = R"([cluster]
name = "t"
[metadata]
replicas = 1
[objects]
replicas = 1
[balance]
mode = "patent"
[balance.load]
declared = true
[[node]]
name = "n1"
capacity = 1.5
network_per_second = "64MiB"
roles = ["database", "storage", "access"]
s3 = "127.0.0.1:7110"
control = "127.0.0.1:7111"
bulk = "127.0.0.1:7112"
admin = "127.0.0.1:7113"
)";
  const auto outcome = topology::read_text(file, "t.toml");
  ASSERT_TRUE(outcome.read) << outcome.mistakes.at(0).render();
  auto expected = balance::patent_settings();
  expected.load.declared = true;
  EXPECT_EQ(outcome.read->options.balance, expected);
  EXPECT_EQ(outcome.read->nodes[0].capacity, 1.5);
  EXPECT_EQ(outcome.read->nodes[0].network_per_second, 64u << 20);
}
