/// One HTTP client of the balance driver: keep-alive GETs over a connection that it opens again
/// when it is gone.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::bench {

struct target {
  std::vector<std::uint16_t> ports;  ///< of balancers on 127.0.0.1, taken in turn
  std::string path = "/";
  std::string headers = "Host: 127.0.0.1\r\n";  ///< of every request, signed beforehand
};

struct got {
  int status = 0;  ///< 0: no answer
  std::string node;
  std::string error;
  bool fresh_connection = false;
};

class client {
public:
  client(boost::asio::io_context& on, const target& to, std::size_t index)
      : context_{on}, target_{to}, turn_{index} {}

  bool open() const { return socket_ && socket_->is_open(); }
  void close() {
    boost::system::error_code ignored;
    if (socket_) socket_->close(ignored);
    socket_.reset();
    received_.clear();
  }

  boost::asio::awaitable<got> get(std::string headers) {
    boost::asio::steady_timer deadline{context_};
    deadline.expires_after(std::chrono::seconds(5));
    deadline.async_wait([this](const boost::system::error_code& error) {
      if (!error) close_socket();
    });
    got said;
    if (!open()) {
      said.fresh_connection = true;
      if (co_await connect() != true) {
        said.error = "connect";
        co_return said;
      }
    }
    const auto request =
        "GET " + target_.path + " HTTP/1.1\r\n" + target_.headers + headers + "\r\n";
    auto [failed, sent] =
        co_await boost::asio::async_write(*socket_, boost::asio::buffer(request), outcome);
    if (failed) {
      said.error = "write: " + failed.message();
      co_return said;
    }
    namespace http = boost::beast::http;
    http::response_parser<http::string_body> parser;
    parser.body_limit(std::uint64_t{64} << 20);
    auto [broken, bytes] = co_await http::async_read(*socket_, received_, parser, outcome);
    if (broken) {
      said.error = "read: " + broken.message();
      co_return said;
    }
    said.status = parser.get().result_int();
    said.node = std::string(parser.get()["x-amz-id-2"]);
    if (!parser.get().keep_alive()) close();
    co_return said;
  }

private:
  static constexpr auto outcome = boost::asio::as_tuple(boost::asio::use_awaitable);

  boost::asio::awaitable<bool> connect() {
    const auto port = target_.ports[turn_++ % target_.ports.size()];
    received_.clear();
    socket_.emplace(context_);
    auto [failed] =
        co_await socket_->async_connect({boost::asio::ip::address_v4::loopback(), port}, outcome);
    if (failed) {
      close();
      co_return false;
    }
    boost::system::error_code ignored;
    socket_->set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    co_return true;
  }

  // The operation that waits for it fails then.
  void close_socket() {
    boost::system::error_code ignored;
    if (socket_) socket_->close(ignored);
  }

  boost::asio::io_context& context_;
  const target& target_;
  std::size_t turn_;
  std::optional<boost::asio::ip::tcp::socket> socket_;
  boost::beast::flat_buffer received_;
};

}  // namespace dunlin::bench
