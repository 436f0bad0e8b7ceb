#include "runtime/links/bulk/bulk_frames.hpp"

#include "runtime/sockets/big_endian.hpp"

#include <array>

namespace dunlin::links {

namespace asio = boost::asio;

asio::awaitable<std::optional<ec>> write_message(sockets::byte_stream& to,
                                                 const bulk_message& message) {
  std::string start;
  start.reserve(8 + message.head.size());
  const auto body_size = message.body ? message.body->size() : 0;
  sockets::append_big_endian(start, static_cast<std::uint32_t>(message.head.size()));
  sockets::append_big_endian(start, static_cast<std::uint32_t>(body_size));
  start += message.head;
  const auto body = message.body ? asio::buffer(*message.body) : asio::const_buffer{};
  const auto written = co_await to.write(asio::buffer(start), body);
  co_return written.error;
}

asio::awaitable<result<bulk_lengths>> read_lengths(sockets::byte_stream& from) {
  std::array<char, 8> start;
  const auto got = co_await from.read(asio::buffer(start));
  if (!got) co_return *got.error;
  const bulk_lengths lengths{sockets::big_endian_at(start.data()),
                             sockets::big_endian_at(start.data() + 4)};
  if (lengths.head > bulk_head_bytes_max || lengths.body > bulk_body_bytes_max)
    co_return ec::bad_message;
  co_return lengths;
}

asio::awaitable<result<bulk_message>> read_rest(sockets::byte_stream& from, bulk_lengths lengths) {
  bulk_message message;
  message.head.resize(lengths.head);
  const auto head = co_await from.read(asio::buffer(message.head));
  if (!head) co_return *head.error;
  if (lengths.body > 0) {
    auto body = std::make_shared<std::string>(lengths.body, '\0');
    const auto got = co_await from.read(asio::buffer(*body));
    if (!got) co_return *got.error;
    message.body = std::move(body);
  }
  co_return message;
}

}  // namespace dunlin::links
