/// REDIS: the peer: connections that are told of every change by CLIENT TRACKING BCAST, and one
/// that writes, in one thread with one epoll, as a client library would at best.
///   write RATE S    SETs one at a time, RATE a second, of 100 bytes:
///                   {"writes":[[began_ns,acknowledged_ns,last_ns]…]}: when the last of all
///                   connections was told
///   flood DEPTH S   DEPTH of them unanswered at any time: {"changes","told","seconds"}
#pragma once

#include <cstddef>
#include <cstdint>

namespace dunlin::fanout {

int drive_redis(std::uint16_t port, std::size_t connections);

}  // namespace dunlin::fanout
