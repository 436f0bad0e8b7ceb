// Lines whose streams never have to wait, beside others on the same thread.
#include "runtime/proxy/line.hpp"
#include "runtime/sockets/stream_port.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

namespace dunlin::proxy {
namespace {

namespace asio = boost::asio;
constexpr std::size_t a_turn = 8 + 1;  // and what is said when the leg is attached
using std::chrono::milliseconds;

/// Has said all that it ever says, and takes everything at once.
class ready_stream final : public sockets::stream {
public:
  ready_stream(asio::io_context& on, std::deque<std::string> says)
      : on_{on}, says_{std::move(says)}, silence_{on, asio::steady_timer::time_point::max()} {}

  asio::awaitable<outcome> handshake(bool) override { co_return outcome{}; }
  asio::awaitable<outcome> read_some(asio::mutable_buffer) override {
    co_return outcome{ec::closed, 0};
  }
  asio::awaitable<passing> read_passing() override {
    if (says_.empty()) {
      boost::system::error_code ended;
      co_await silence_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
      co_return passing{ec::closed, {}};
    }
    said_ = std::move(says_.front());
    says_.pop_front();
    co_return passing{{}, said_};
  }
  asio::awaitable<outcome> write(asio::const_buffer first, asio::const_buffer second) override {
    ++heard;
    co_return outcome{{}, first.size() + second.size()};
  }
  asio::awaitable<outcome> write_passing(std::string_view bytes) override {
    ++heard;
    co_return outcome{{}, bytes.size()};
  }
  void expires_after(milliseconds) override {}
  void interrupt_after(milliseconds) override {}
  void expires_never() override {}
  void interrupt() override {}
  void call_after(milliseconds, std::function<void()>) override {}
  void close() override { silence_.cancel(); }
  void close_soon() override { close(); }
  void shutdown_send() override {}
  bool at_end() const override { return false; }
  bool open() const override { return true; }
  bool readable_now() override { return !says_.empty(); }
  std::string peer_address() override { return "10.0.0.1:1"; }
  bool secure() const override { return false; }
  asio::any_io_executor executor() override { return on_.get_executor(); }

  std::size_t heard = 0;  // pieces

private:
  asio::io_context& on_;
  std::deque<std::string> says_;
  std::string said_;
  asio::steady_timer silence_;
};

struct one_leg final : sockets::stream_port {
  explicit one_leg(sockets::stream_ptr leg) : leg{std::move(leg)} {}
  result<std::uint16_t> listen(const sockets::endpoint&, bool,
                               std::function<void(sockets::stream_ptr)>) override {
    return ec::unavailable;
  }
  void stop_listening() override {}
  asio::awaitable<result<sockets::stream_ptr>> dial(asio::any_io_executor, sockets::endpoint,
                                                    milliseconds) override {
    co_return leg;
  }
  const sockets::stream_ptr leg;
};

/// The most pieces that `to` was given between two turns of somebody else.
std::size_t pieces_without_a_turn(asio::io_context& context, line_host& host,
                                  const std::shared_ptr<ready_stream>& client,
                                  const std::shared_ptr<ready_stream>& to) {
  const auto shared = std::shared_ptr<line_host>{&host, [](line_host*) {}};
  const auto one = std::make_shared<line>(shared, 1, client);
  bool attached = false;
  host.events.first_bytes = [&](line_number, const line_client&) {
    one->attach({"x", 9}, {}, [&](result<void> came) { attached = came.has_value(); });
  };
  host.events.leg_lost = [](line_number, const leg_loss&) {};
  host.events.ended = [](line_number) {};
  one->start();
  std::size_t most = 0, before = 0;
  for (int turn = 0; turn < 2'000; ++turn) {
    context.poll_one();
    most = std::max(most, to->heard - std::exchange(before, to->heard));
  }
  EXPECT_TRUE(attached);
  one->close();
  context.restart();
  context.poll();
  return most;
}

std::deque<std::string> in_pieces(const std::string& head, std::size_t count) {
  std::deque<std::string> all(count, std::string(100, 'x'));
  all.push_front(head + "Content-Length: " + std::to_string(100 * count) + "\r\n\r\n");
  return all;
}

TEST(LineTurns, ALongAnswerLetsOthersIn_B7) {
  asio::io_context context;
  const auto client = std::make_shared<ready_stream>(
      context, std::deque<std::string>{"GET /k HTTP/1.1\r\nHost: h\r\n\r\n"});
  const auto leg = std::make_shared<ready_stream>(context, in_pieces("HTTP/1.1 200 OK\r\n", 1'000));
  one_leg legs{leg};
  line_host host{legs, {}, {}};
  EXPECT_LE(pieces_without_a_turn(context, host, client, client), a_turn);
  EXPECT_EQ(client->heard, 1'001u);
}

TEST(LineTurns, ALongUploadLetsOthersIn_B7) {
  asio::io_context context;
  const auto client =
      std::make_shared<ready_stream>(context, in_pieces("PUT /k HTTP/1.1\r\nHost: h\r\n", 1'000));
  const auto leg = std::make_shared<ready_stream>(context, std::deque<std::string>{});
  one_leg legs{leg};
  line_host host{legs, {}, {}};
  EXPECT_LE(pieces_without_a_turn(context, host, client, leg), a_turn);
  EXPECT_EQ(leg->heard, 1'001u);
}

}  // namespace
}  // namespace dunlin::proxy
