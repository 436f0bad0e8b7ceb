#include "runtime/http/client.hpp"

#include "runtime/http/text.hpp"
#include "runtime/sockets/byte_stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <optional>

namespace dunlin::http {

namespace asio = boost::asio;
namespace beast = boost::beast::http;
using sockets::byte_stream;

namespace {

std::string format(const sockets::endpoint& to, const call& request) {
  const auto host = to.host.find(':') == std::string::npos ? to.host : "[" + to.host + "]";
  auto text = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + host + ":" +
              std::to_string(to.port) + "\r\nConnection: close\r\n";
  if (!request.bearer_token.empty())
    text += "Authorization: Bearer " + request.bearer_token + "\r\n";
  if (!request.body.empty()) text += "Content-Type: " + request.content_type + "\r\n";
  if (!request.body.empty() || request.method != "GET")
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text + "\r\n" + request.body;
}

bool one_line(const std::string& text) { return text.find_first_of("\r\n") == std::string::npos; }

asio::awaitable<result<answer>> receive(byte_stream& from, const call& request) {
  beast::response_parser<beast::string_body> parser;
  parser.eager(true);
  parser.body_limit(request.body_bytes_max);
  parser.skip(request.method == "HEAD");
  std::string bytes(64u << 10, '\0');
  std::size_t filled = 0;
  while (!parser.is_done()) {
    const auto more = co_await from.read_some(asio::buffer(bytes) + filled);
    boost::beast::error_code error;
    if (!more) {
      if (*more.error == ec::timed_out) co_return ec::timed_out;
      if (parser.got_some()) parser.put_eof(error);
      if (error || !parser.is_done()) co_return ec::peer_lost;
      break;
    }
    filled += more.bytes;
    const auto used = parser.put(asio::buffer(bytes.data(), filled), error);
    bytes.erase(0, used);
    bytes.resize(64u << 10);
    filled -= used;
    if (error == beast::error::need_more && filled == bytes.size()) co_return ec::bad_message;
    if (error && error != beast::error::need_more) co_return ec::bad_message;
  }
  co_return answer{static_cast<int>(parser.get().result_int()), std::move(parser.get().body())};
}

asio::awaitable<result<answer>> talk(std::shared_ptr<byte_stream> over, sockets::endpoint to,
                                     const call& request) {
  over->expires_after(request.timeout);
  const auto connected = co_await over->connect(to);
  if (!connected) co_return *connected.error == ec::timed_out ? ec::timed_out : ec::unavailable;
  const auto text = format(to, request);
  const auto sent = co_await over->write(asio::buffer(text));
  if (!sent) co_return *sent.error == ec::timed_out ? ec::timed_out : ec::peer_lost;
  auto got = co_await receive(*over, request);
  over->close();
  co_return got;
}

asio::awaitable<void> run(std::shared_ptr<byte_stream> over, sockets::endpoint to,
                          const call& request, std::optional<result<answer>>& into) {
  into = co_await talk(over, to, request);
  over->close();  // the deadline would keep the loop alive
}

}  // namespace

result<answer> send(const sockets::endpoint& to, const call& request) {
  if (!token(request.method) || !one_line(request.target) || !one_line(request.bearer_token))
    return ec::invalid_argument;
  asio::io_context context{1};
  auto stream = std::make_shared<byte_stream>(sockets::tcp::socket{context}, nullptr);
  std::optional<result<answer>> got;
  asio::co_spawn(
      context, [&] { return run(stream, to, request, got); }, asio::detached);
  context.run();
  return std::move(*got);
}

}  // namespace dunlin::http
