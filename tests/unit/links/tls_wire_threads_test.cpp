// Wires are written to by whatever thread an actor runs on, and read by the port's.
#include "runtime/links/tls_wire.hpp"
#include "tests/support/soon.hpp"
#include "tests/unit/links/two_nodes.hpp"

#include <atomic>
#include <thread>
#include <vector>

using namespace dunlin;
using namespace dunlin::links;
using namespace dunlin::tests;
using namespace std::chrono_literals;

/// With TLS and without.
struct TlsWireThreads : TwoNodes, testing::WithParamInterface<bool> {
  static constexpr int senders = 4;

  struct side {
    wire_ptr wire;
    std::map<int, int> next;  ///< by sender: the number of its next frame
    int frames = 0;
    bool wrong = false;
    std::optional<ec> closed;
  };

  tls_wire_options options(const node_id& self) {
    tls_wire_options made{
        .self = self, .listen = local(), .peers = {{"n1", local()}, {"n2", local()}}};
    if (GetParam()) made.identity = of(self);
    made.unsent_bytes_max = 1u << 30;
    return made;
  }

  void SetUp() override {
    listener = make_tls_wire(options("n1"), counts).value();
    ASSERT_TRUE(listener->listen(
        [this](wire_ptr wire) { view.change([&] { there.wire = std::move(wire); }); }));
    auto with = options("n2");
    with.peers["n1"] = local(listener->port());
    dialler = make_tls_wire(with, counts).value();
    dialler->dial("n1", [this](result<wire_ptr> got) {
      view.change([&] { here.wire = got ? *got : nullptr; });
    });
    ASSERT_TRUE(view.soon([&] { return here.wire && there.wire; }));
  }

  void TearDown() override {
    if (dialler) dialler->stop();
    if (listener) listener->stop();
  }

  /// A frame says whose it is, which one, and is as long as follows from that.
  static std::string frame_of(int sender, int number) {
    const auto seed = static_cast<std::size_t>(sender * 7919 + number);
    const auto size = number % 100 == 99 ? 66000 + seed % 999 : seed % 3000;
    return std::to_string(sender) + ":" + std::to_string(number) + ":" +
           std::string(size, static_cast<char>('a' + seed % 26));
  }

  void hear(side& at, const std::string& frame) {
    const auto sender = std::atoi(frame.c_str());
    const auto number = at.next[sender]++;
    ++at.frames;
    at.wrong = at.wrong || frame != frame_of(sender, number);
  }

  void start(side& at) {
    at.wire->start(
        {[this, &at](const std::string& frame) { view.change([&] { hear(at, frame); }); },
         [this, &at](ec reason) { view.change([&] { at.closed = reason; }); }});
  }

  /// Until they have sent `frames` each, or the wire refuses.
  static std::vector<std::thread> send(const wire_ptr& wire, int frames, std::atomic<int>& taken) {
    std::vector<std::thread> threads;
    for (int sender = 0; sender < senders; ++sender)
      threads.emplace_back([wire, frames, sender, &taken] {
        for (int i = 0; i < frames; ++i) {
          if (!wire->send(std::make_shared<const std::string>(frame_of(sender, i)))) return;
          ++taken;
        }
      });
    return threads;
  }

  static void join(std::vector<std::thread> threads) {
    for (auto& one : threads)
      one.join();
  }

  shared_view view;
  side here, there;
  std::unique_ptr<tls_wire_port> listener, dialler;
};

TEST_P(TlsWireThreads, KeepFramesWholeAndInOrderWhileBothSidesSend) {
  constexpr int frames = 2000;
  std::atomic<int> taken{0};
  start(here);
  start(there);
  auto ours = send(here.wire, frames, taken);
  auto theirs = send(there.wire, frames, taken);
  join(std::move(ours));
  join(std::move(theirs));
  EXPECT_EQ(taken, 2 * senders * frames);
  for (auto* side : {&here, &there}) {
    EXPECT_TRUE(view.soon([&] { return side->frames == senders * frames; }, 30s));
    EXPECT_FALSE(side->wrong);
  }
}

TEST_P(TlsWireThreads, SendTheRestOnceAPeerReadsThatHasLongNotDoneSo) {
  constexpr int frames = 3000;  // more than the buffers of two sockets
  std::atomic<int> taken{0};
  start(here);
  join(send(here.wire, frames, taken));
  EXPECT_EQ(taken, senders * frames);
  start(there);
  EXPECT_TRUE(view.soon([&] { return there.frames == senders * frames; }, 30s));
  EXPECT_FALSE(there.wrong);
}

/// Whoever hears a frame may answer from the thread that brought it.
TEST_P(TlsWireThreads, AnswerOnTheThreadThatReadsHoweverMuchWaits) {
  constexpr int frames = 400;
  start(here);
  there.wire->start({[this](const std::string&) {
                       for (int i = 0; i < frames; ++i)
                         there.wire->send(std::make_shared<const std::string>(frame_of(0, i)));
                     },
                     [](ec) {}});
  here.wire->send(std::make_shared<const std::string>("go"));
  EXPECT_TRUE(view.soon([&] { return here.frames == frames; }, 10s));
  EXPECT_FALSE(here.wrong);
}

TEST_P(TlsWireThreads, MeetAWireThatIsClosedMeanwhile) {
  std::atomic<int> taken{0};
  start(here);
  start(there);
  auto ours = send(here.wire, 1'000'000, taken);
  EXPECT_TRUE(view.soon([&] { return there.frames > 100; }, 30s));
  here.wire->close();
  join(std::move(ours));
  EXPECT_TRUE(view.soon([&] { return here.closed && there.closed; }, 30s));
  EXPECT_FALSE(there.wrong);
}

TEST_P(TlsWireThreads, MeetAPeerThatGoesMeanwhile) {
  std::atomic<int> taken{0};
  start(here);
  start(there);
  auto ours = send(here.wire, 1'000'000, taken);
  EXPECT_TRUE(view.soon([&] { return there.frames > 100; }, 30s));
  listener->stop();
  join(std::move(ours));
  EXPECT_TRUE(view.soon([&] { return here.closed && there.closed; }, 30s));
  EXPECT_FALSE(there.wrong);
}

INSTANTIATE_TEST_SUITE_P(Wires, TlsWireThreads, testing::Bool(),
                         [](const auto& with) { return with.param ? "Secure" : "Plain"; });
