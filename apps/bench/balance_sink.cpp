#include "apps/bench/balance_sink.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <fmt/format.h>

#include <memory>

namespace dunlin::bench {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto outcome = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> answer(tcp::socket socket, std::shared_ptr<const std::string> bytes) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  std::string received;
  for (;;) {
    auto [ended, head] = co_await asio::async_read_until(
        socket, asio::dynamic_buffer(received, 64u << 10), "\r\n\r\n", outcome);
    if (ended) co_return;
    received.erase(0, head);
    auto [gone, sent] = co_await asio::async_write(socket, asio::buffer(*bytes), outcome);
    if (gone) co_return;
  }
}

asio::awaitable<void> listen(tcp::acceptor acceptor, std::shared_ptr<const std::string> bytes) {
  for (;;) {
    auto [failed, socket] = co_await acceptor.async_accept(outcome);
    if (!failed)
      asio::co_spawn(acceptor.get_executor(), answer(std::move(socket), bytes), asio::detached);
  }
}

}  // namespace

int run_sink(const sink_options& options) {
  asio::io_context context{1};
  const auto bytes = std::make_shared<const std::string>(
      fmt::format("HTTP/1.1 200 OK\r\nx-amz-id-2: {}\r\nContent-Length: {}\r\n\r\n", options.name,
                  options.bytes) +
      std::string(options.bytes, 'x'));
  tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), options.port}};
  asio::co_spawn(context, listen(std::move(acceptor), bytes), asio::detached);
  context.run();
  return 0;
}

}  // namespace dunlin::bench
