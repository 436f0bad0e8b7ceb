// The HTTP entry and its clients on virtual time: the entry's own code, over simulated streams.
#include "runtime/simulation/sim_http_client.hpp"
#include "runtime/crypto/random.hpp"
#include "runtime/http/entry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace dunlin::simulation {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

std::string noise(std::size_t size, std::uint64_t seed = 3) {
  std::mt19937_64 random{seed};
  std::string bytes(size, '\0');
  for (auto& byte : bytes)
    byte = static_cast<char>(random());
  return bytes;
}

client_request ask(const std::string& method, const std::string& target, std::string body = {}) {
  client_request made;
  made.head.method = method;
  made.head.target = target;
  made.head.headers = {{"Host", "s3"}};
  if (!body.empty() || method == "PUT")
    made.head.headers.push_back({"Content-Length", std::to_string(body.size())});
  made.body = std::move(body);
  return made;
}

class SimHttpClient : public testing::Test {
protected:
  SimHttpClient() {
    streams.set_address("c", "192.0.2.7");
    start("s", 80);
    options.servers = {{"s", 80}};
  }

  /// Keeps what is put, gives it back.
  void start(const node_id& node, std::uint16_t port) {
    http::server_options made;
    made.listen = {node, port};
    entries[node] = http::make_entry(made, {streams.port(node), nullptr}, random, counts);
    entries[node]->serve([this, node](const http::exchange_ptr& one) { take(node, one); }).value();
  }

  void take(const node_id& node, const http::exchange_ptr& one) {
    seen.push_back(one->request().method + " " + one->request().target + " at " + node);
    peers.push_back(one->request().peer);
    if (const auto found = answers.find(one->request().target); found != answers.end())
      return found->second(one);
    if (one->request().method == "PUT") return store(one, {});
    const auto body = std::make_shared<const std::string>(stored[one->request().target]);
    one->respond({200, {}, body->size()}, body, [one](auto) {});
  }

  void store(const http::exchange_ptr& one, std::string so_far) {
    one->read(10'000, [this, one, so_far = std::move(so_far)](result<std::string> got) mutable {
      if (!got) return one->cut();
      if (!got->empty()) return store(one, std::move(so_far) + *got);
      stored[one->request().target] = std::move(so_far);
      one->respond({200, {{"ETag", "x"}}, 0}, nullptr, [one](auto) {});
    });
  }

  std::shared_ptr<sim_http_client> client() {
    return sim_http_client::make(streams, "c", options, ++seeds);
  }
  auto hear() {
    return [this](const client_answer& one) { heard.push_back(one); };
  }
  void pass(event_loop::time span) { loop.run_until(loop.now() + span); }

  crypto::seeded_random random{5};
  metrics counts;
  event_loop loop;
  sim_network network{loop, 11};
  sim_streams& streams = network.streams();
  client_options options;
  std::map<std::string, std::string> stored;
  std::map<std::string, std::function<void(const http::exchange_ptr&)>> answers;
  std::map<node_id, std::unique_ptr<http::stream_entry>> entries;
  std::vector<std::string> seen, peers;
  std::vector<client_answer> heard;
  std::uint64_t seeds = 0;
};

