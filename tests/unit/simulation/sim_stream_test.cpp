#include "runtime/simulation/sim_stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace dunlin::simulation {
namespace {

using namespace std::chrono_literals;
using sockets::stream;
using sockets::stream_ptr;
using testing::ElementsAre;
using testing::IsEmpty;

std::string noise(std::size_t size, std::uint64_t seed = 3) {
  std::mt19937_64 random{seed};
  std::string bytes(size, '\0');
  for (auto& byte : bytes)
    byte = static_cast<char>(random());
  return bytes;
}

/// What one end has read until its end, and how that came.
struct heard {
  std::string bytes;
  std::optional<ec> end;
  bool in_order = false;
  std::size_t reads = 0;
};

class SimStream : public testing::Test {
protected:
  using task = asio::awaitable<void>;

  SimStream() {
    port->listen({"b", 80}, false, [this](stream_ptr s) { b = s; }).value();
  }

  void spawn(const node_id& where, task work) {
    asio::co_spawn(streams.executor(where), std::move(work), asio::detached);
  }
  void pass(event_loop::time span) { loop.run_until(loop.now() + span); }

  task dial(node_id from, result<stream_ptr>& into, std::chrono::milliseconds within = 1s) {
    const sockets::endpoint where{"b", 80};
    auto made = co_await streams.port(from)->dial(streams.executor(from), where, within);
    into = std::move(made);
    dialled = loop.now();
  }
  void connect() {
    result<stream_ptr> made = ec::closed;
    spawn("a", dial("a", made));
    pass(10ms);
    a = made.value();
    ASSERT_TRUE(b);
  }

