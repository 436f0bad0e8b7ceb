// The actors around the verbs: messages, time, death, the bound on requests in flight.
#include "actors/access_node/access_node.hpp"
#include "actors/near_cache/near_cache.hpp"
#include "actors/s3_gateway/s3_request.hpp"
#include "messages/cache_types.hpp"
#include "tests/support/virtual_system.hpp"
#include "tests/unit/s3_gateway/fake_roles.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

namespace {

using namespace std::chrono_literals;

struct fixed_clock final : wall_clock {
  std::int64_t now_ms() const override { return test_time_ms; }
};
struct counting_random final : random_source {
  std::uint64_t value = 0;
  std::uint64_t next() override { return ++value; }
  std::string bytes(std::size_t size) override {
    auto text = std::to_string(next());
    return std::string(size - text.size(), 'r') + text;
  }
};

/// Answers each read with the next piece; reads wait while `held`.
class fake_exchange final : public http::exchange {
public:
  struct log {
    seen got;
    bool dropped = false;
    bool body_taken = false;
  };
  fake_exchange(http::request request, std::string body, std::shared_ptr<log> into)
      : request_(std::move(request)), body_(std::move(body)), log_(std::move(into)) {}
  ~fake_exchange() override { log_->dropped = true; }

  const http::request& request() const override { return request_; }
  void read(std::size_t size, std::function<void(result<std::string>)> done) override {
    log_->body_taken = true;
    if (held) {
      waiting = std::move(done);
      return;
    }
    const auto length = std::min<std::size_t>({size, 50'000, body_.size() - read_});
    auto piece = body_.substr(read_, length);
    read_ += length;
    done(std::move(piece));
  }
  void respond(http::response head, buffer body, std::function<void(result<void>)> done) override {
    log_->got.status = head.status;
    log_->got.headers = head.headers;
    log_->got.content_length = head.content_length;
    log_->got.body = *body;
    done(result<void>());
  }
  void write(buffer body, std::function<void(result<void>)> done) override {
    if (gone) return done(ec::closed);
    log_->got.body += *body;
    done(result<void>());
  }
  void cut() override { log_->got.cut = true; }

  bool held = false;
  bool gone = false;
  std::function<void(result<std::string>)> waiting;

private:
  http::request request_;
  std::string body_;
  std::shared_ptr<log> log_;
  std::size_t read_ = 0;
};

class Requests : public testing::Test, public support::virtual_system {
protected:
  Requests() {
    router = system.spawn(fake_router, &roles);
    coordinator = system.spawn(fake_coordinator, &roles);
    for (const auto type :
         {cached::user, cached::bucket, cached::policy, cached::object, cached::cluster_map})
      caches.emplace(type, start_cache(type));
    beside = start_cache(cached::bucket, cache_mode::bounded);
    s3_gateway_parts parts{router,
                           caches,
                           coordinator,
                           std::make_shared<fixed_clock>(),
                           std::make_shared<counting_random>(),
                           numbers};
    parts.beside.emplace(cached::bucket, beside);
    access_node_options options;
    options.gate = gate;
    options.start = s3_request_starter(s3_gateway_options(), parts);
    options.refuse = refuse_s3_request;
    bridge = system.spawn(access_node, options);
    EXPECT_EQ(send({"PUT", "/bucket", "", {}})->got.status, 200);
  }
  ~Requests() override {
    caf::anon_send_exit(bridge, caf::exit_reason::kill);
    caf::anon_send_exit(router, caf::exit_reason::kill);
    for (const auto& [type, cache] : caches)
      caf::anon_send_exit(cache, caf::exit_reason::kill);
    caf::anon_send_exit(coordinator, caf::exit_reason::kill);
    caf::anon_send_exit(beside, caf::exit_reason::kill);
    run();
  }

  near_cache_actor start_cache(std::string_view type, cache_mode mode = cache_mode::validated) {
    near_cache_options options;
    options.type = find_cached_type(type);
    options.parameters.mode = mode;
    options.router = router;
    return system.spawn(near_cache, options);
  }
  std::shared_ptr<fake_exchange> make(const call& what) {
    log = std::make_shared<fake_exchange::log>();
    return std::make_shared<fake_exchange>(root.sign(what), what.body, log);
  }
  /// Hands it to the bridge, keeping no reference.
  void submit(std::shared_ptr<fake_exchange> exchange) {
    acceptor_of(bridge, gate)(std::move(exchange));
    run();
  }
  std::shared_ptr<fake_exchange::log> send(const call& what) {
    submit(make(what));
    return log;
  }
  request_counts counts() {
    request_counts out;
    caf::scoped_actor self(system);
    auto asked = self->request(bridge, caf::infinite, count_requests{});
    run();
    asked.receive([&](const request_counts& c) { out = c; }, [](const caf::error&) { FAIL(); });
    return out;
  }

  /// What another service of the node finds in its cache of buckets.
  cache_answer look_up_beside(const std::string& bucket) {
    cache_answer out;
    caf::scoped_actor self(system);
    auto asked = self->request(beside, caf::infinite, cache_look_up{bucket});
    run();
    asked.receive([&](const cache_answer& said) { out = said; }, [](const caf::error&) { FAIL(); });
    return out;
  }

  cluster world;
  client root{world};
  roles_log roles{world};
  std::shared_ptr<metrics> numbers = std::make_shared<metrics>();
  partition_router_actor router;
  coordinator_actor coordinator;
  std::map<std::string, near_cache_actor, std::less<>> caches;
  near_cache_actor beside;  ///< of another service
  std::shared_ptr<request_gate> gate = std::make_shared<request_gate>(2, refuse_s3_request);
  access_node_actor bridge;
  std::shared_ptr<fake_exchange::log> log;
};

}  // namespace

TEST_F(Requests, APutAndAGetGoThroughAllRoles) {
  std::string body(3'000'000, 'x');
  body += "end";
  const auto put = send({"PUT", "/bucket/k", body, {}});
  EXPECT_EQ(put->got.status, 200);
  EXPECT_TRUE(put->dropped);
  const auto got = send({"GET", "/bucket/k", "", {}});
  EXPECT_EQ(got->got.status, 200);
  EXPECT_TRUE(got->got.body == body);
  EXPECT_EQ(roles.last_trace, "0123456789ABCDEF");
  EXPECT_EQ(roles.last_timeout_ms, 15'000u);
  EXPECT_EQ(roles.writers_alive, 0);
  EXPECT_EQ(roles.readers_alive, 0);
  EXPECT_EQ(counts().in_flight, 0u);
  EXPECT_NE(numbers->text().find("dunlin_s3_requests_total{status=\"2xx\"} 3"), std::string::npos);
}

TEST_F(Requests, Q16WhatIsWrittenHereTheOtherServicesOfTheNodeForgetAtOnce) {
  EXPECT_FALSE(look_up_beside("other").record);
  EXPECT_TRUE(look_up_beside("other").from_cache);
  EXPECT_EQ(send({"PUT", "/other", "", {}})->got.status, 200);
  const auto found = look_up_beside("other");
  EXPECT_TRUE(found.record);
  EXPECT_FALSE(found.from_cache);
  EXPECT_EQ(send({"DELETE", "/other", "", {}})->got.status, 204);
  EXPECT_FALSE(look_up_beside("other").record);
}

TEST_F(Requests, ASilentPartitionEndsIn503InTime) {
  roles.router_silent = true;
  const auto got = send({"GET", "/bucket/k", "", {}});
  advance(15s);
  EXPECT_EQ(got->got.status, 0);
  advance(2s, 500ms);
  EXPECT_EQ(got->got.status, 503);
  EXPECT_EQ(got->got.code(), "ServiceUnavailable");
  EXPECT_EQ(counts().in_flight, 0u);
}

TEST_F(Requests, ErrorsOfTheRouterKeepTheirMeaning) {
  world.execute_fails = ec::overloaded;
  EXPECT_EQ(send({"DELETE", "/bucket/k", "", {}})->got.code(), "SlowDown");
}

TEST_F(Requests, ASilentCoordinatorEndsIn503) {
  roles.coordinator_silent = true;
  const auto put = send({"PUT", "/bucket/k", "x", {}});
  advance(31s, 500ms);
  EXPECT_EQ(put->got.status, 503);
}

TEST_F(Requests, AWriterThatDiesEndsIn503AndCommitsNothing) {
  roles.writer_dies = true;
  EXPECT_EQ(send({"PUT", "/bucket/k", std::string(2'000'000, 'x'), {}})->got.status, 503);
  EXPECT_EQ(send({"GET", "/bucket/k", "", {}})->got.status, 404);
}

TEST_F(Requests, AClientThatGoesAwayInMidBodyTakesItsWriterWithIt) {
  const std::string body(2'500'000, 'x');
  auto exchange = make({"PUT", "/bucket/k", body, {}});
  exchange->held = true;
  submit(exchange);
  ASSERT_TRUE(exchange->waiting);
  EXPECT_EQ(counts().in_flight, 1u);
  // One page comes, then the connection ends.
  exchange->waiting(body.substr(0, 1u << 20));
  run();
  EXPECT_EQ(roles.writers_alive, 1);
  exchange->waiting(ec::closed);
  exchange.reset();
  run();
  EXPECT_EQ(log->got.code(), "IncompleteBody");
  EXPECT_EQ(roles.writers_alive, 0);
  EXPECT_EQ(counts().in_flight, 0u);
  EXPECT_TRUE(log->dropped);
  EXPECT_EQ(send({"GET", "/bucket/k", "", {}})->got.status, 404);
}

TEST_F(Requests, AClientThatGoesAwayInMidAnswerIsCutAndItsReaderEnds) {
  EXPECT_EQ(send({"PUT", "/bucket/k", std::string(3'000'000, 'x'), {}})->got.status, 200);
  auto exchange = make({"GET", "/bucket/k", "", {}});
  exchange->gone = true;
  submit(std::move(exchange));
  EXPECT_TRUE(log->got.cut);
  EXPECT_TRUE(log->dropped);
  EXPECT_EQ(roles.readers_alive, 0);
}

TEST_F(Requests, MoreThanTheBoundAreRefusedWithSlowDown) {
  roles.router_silent = true;
  const auto first = send({"GET", "/bucket/a", "", {}});
  const auto second = send({"GET", "/bucket/b", "", {}});
  const auto third = send({"GET", "/bucket/c", "", {}});
  EXPECT_EQ(third->got.status, 503);
  EXPECT_EQ(third->got.code(), "SlowDown");
  EXPECT_EQ(third->got.header("Retry-After"), "1");
  EXPECT_TRUE(third->dropped);
  EXPECT_EQ(counts().in_flight, 2u);
  EXPECT_EQ(counts().refused, 1u);
  advance(17s, 500ms);
  EXPECT_EQ(first->got.status, 503);
  roles.router_silent = false;
  EXPECT_EQ(send({"GET", "/bucket/c", "", {}})->got.status, 404);
}

TEST_F(Requests, DrainingLetsThoseInFlightEndAndRefusesTheRest) {
  roles.router_silent = true;
  const auto running = send({"GET", "/bucket/a", "", {}});
  caf::scoped_actor self(system);
  auto drained = self->request(bridge, caf::infinite, drain_requests{});
  run();
  EXPECT_EQ(send({"GET", "/bucket/b", "", {}})->got.code(), "SlowDown");
  EXPECT_TRUE(counts().draining);
  advance(17s, 500ms);
  EXPECT_EQ(running->got.status, 503);
  bool done = false;
  drained.receive([&](const accepted&) { done = true; }, [](const caf::error&) { FAIL(); });
  EXPECT_TRUE(done);
}

TEST_F(Requests, ADeadBridgeCutsWhatArrives) {
  caf::anon_send_exit(bridge, caf::exit_reason::kill);
  run();
  const auto got = send({"GET", "/bucket/a", "", {}});
  EXPECT_EQ(got->got.status, 0);
  EXPECT_TRUE(got->dropped);
}

}  // namespace dunlin::s3::test
