#include "runtime/sockets/byte_stream.hpp"

#include <poll.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <gtest/gtest.h>

namespace dunlin::sockets {
namespace {

/// Until the byte that was sent has come.
void send_byte(tcp::socket& from, int to) {
  ASSERT_EQ(::send(from.native_handle(), "x", 1, 0), 1);
  pollfd waits{to, POLLIN, 0};
  ASSERT_EQ(::poll(&waits, 1, 5'000), 1);
}

// The reactor has one more event for the second stream, whose byte has already been read, when the
// next read begins: that wait ends, and before its reader has its turn on the strand it is
// interrupted.
TEST(ByteStream, AnInterruptIsNotLostWhereAWaitEndedForNothing_R11) {
  asio::io_context context{2};
  const auto strand = asio::make_strand(context);
  const tcp::endpoint any{asio::ip::address_v4::loopback(), 0};
  tcp::acceptor acceptor{context, any};
  tcp::socket one{context}, two{context}, to_one{strand}, to_two{strand};
  one.connect(acceptor.local_endpoint());
  acceptor.accept(to_one);
  two.connect(acceptor.local_endpoint());
  acceptor.accept(to_two);
  const int first = to_one.native_handle(), second = to_two.native_handle();
  const auto waited = std::make_shared<byte_stream>(std::move(to_one), nullptr);
  const auto read = std::make_shared<byte_stream>(std::move(to_two), nullptr);
  std::optional<ec> why;
  const auto reader = [&]() -> asio::awaitable<void> {
    co_await waited->read_passing();
    const auto byte = co_await read->read_passing();
    EXPECT_EQ(byte.bytes, "x");
    asio::post(strand, [&] { read->interrupt(); });
    const auto ended = co_await read->read_passing();
    why = ended.error;
  };
  asio::co_spawn(strand, reader, asio::detached);
  context.poll();
  send_byte(one, first);
  send_byte(two, second);
  context.poll();
  EXPECT_EQ(why, ec::timed_out);
}

}  // namespace
}  // namespace dunlin::sockets