  static task read_all(stream_ptr from, heard& into) {
    std::string room(100'000, '\0');
    for (;;) {
      const auto got = co_await from->read_some(asio::buffer(room));
      ++into.reads;
      into.bytes.append(room, 0, got.bytes);
      if (got) continue;
      into.end = got.error;
      into.in_order = from->at_end();
      co_return;
    }
  }
  static task write(stream_ptr to, std::string bytes, std::optional<stream::outcome>& came_to) {
    const auto half = bytes.size() / 2;
    const auto done = co_await to->write(asio::buffer(bytes.data(), half),
                                         asio::buffer(bytes.data() + half, bytes.size() - half));
    came_to = done;
  }

  event_loop loop;
  sim_network network{loop, 7};
  sim_streams& streams = network.streams();
  const std::shared_ptr<sockets::stream_port> port = streams.port("b");
  stream_ptr a, b;
  event_loop::time dialled{0};
};

TEST_F(SimStream, CarriesBytesBothWaysInOrderThoughReadsAreCutSmaller) {
  connect();
  const auto there = noise(1u << 20, 1), back = noise(300'000, 2);
  heard at_a, at_b;
  std::optional<stream::outcome> wrote_a, wrote_b;
  spawn("a", read_all(a, at_a));
  spawn("b", read_all(b, at_b));
  spawn("a", write(a, there, wrote_a));
  spawn("b", write(b, back, wrote_b));
  EXPECT_FALSE(wrote_a);  // never from inside a call
  pass(1s);
  EXPECT_TRUE(at_b.bytes == there);
  EXPECT_TRUE(at_a.bytes == back);
  ASSERT_TRUE(wrote_a && wrote_b);
  EXPECT_EQ(wrote_a->bytes, there.size());
  EXPECT_GT(at_b.reads, there.size() / 65536);
  EXPECT_FALSE(at_a.end || at_b.end);
  EXPECT_EQ(streams.open_streams(), 1u);
}

TEST_F(SimStream, ShowsTheDiallersAddress) {
  streams.set_address("a", "192.0.2.9");
  connect();
  EXPECT_THAT(b->peer_address(), testing::StartsWith("192.0.2.9:"));
  EXPECT_EQ(a->peer_address(), "b:80");
}

TEST_F(SimStream, AWriterWaitsForItsReader) {
  connect();
  heard at_b;
  std::optional<stream::outcome> wrote;
  spawn("a", write(a, noise(1u << 20), wrote));
  pass(10s);
  EXPECT_FALSE(wrote);
  EXPECT_TRUE(b->readable_now());
  spawn("b", read_all(b, at_b));
  pass(1s);
  ASSERT_TRUE(wrote);
  EXPECT_FALSE(wrote->error);
  EXPECT_TRUE(at_b.bytes == noise(1u << 20));
}

TEST_F(SimStream, OneDirectionEndsAndTheOtherGoesOn) {
  connect();
  heard at_a, at_b;
  std::optional<stream::outcome> wrote, late;
  spawn("b", read_all(b, at_b));
  spawn("a", read_all(a, at_a));
  spawn("a", write(a, "last words", wrote));
  pass(0ms);
  a->shutdown_send();
  pass(10ms);
  EXPECT_EQ(at_b.bytes, "last words");
  EXPECT_TRUE(at_b.in_order);
  spawn("b", write(b, "answer", wrote));
  spawn("a", write(a, "no more", late));
  pass(10ms);
  EXPECT_EQ(at_a.bytes, "answer");
  EXPECT_EQ(late->error, ec::closed);
  b->close();
  pass(10ms);
  EXPECT_EQ(at_a.end, ec::closed);
  EXPECT_TRUE(at_a.in_order);
  EXPECT_EQ(streams.counts().resets, 0u);
  EXPECT_EQ(streams.open_streams(), 0u);
}

TEST_F(SimStream, ClosingWithUnreadBytesResets) {
  connect();
  heard at_a;
  std::optional<stream::outcome> wrote;
  spawn("a", write(a, "never read", wrote));
  spawn("a", read_all(a, at_a));
  pass(10ms);
  b->close();
  pass(10ms);
  EXPECT_EQ(at_a.end, ec::closed);
  EXPECT_FALSE(at_a.in_order);
}

TEST_F(SimStream, WhoIsNobodyAnyMoreResetsWhatIsSentToHim) {
  connect();
  std::optional<stream::outcome> first, second;
  b.reset();  // dropped: closed
  pass(10ms);
  spawn("a", write(a, "to nobody", first));
  pass(10ms);
  EXPECT_FALSE(first->error);
  spawn("a", write(a, "again", second));
  pass(10ms);
  EXPECT_EQ(second->error, ec::closed);
}

TEST_F(SimStream, ACrashResetsAndASilentOneIsNoticedLater) {
  connect();
  heard at_a, at_b;
  spawn("a", read_all(a, at_a));
  spawn("b", read_all(b, at_b));
  network.crash("b");
  pass(10ms);
  EXPECT_EQ(at_a.end, ec::closed);
  EXPECT_FALSE(at_a.in_order);
  EXPECT_EQ(at_b.end, ec::closed);  // what the dead still do ends
  result<stream_ptr> again = ec::stopping;
  spawn("a", dial("a", again));
  pass(10ms);
  EXPECT_EQ(again.error(), ec::unavailable);

  port->listen({"b", 80}, false, [this](stream_ptr s) { b = s; }).value();
  connect();
  at_a = {};
  spawn("a", read_all(a, at_a));
  network.crash("b", true);
  pass(streams.options().lost_after - 1s);
  EXPECT_FALSE(at_a.end);
  pass(2s);
  EXPECT_EQ(at_a.end, ec::closed);
  spawn("a", dial("a", again));
  pass(999ms);
  EXPECT_EQ(again.error(), ec::unavailable);
  pass(2ms);
  EXPECT_EQ(again.error(), ec::timed_out);
}

TEST_F(SimStream, ACutIsASilenceThatEndsWithWhatWasSentBefore) {
  connect();
  heard at_b;
  std::optional<stream::outcome> wrote;
  spawn("b", read_all(b, at_b));
  network.cut_both("a", "b");
  spawn("a", write(a, noise(500'000), wrote));
  pass(60s);
  EXPECT_THAT(at_b.bytes, IsEmpty());
  EXPECT_FALSE(at_b.end);
  EXPECT_FALSE(wrote);
  result<stream_ptr> other = ec::stopping;
  const auto before = loop.now();
  spawn("a", dial("a", other, 300ms));
  pass(1s);
  EXPECT_EQ(other.error(), ec::timed_out);
  EXPECT_EQ(dialled - before, 300ms);
  network.heal_all();
  pass(1s);
  EXPECT_TRUE(at_b.bytes == noise(500'000));
  EXPECT_TRUE(wrote);
}

TEST_F(SimStream, OneThatStandsStillIsDialledAndAnswersWhenItGoesOn) {
  network.pause("b");
  result<stream_ptr> made = ec::stopping;
  std::optional<stream::outcome> wrote;
  spawn("a", dial("a", made));
  pass(100ms);
  ASSERT_TRUE(made);
  spawn("a", write(*made, "hello", wrote));
  pass(100ms);
  EXPECT_TRUE(wrote);
  EXPECT_FALSE(b);
  network.resume("b");
  pass(1ms);
  ASSERT_TRUE(b);
  EXPECT_TRUE(b->readable_now());
}

TEST_F(SimStream, ADeadlineClosesAndAnInterruptionDoesNot) {
  connect();
  heard at_b;
  std::optional<stream::outcome> wrote;
  b->interrupt_after(100ms);
  spawn("b", read_all(b, at_b));
  pass(99ms);
  EXPECT_FALSE(at_b.end);
  pass(2ms);
  EXPECT_EQ(at_b.end, ec::timed_out);
  EXPECT_FALSE(at_b.in_order);
  EXPECT_TRUE(b->open());

  b->expires_after(100ms);
  at_b = {};
  spawn("b", read_all(b, at_b));
  pass(50ms);
  spawn("a", write(a, "in time", wrote));
  pass(10ms);
  b->expires_after(100ms);  // moved on
  pass(99ms);
  EXPECT_FALSE(at_b.end);
  pass(2ms);
  EXPECT_EQ(at_b.bytes, "in time");
  EXPECT_EQ(at_b.end, ec::timed_out);
  EXPECT_FALSE(b->open());
  b->expires_never();
}

TEST_F(SimStream, AnInterruptedReadLosesNoByte) {
  connect();
  heard first, second;
  std::optional<stream::outcome> wrote;
  b->interrupt();  // nobody reads: nothing happens
  spawn("b", read_all(b, first));
  spawn("a", write(a, "one", wrote));
  pass(10ms);
  b->interrupt();
  pass(10ms);
  EXPECT_EQ(first.bytes, "one");
  EXPECT_EQ(first.end, ec::timed_out);
  spawn("a", write(a, "two", wrote));
  pass(10ms);
  spawn("b", read_all(b, second));
  pass(10ms);
  EXPECT_EQ(second.bytes, "two");
  EXPECT_FALSE(second.end);
}

TEST_F(SimStream, WhoWaitsForAStreamIsDroppedWithTheSimulation) {
  const auto alive = std::make_shared<int>(1);
  stream_ptr kept;
  {
    event_loop own;
    sim_network world{own, 1};
    auto& inside = world.streams();
    const auto waits = [](stream_ptr on, std::shared_ptr<int>) -> task {
      char byte = 0;
      co_await on->read_some(asio::buffer(&byte, 1));
    };
    const auto server = inside.port("b");
    server
        ->listen({"b", 80}, false,
                 [&](stream_ptr s) {
                   asio::co_spawn(inside.executor("b"), waits(s, alive), asio::detached);
                 })
        .value();
    const auto dials = [&]() -> task {
      const sockets::endpoint where{"b", 80};
      auto made = co_await inside.port("a")->dial(inside.executor("a"), where, 1s);
      kept = *made;
    };
    asio::co_spawn(inside.executor("a"), dials(), asio::detached);
    own.run_until(1s);
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1);
  kept->close();
}

TEST(SimStreams, TheSameSeedGivesTheSameHistory) {
  const auto run = [](std::uint64_t seed) {
    event_loop loop;
    sim_network network{loop, seed};
    auto& streams = network.streams();
    std::vector<std::pair<event_loop::time, std::size_t>> reads;
    const auto server = streams.port("b");
    const auto reader = [&](stream_ptr from) -> asio::awaitable<void> {
      std::string room(10'000, '\0');
      for (;;) {
        const auto got = co_await from->read_some(asio::buffer(room));
        reads.emplace_back(loop.now(), got.bytes);
        if (!got) co_return;
      }
    };
    server
        ->listen(
            {"b", 1}, false,
            [&](stream_ptr s) { asio::co_spawn(streams.executor("b"), reader(s), asio::detached); })
        .value();
    const auto writer = [&]() -> asio::awaitable<void> {
      const sockets::endpoint where{"b", 1};
      auto made = co_await streams.port("a")->dial(streams.executor("a"), where, 1s);
      const auto bytes = noise(200'000);
      co_await (*made)->write(asio::buffer(bytes));
    };
    asio::co_spawn(streams.executor("a"), writer(), asio::detached);
    loop.run_until(1s);
    return reads;
  };
  EXPECT_EQ(run(5), run(5));
  EXPECT_NE(run(5), run(6));
}

}  // namespace
}  // namespace dunlin::simulation
