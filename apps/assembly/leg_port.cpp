#include "apps/assembly/leg_port.hpp"

#include "runtime/topology/topology.hpp"

namespace dunlin::assembly {

sockets::asio::awaitable<result<sockets::stream_ptr>> leg_port::dial(
    sockets::asio::any_io_executor on, sockets::endpoint where, std::chrono::milliseconds within) {
  const auto loopback = topology::endpoint{where.host, where.port}.loopback();
  auto& through = loopback ? plain_ : secure_;
  return through.dial(std::move(on), std::move(where), within);
}

}  // namespace dunlin::assembly
