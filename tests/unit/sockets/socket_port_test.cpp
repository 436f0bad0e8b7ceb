// Real streams, with TLS and without: what the line and the HTTP entry rely on
// (runtime/sockets/stream.hpp).
#include "runtime/sockets/socket_port.hpp"

#include "runtime/crypto/cluster_ca.hpp"

#include <stdlib.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <future>

using namespace dunlin;
using namespace dunlin::sockets;
using namespace std::chrono_literals;

struct SocketPort : testing::TestWithParam<bool> {
  using outcome = stream::outcome;

  SocketPort() {
    if (GetParam()) {
      char pattern[] = "/tmp/dunlin-port-XXXXXX";
      folder = ::mkdtemp(pattern);
      auto ca = crypto::cluster_ca::create(folder, "test").value();
      EXPECT_TRUE(ca.write_bundle("a"));
      tls = peer_context(crypto::load_bundle(folder, "a").value()).value();
    }
    port = std::make_shared<socket_port>(threads, tls, tls);
    number =
        port->listen({"127.0.0.1", 0}, false, [this](stream_ptr s) { came(std::move(s)); }).value();
  }
  ~SocketPort() override {
    threads->stop();
    if (!folder.empty()) std::filesystem::remove_all(folder);
  }

  void came(stream_ptr from) {
    asio::co_spawn(
        from->executor(), [from]() { return from->handshake(true); },
        [this, from](std::exception_ptr, outcome) { accepted.set_value(from); });
  }

  template <class Work>
  auto run(const stream_ptr& on, Work work) {
    return asio::co_spawn(on->executor(), std::move(work), asio::use_future);
  }

  void connect() {
    auto on = asio::any_io_executor(asio::make_strand(threads->context()));
    const auto to = endpoint{"127.0.0.1", number};
    auto made = asio::co_spawn(
        on, [&] { return port->dial(on, to, 5s); }, asio::use_future);
    near = made.get().value();
    far = accepted.get_future().get();
  }

  outcome write(const stream_ptr& to, const std::string& bytes) {
    return run(to, [&] { return to->write(asio::buffer(bytes)); }).get();
  }
  std::pair<outcome, std::string> read(const stream_ptr& from) {
    std::string room(65536, '\0');
    const auto got = run(from, [&] { return from->read_some(asio::buffer(room)); }).get();
    room.resize(got.bytes);
    return {got, room};
  }
  template <class Call>
  void on_strand(const stream_ptr& of, Call call) {
    std::promise<void> done;
    asio::post(of->executor(), [&] {
      call();
      done.set_value();
    });
    done.get_future().get();
  }

  std::string folder;
  tls_context tls;
  std::shared_ptr<io_threads> threads = std::make_shared<io_threads>(2);
  std::shared_ptr<socket_port> port;
  std::uint16_t number = 0;
  std::promise<stream_ptr> accepted;
  stream_ptr near, far;
};

INSTANTIATE_TEST_SUITE_P(PlainAndTls, SocketPort, testing::Bool());

TEST_P(SocketPort, CarriesBytesBothWays) {
  connect();
  EXPECT_EQ(near->secure(), GetParam());
  EXPECT_TRUE(far->peer_address().starts_with("127.0.0.1:"));
  EXPECT_TRUE(write(near, "there"));
  EXPECT_EQ(read(far).second, "there");
  EXPECT_TRUE(write(far, "back"));
  EXPECT_EQ(read(near).second, "back");
}

TEST_P(SocketPort, AnEndInOrderIsToldFromABreak) {
  connect();
  on_strand(near, [&] { near->shutdown_send(); });
  const auto end = read(far).first;
  EXPECT_EQ(end.error, ec::closed);
  EXPECT_TRUE(far->at_end());
  // The other direction goes on.
  EXPECT_TRUE(write(far, "last words"));
  EXPECT_EQ(read(near).second, "last words");
  EXPECT_FALSE(near->at_end());
  on_strand(far, [&] { far->close(); });
  EXPECT_EQ(read(near).first.error, ec::closed);
  // Without the session's own end it may be a cut.
  EXPECT_EQ(near->at_end(), !GetParam());
}

TEST_P(SocketPort, AnInterruptedReadLosesNothingAndTheNextOneGoesOn) {
  connect();
  for (int i = 0; i < 200; ++i) {
    std::string room(64, '\0');
    auto reading = run(near, [&] { return near->read_some(asio::buffer(room)); });
    const std::string said = "word" + std::to_string(i);
    auto writing = run(far, [&] { return far->write(asio::buffer(said)); });
    asio::post(near->executor(), [&] { near->interrupt(); });
    auto got = reading.get();
    EXPECT_TRUE(writing.get());
    if (!got) {
      EXPECT_EQ(got.error, ec::timed_out);
      EXPECT_EQ(got.bytes, 0u);
      got = run(near, [&] { return near->read_some(asio::buffer(room)); }).get();
    }
    ASSERT_FALSE(got.error);
    EXPECT_EQ(room.substr(0, got.bytes), said);
  }
}

TEST_P(SocketPort, AnInterruptionEndsTheReadAndNotTheWrite) {
  connect();
  const std::string much(32u << 20, 'x');
  auto writing = run(near, [&] { return near->write(asio::buffer(much)); });
  std::string room(64, '\0');
  auto reading = run(near, [&] { return near->read_some(asio::buffer(room)); });
  on_strand(near, [&] { near->interrupt(); });
  EXPECT_EQ(reading.get().error, ec::timed_out);
  std::size_t heard = 0;
  while (heard < much.size())
    heard += read(far).first.bytes;
  const auto written = writing.get();
  EXPECT_FALSE(written.error);
  EXPECT_EQ(written.bytes, much.size());
}

TEST_P(SocketPort, WithoutAReadAnInterruptionIsNothing) {
  connect();
  on_strand(near, [&] { near->interrupt(); });
  EXPECT_TRUE(write(far, "word"));
  EXPECT_EQ(read(near).second, "word");
}

TEST_P(SocketPort, CallsAreMadeInTheirTimeOnceAndTheLastOneCounts) {
  connect();
  std::promise<std::string> called;
  on_strand(near, [&] {
    near->call_after(1ms, [&] { called.set_value("first"); });
    near->call_after(5ms, [&] { called.set_value("second"); });
  });
  EXPECT_EQ(called.get_future().get(), "second");
  std::promise<std::string> later;
  on_strand(near, [&] { near->call_after(1h, [&] { later.set_value("no"); }); });
  on_strand(near, [&] { near->close(); });
  threads->stop();  // would wait for it
  EXPECT_EQ(later.get_future().wait_for(0s), std::future_status::timeout);
}

TEST_P(SocketPort, WhereNobodyListensItIsUnavailable) {
  port->stop_listening();
  auto on = asio::any_io_executor(asio::make_strand(threads->context()));
  const auto nobody = endpoint{"127.0.0.1", 1};
  auto made = asio::co_spawn(
                  on, [&] { return port->dial(on, nobody, 5s); }, asio::use_future)
                  .get();
  EXPECT_EQ(made.error(), ec::unavailable);
}