TEST_F(SimHttpClient, ASessionPutsAndGetsOverOneConnection) {
  const auto session = client();
  const auto body = noise(700'000);
  session->send(ask("PUT", "/b/k", body), hear());
  session->send(ask("GET", "/b/k"), hear());
  session->send(ask("HEAD", "/b/k"), hear());
  EXPECT_TRUE(heard.empty());
  pass(5s);
  ASSERT_EQ(heard.size(), 3u);
  EXPECT_EQ(heard[0].status, 200);
  EXPECT_EQ(*heard[0].find("etag"), "x");
  EXPECT_TRUE(heard[1].body == body);
  EXPECT_EQ(*heard[2].find("content-length"), "700000");
  EXPECT_EQ(session->counts().dials, 1u);
  EXPECT_TRUE(session->idle() && session->connected());
  EXPECT_EQ(entries["s"]->connections(), 1u);
  EXPECT_THAT(peers, testing::Each(testing::StartsWith("192.0.2.7:")));
  session->close_when_idle();
  pass(1s);
  EXPECT_EQ(entries["s"]->connections(), 0u);
}

TEST_F(SimHttpClient, RequestsComeInAllMannersOfSending) {
  const auto session = client();
  const auto body = noise(5'000);
  auto slow = ask("PUT", "/b/slow", body);
  slow.piece = 700;
  slow.pause = 200ms;
  session->send(slow, hear());
  auto careful = ask("PUT", "/b/careful", body);
  careful.expect_continue = true;
  session->send(careful, hear());
  for (const auto* path : {"/b/slow", "/b/careful", "/b/none"}) {
    auto quick = ask("GET", path);
    quick.pipelined = true;
    session->send(quick, hear());
  }
  pass(5s);
  ASSERT_EQ(heard.size(), 5u);
  for (const auto& each : heard)
    EXPECT_EQ(each.status, 200);
  EXPECT_TRUE(heard[2].body == body && heard[3].body == body && heard[4].body.empty());
  EXPECT_EQ(session->counts().dials, 1u);
  EXPECT_EQ(session->counts().garbled, 0u);
}

TEST_F(SimHttpClient, AConnectionThatEndedWhileIdleIsNoFailure) {
  const auto session = client();
  session->send(ask("GET", "/b/k"), hear());
  pass(70s);  // the entry's idle timeout
  EXPECT_EQ(entries["s"]->connections(), 0u);
  auto once = ask("GET", "/b/k");
  once.repeatable = false;
  session->send(once, hear());
  pass(1s);
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[1].status, 200);
  EXPECT_EQ(heard[1].tries, 1);
  EXPECT_EQ(session->counts().dials, 2u);
}

TEST_F(SimHttpClient, RetriesOnAnotherServerAndNotWhatMustNotBeRepeated) {
  start("t", 80);
  options.servers = {{"s", 80}, {"t", 80}};
  answers["/b/k"] = [this](const http::exchange_ptr& one) {
    answers.clear();
    one->cut();
  };
  const auto session = client();
  session->send(ask("PUT", "/b/k", "body"), hear());
  pass(5s);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].status, 200);
  EXPECT_EQ(heard[0].tries, 2);
  EXPECT_THAT(heard[0].failures, ElementsAre(ec::closed));
  EXPECT_THAT(seen, ElementsAre("PUT /b/k at s", "PUT /b/k at t"));
  answers["/b/k"] = [](const http::exchange_ptr& one) { one->cut(); };
  auto once = ask("PUT", "/b/k", "body");
  once.repeatable = false;
  session->send(once, hear());
  pass(5s);
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[1].status, 0);
  EXPECT_EQ(heard[1].tries, 1);
  EXPECT_EQ(session->counts().resets, 2u);
}

TEST_F(SimHttpClient, TriesABusyServerAgainAndGivesUp) {
  answers["/b/k"] = [](const http::exchange_ptr& one) {
    one->respond({503, {}, 0}, nullptr, [one](auto) {});
  };
  client()->send(ask("GET", "/b/k"), hear());
  pass(10s);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].status, 503);
  EXPECT_EQ(heard[0].tries, 4);
}

/// Of a balancer that nobody's access node takes a client from: nothing of the request went on.
TEST_F(SimHttpClient, B5_WaitsOutABalancersRefusalAlsoWithWhatMustNotBeRepeated) {
  options.refusals = 2;
  int left = 1;
  std::vector<http::header> says{{"Retry-After", "3"}};
  answers["/b/k"] = [&](const http::exchange_ptr& one) {
    if (left-- == 0) answers.clear();
    one->respond({503, says, 0}, nullptr, [one](auto) {});
  };
  auto once = ask("GET", "/b/k");
  once.repeatable = false;
  client()->send(once, hear());
  pass(2900ms);
  EXPECT_EQ(seen.size(), 1u);
  pass(8s);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].status, 200);
  EXPECT_EQ(heard[0].tries, 1);
  EXPECT_EQ(heard[0].refusals, 2);
  EXPECT_LT(heard[0].took, 1s);

  // An access node has begun on it: that was a try.
  says.push_back({"x-amz-id-2", "n1"});
  answers["/b/other"] = [&](const http::exchange_ptr& one) {
    one->respond({503, says, 0}, nullptr, [one](auto) {});
  };
  once.head.target = "/b/other";
  client()->send(once, hear());
  pass(20s);
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[1].status, 503);
  EXPECT_EQ(heard[1].refusals, 0);
}

TEST_F(SimHttpClient, OneThatGoesAwayOrFallsSilentInMidUploadLeavesNothingBehind) {
  const auto first = client(), second = client();
  auto gone = ask("PUT", "/b/gone", noise(100'000));
  gone.gone_after = 60'000;
  first->send(gone, hear());
  auto silent = ask("PUT", "/b/silent", noise(100'000));
  silent.silent_after = 60'000;
  second->send(silent, hear());
  pass(10s);
  EXPECT_EQ(entries["s"]->connections(), 1u);
  pass(50s);
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[0].status, 0);
  EXPECT_THAT(stored, testing::SizeIs(0));
  pass(60s);
  EXPECT_EQ(entries["s"]->connections(), 0u);
}

TEST_F(SimHttpClient, ACrashedServerIsFoundOutAndANewOneServes) {
  const auto session = client();
  session->send(ask("GET", "/b/k"), hear());
  pass(1s);
  network.crash("s");
  entries.clear();
  pass(1s);
  session->send(ask("GET", "/b/k"), hear());
  pass(100ms);
  start("s", 80);
  pass(5s);
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[1].status, 200);
  EXPECT_GT(heard[1].tries, 1);
  EXPECT_THAT(heard[1].failures, testing::Each(ec::unavailable));
}

}  // namespace
}  // namespace dunlin::simulation
