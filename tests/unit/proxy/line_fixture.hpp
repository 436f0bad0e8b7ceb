/// Lines of a balancer "p" on simulated streams; clients and access nodes that say exactly what a
/// test wants.
#pragma once

#include "runtime/proxy/line_listener.hpp"
#include "runtime/simulation/sim_network.hpp"
#include "runtime/simulation/sim_stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::proxy {

using namespace std::chrono_literals;
using sockets::stream_ptr;

inline const std::string get = "GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n";

inline std::string answer(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// One end of a stream: says what it is told to, keeps what it hears.
class talker : public std::enable_shared_from_this<talker> {
public:
  explicit talker(stream_ptr stream, bool listens = true) : stream(std::move(stream)) {
    listening_ = listens;
  }
  void start() {
    if (listening_) spawn(listen(shared_from_this()));
  }
  void listen_now() {
    listening_ = true;
    spawn(listen(shared_from_this()));
  }
  void say(std::string bytes) {
    unsaid += bytes.size();
    spawn(speak(shared_from_this(), std::move(bytes)));
  }
  const stream_ptr stream;
  std::string heard;
  std::size_t unsaid = 0;
  bool ended = false;
  bool in_order = false;

private:
  using task = sockets::asio::awaitable<void>;
  using self_ptr = std::shared_ptr<talker>;
  void spawn(task work) {
    sockets::asio::co_spawn(stream->executor(), std::move(work), sockets::asio::detached);
  }
  static task listen(self_ptr self) {
    std::string room(70'000, '\0');
    for (;;) {
      const auto got = co_await self->stream->read_some(sockets::asio::buffer(room));
      if (!got) break;
      self->heard.append(room, 0, got.bytes);
    }
    self->ended = true;
    self->in_order = self->stream->at_end();
  }
  static task speak(self_ptr self, std::string bytes) {
    const auto done = co_await self->stream->write(sockets::asio::buffer(bytes));
    if (done) self->unsaid -= bytes.size();
  }
  bool listening_;
};
using talker_ptr = std::shared_ptr<talker>;

/// What a verb came to; nothing yet.
struct outcome {
  std::optional<result<void>> is;
  line::done done() {
    return [this](result<void> came) { is = came; };
  }
  bool fine() const { return is && is->has_value(); }
  std::optional<ec> error() const {
    return is && !is->has_value() ? std::optional{is->error()} : std::nullopt;
  }
};

class line_fixture : public testing::Test {
protected:
  line_fixture() {
    line_events events;
    events.first_bytes = [this](line_number number, const line_client& client) {
      first.push_back(number);
      clients.push_back(client);
    };
    events.leg_lost = [this](line_number, const leg_loss& loss) { losses.push_back(loss); };
    events.ended = [this](line_number number) { ended.push_back(number); };
    lines->serve(std::move(events));
    lines->listen({"p", 80}, false).value();
    for (const auto* node : {"x", "y", "z"}) {
      ports.push_back(streams.port(node));
      ports.back()
          ->listen({node, 9}, false,
                   [this, node](stream_ptr made) {
                     legs[node] = std::make_shared<talker>(std::move(made));
                     legs[node]->start();
                   })
          .value();
    }
  }

  void pass(simulation::event_loop::time span) { loop.run_until(loop.now() + span); }

  talker_ptr call(const node_id& who = "c", bool listens = true) {
    talker_ptr made;
    sockets::asio::co_spawn(streams.executor(who), dial(who, listens, made),
                            sockets::asio::detached);
    pass(20ms);
    return made;
  }
  /// A client that has said `bytes`, and its line.
  std::pair<talker_ptr, std::shared_ptr<line>> call_and_say(const std::string& bytes,
                                                            bool listens = true) {
    const auto client = call("c", listens);
    client->say(bytes);
    pass(20ms);
    return {client, lines->find(first.empty() ? 0 : first.back())};
  }
  bool attach(line& one, const node_id& to) {
    outcome came;
    one.attach({to, 9}, "<" + to + ">", came.done());
    pass(50ms);
    return came.fine();
  }
  bool prepare(line& one, const node_id& to) {
    outcome came;
    one.prepare({to, 9}, "<" + to + ">", came.done());
    pass(50ms);
    return came.fine();
  }
  std::optional<std::uint64_t> stop(line& one) {
    std::optional<std::uint64_t> forwarded;
    one.stop_reading([&forwarded](result<std::uint64_t> came) {
      if (came) forwarded = *came;
    });
    pass(50ms);
    return forwarded;
  }

  simulation::event_loop loop;
  simulation::sim_network network{loop, 7};
  simulation::sim_streams& streams = network.streams();
  std::vector<std::shared_ptr<sockets::stream_port>> ports;
  const std::shared_ptr<sockets::stream_port> port = streams.port("p");
  std::map<node_id, talker_ptr> legs;
  std::vector<line_number> first;
  std::vector<line_client> clients;
  std::vector<leg_loss> losses;
  std::vector<line_number> ended;
  std::unique_ptr<line_listener> lines = std::make_unique<line_listener>(*port, *port);

private:
  sockets::asio::awaitable<void> dial(node_id who, bool listens, talker_ptr& into) {
    const sockets::endpoint where{"p", 80};
    const auto from = streams.port(who);
    auto made = co_await from->dial(streams.executor(who), where, 1s);
    if (!made) co_return;
    into = std::make_shared<talker>(*made, listens);
    into->start();
  }
};

}  // namespace dunlin::proxy
