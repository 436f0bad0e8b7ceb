#include "runtime/sockets/stream.hpp"

#include <algorithm>

namespace dunlin::sockets {

char* stream::passing_room() {
  thread_local const auto room = std::make_unique_for_overwrite<char[]>(passing_max);
  return room.get();
}

asio::awaitable<stream::passing> stream::read_passing() {
  const auto own = std::make_unique_for_overwrite<char[]>(passing_max);
  const auto got = co_await read_some(asio::buffer(own.get(), passing_max));
  auto* const room = passing_room();
  std::copy_n(own.get(), got.bytes, room);
  co_return passing{got.error, {room, got.bytes}};
}

asio::awaitable<stream::outcome> stream::write_passing(std::string_view bytes) {
  const auto copied = std::string{bytes};
  co_return co_await write(asio::buffer(copied));
}

}  // namespace dunlin::sockets
