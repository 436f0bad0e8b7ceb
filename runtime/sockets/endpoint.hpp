/// Where a socket listens or dials to. Port 0: any free one (tests).
#pragma once

#include <cstdint>
#include <string>

namespace dunlin::sockets {

struct endpoint {
  std::string host;  ///< numeric address or name
  std::uint16_t port = 0;
};

}  // namespace dunlin::sockets
