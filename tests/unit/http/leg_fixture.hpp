/// Legs on virtual time: the HTTP entry over simulated streams, a book of expected tokens, and the
/// test as the balancer.
#pragma once

#include "runtime/crypto/random.hpp"
#include "runtime/http/entry.hpp"
#include "runtime/proxy/proxy_header.hpp"
#include "runtime/simulation/sim_stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <vector>

namespace dunlin::tests {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using sockets::stream_ptr;

struct leg_notes final : http::leg_book {
  std::optional<std::uint64_t> redeem(std::string_view token) override {
    const auto found = expected.find(std::string(token));
    if (found == expected.end()) return std::nullopt;
    const auto number = found->second;
    expected.erase(found);
    return number;
  }
  void turned_away() override { ++strangers; }
  void opened(std::uint64_t number, std::weak_ptr<http::leg> made,
              const std::string& client) override {
    legs[number] = std::move(made);
    clients[number] = client;
  }
  void closed(std::uint64_t number, const http::leg_counts& last) override { ended[number] = last; }
  bool honours_declared_load() const override { return honours; }

  std::map<std::string, std::uint64_t> expected;
  std::map<std::uint64_t, std::weak_ptr<http::leg>> legs;
  std::map<std::uint64_t, std::string> clients;
  std::map<std::uint64_t, http::leg_counts> ended;
  int strangers = 0;
  bool honours = false;
};

/// The balancer's end of a leg.
struct far_end {
  stream_ptr stream;
  std::deque<std::string> to_say;
  bool saying = false;
  std::uint64_t sent = 0;  ///< after the header
  std::string heard;
  std::optional<ec> end;
  bool in_order = false;
  bool reads = true;
};
using far_end_ptr = std::shared_ptr<far_end>;

struct LegEntry : testing::Test {
  using task = asio::awaitable<void>;

  explicit LegEntry(std::uint64_t seed = 7) : network{loop, seed} {
    options.direct = false;
    options.host_id = "access-1";
    options.legs = http::leg_options{{"access", 9001}, false, nullptr, &book};
    verb = [this](http::exchange_ptr asked) { echo(std::move(asked)); };
  }
  ~LegEntry() override {
    held.clear();
    if (entry) entry->stop();
    pass(1s);
  }

  void start() {
    http::entry_ports ports{nullptr, streams.port("access")};
    entry = http::make_entry(options, std::move(ports), random, counts);
    ASSERT_TRUE(entry->serve([this](http::exchange_ptr asked) { verb(std::move(asked)); }));
  }

  void pass(simulation::event_loop::time span) { loop.run_until(loop.now() + span); }

  void spawn(task work) {
    asio::co_spawn(streams.executor("balancer"), std::move(work), asio::detached);
  }

  // ---- the verbs ----

  /// Answers "METHOD target size-of-body".
  void echo(http::exchange_ptr asked, std::uint64_t body = 0) {
    asked->read(1000, [this, asked, body](result<std::string> part) {
      if (!part) return reply(asked, 400, "bad body");
      if (!part->empty()) return echo(asked, body + part->size());
      reply(asked, 200,
            asked->request().method + " " + asked->request().target + " " + std::to_string(body));
    });
  }
  static void reply(const http::exchange_ptr& to, int status, const std::string& text) {
    to->respond({status, {}, text.size()}, std::make_shared<const std::string>(text),
                [to](result<void>) {});
  }
  void hold_all() {
    verb = [this](http::exchange_ptr asked) { held.push_back(std::move(asked)); };
  }
  void answer_held(const std::string& text = "at last") {
    const auto asked = held.at(0);
    held.erase(held.begin());
    reply(asked, 200, text);
  }

  // ---- the balancer ----

  far_end_ptr dial() {
    auto made = std::make_shared<far_end>();
    spawn(run(made));
    pass(20ms);
    EXPECT_TRUE(made->stream);
    return made;
  }
  task run(far_end_ptr end) {
    const sockets::endpoint where{"access", 9001};
    auto port = streams.port("balancer");
    auto reached = co_await port->dial(streams.executor("balancer"), where, 1s);
    if (!reached) co_return;
    end->stream = *reached;
    std::string room(65536, '\0');
    for (;;) {
      if (!end->reads) co_return;
      const auto got = co_await end->stream->read_some(asio::buffer(room));
      end->heard.append(room, 0, got.bytes);
      if (got) continue;
      end->end = got.error;
      end->in_order = end->stream->at_end();
      end->stream->close();
      co_return;
    }
  }
  task speak(far_end_ptr end) {
    while (!end->to_say.empty()) {
      const auto bytes = std::move(end->to_say.front());
      end->to_say.pop_front();
      const auto said = co_await end->stream->write(asio::buffer(bytes));
      if (!said) break;
    }
    end->saying = false;
  }
  /// Without letting time pass.
  void send(const far_end_ptr& end, std::string bytes) {
    end->to_say.push_back(std::move(bytes));
    if (!std::exchange(end->saying, true)) spawn(speak(end));
  }
  void say(const far_end_ptr& end, const std::string& bytes,
           simulation::event_loop::time wait = 1s) {
    end->sent += bytes.size();
    send(end, bytes);
    pass(wait);
  }

  static proxy::header header_of(std::uint64_t number, const std::string& token) {
    return {false, "192.0.2.7:41000", "198.51.100.1:443", token, number, true};
  }
  /// A leg that is let in.
  far_end_ptr open(std::uint64_t number = 1) {
    const auto token = "token-" + std::to_string(number);
    book.expected[token] = number;
    auto made = dial();
    send(made, proxy::encode(header_of(number, token)));
    pass(20ms);
    EXPECT_TRUE(leg(number));
    return made;
  }
  std::shared_ptr<http::leg> leg(std::uint64_t number = 1) { return book.legs[number].lock(); }

  /// What comes of it appears in `given`.
  void hand_over(const far_end_ptr& end, std::chrono::milliseconds within = 10s,
                 std::uint64_t more = 0) {
    given.reset();
    const auto which = leg();
    if (!which) return ADD_FAILURE() << "the leg is gone", void();
    which->hand_over(end->sent + more, within, [this](result<std::string> unread) {
      EXPECT_FALSE(given);
      given = std::move(unread);
    });
  }

  double refused(const std::string& reason) {
    return counts
        .counter("dunlin_http_refused_total", "Requests and connections refused by the entry.",
                 {{"reason", reason}})
        .value();
  }
  static std::string get(const std::string& target, const std::string& more = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + more + "\r\n";
  }
  static std::string put(const std::string& target, std::size_t size, const std::string& body) {
    return "PUT " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) +
           "\r\n\r\n" + body;
  }

  simulation::event_loop loop;
  simulation::sim_network network;
  simulation::sim_streams& streams = network.streams();
  http::server_options options;
  crypto::seeded_random random{1};
  metrics counts;
  leg_notes book;
  std::function<void(http::exchange_ptr)> verb;
  std::vector<http::exchange_ptr> held;
  std::unique_ptr<http::stream_entry> entry;
  std::optional<result<std::string>> given;
};

}  // namespace dunlin::tests
