/// A cluster whose clients come through balancers, on virtual time: three access nodes, two
/// balancers of their own, and times so short that seconds show what takes minutes.
#pragma once

#include "apps/testkit/virtual_cluster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dunlin::testkit {

using namespace std::chrono_literals;

inline std::string balanced(const std::string& balance) {
  std::string text = "[cluster]\nname = \"virtual\"\nfolder = \"/virtual\"\n\n" + balance;
  const auto node = [&](int number, const std::string& roles, const std::string& more) {
    const auto port = [&](int last) {
      return "\"127.0.0.1:7" + std::to_string(number * 100 + last) + "\"\n";
    };
    text += "\n[[node]]\nname = \"n" + std::to_string(number) + "\"\nroles = [" + roles +
            "]\ncontrol = " + port(1) + "bulk = " + port(2) + "admin = " + port(3) + more + port(0);
  };
  for (const int number : {1, 2, 3})
    node(number, R"("database", "storage", "access")", "leg = ");
  for (const int number : {4, 5})
    node(number, R"("balancer")", "balancer = ");
  return text;
}

inline const std::string quick = R"(
[balance.load]
sample_interval = "200ms"
history = "1s"
[balance.peers]
exchange = "500ms"
stale_after = "2s"
[balance.rebalance]
interval_min = "200ms"
age_min = "200ms"
cool_down = "1s"
refusal = "500ms"
)";

class BalancedCluster : public testing::Test {
protected:
  static constexpr const char* access[] = {"n1", "n2", "n3"};
  static constexpr const char* balancers[] = {"n4", "n5"};

  void start(const std::string& balance = quick, std::uint64_t seed = 7) {
    cluster = std::make_unique<virtual_cluster>(seed, balanced(balance));
    load({0.3, 0.3, 0.3});
    cluster->start_all();
    ASSERT_TRUE(cluster->wait_until_ready(20s));
    pass(3s);
    const auto made = put("/box", "");
    ASSERT_EQ(made.status, 200) << made.body;
  }
  void TearDown() override {
    if (!cluster) return;
    EXPECT_THAT(cluster->asked().mistakes(), testing::IsEmpty());
    EXPECT_THAT(cluster->error_lines(), testing::IsEmpty());
    EXPECT_THAT(cluster->own_ends(), testing::IsEmpty());
    sessions.clear();
  }

  void load(std::vector<double> levels) {
    for (std::size_t i = 0; i < levels.size(); ++i)
      cluster->load(access[i]).set(levels[i]);
  }
  void pass(std::chrono::nanoseconds span) { cluster->time().run_for(span); }
  template <class Done>
  bool await(Done done, std::chrono::nanoseconds limit = 60s) {
    return cluster->time().run_until(done, limit);
  }

  /// A client of its own, who tries as an SDK does.
  using session = std::shared_ptr<simulation::sim_http_client>;
  session client(simulation::client_options options = {},
                 const std::string& address = "192.0.2.1") {
    options.servers = cluster->balancer_doors();
    options.mark = [this](const auto&, int) {
      return http::header{virtual_clients::mark, "own-" + std::to_string(++marks)};
    };
    const auto name = "session-" + std::to_string(++marks);
    cluster->network().streams().set_address(name, address);
    return sessions.emplace_back(
        simulation::sim_http_client::make(cluster->network().streams(), name, options, marks));
  }
  simulation::client_request ask(const std::string& method, const std::string& path,
                                 const std::string& body = {}) {
    return cluster->signed_by_root(method, path, body);
  }
  simulation::client_answer call(const session& through, simulation::client_request request) {
    std::optional<simulation::client_answer> heard;
    through->send(std::move(request), [&](const auto& came) { heard = came; });
    EXPECT_TRUE(await([&] { return heard.has_value(); }, 120s));
    return heard.value_or(simulation::client_answer{});
  }
  simulation::client_answer put(const std::string& path, const std::string& body) {
    return call(client(), ask("PUT", path, body));
  }

  std::size_t legs() const {
    std::size_t sum = 0;
    for (const auto* name : access)
      sum += cluster->legs(name).open;
    return sum;
  }
  std::size_t lines() const {
    std::size_t sum = 0;
    for (const auto* name : balancers)
      sum += cluster->lines(name);
    return sum;
  }
  /// The access node that has a leg, if there is one only.
  std::string holder() const {
    std::string all;
    for (const auto* name : access)
      if (cluster->legs(name).open > 0) all += name;
    return all;
  }
  /// Everybody goes; nothing of them stays.
  void expect_no_leak() {
    for (const auto& each : sessions)
      each->close_when_idle();
    pass(3s);
    EXPECT_EQ(lines(), 0u);
    EXPECT_EQ(legs(), 0u);
    for (const auto* name : access)
      EXPECT_EQ(cluster->connections(name), 0u) << name;
  }

  std::unique_ptr<virtual_cluster> cluster;
  std::vector<session> sessions;
  std::uint64_t marks = 0;
};

}  // namespace dunlin::testkit
