/// One bulk message on a stream: two lengths, head, body. The body is received into the one buffer
/// that its reader keeps.
#pragma once

#include "runtime/links/bulk/bulk.hpp"
#include "runtime/sockets/byte_stream.hpp"

#include <boost/asio/awaitable.hpp>

namespace dunlin::links {

inline bool fits(const bulk_message& message) {
  return message.head.size() <= bulk_head_bytes_max &&
         (!message.body || message.body->size() <= bulk_body_bytes_max);
}

boost::asio::awaitable<std::optional<ec>> write_message(sockets::byte_stream& to,
                                                        const bulk_message& message);

/// The first bytes of a message: lengths within the caps, or ec::bad_message.
struct bulk_lengths {
  std::uint32_t head = 0;
  std::uint32_t body = 0;
};
boost::asio::awaitable<result<bulk_lengths>> read_lengths(sockets::byte_stream& from);
boost::asio::awaitable<result<bulk_message>> read_rest(sockets::byte_stream& from,
                                                       bulk_lengths lengths);

}  // namespace dunlin::links
