/// Lengths as they stand on our wires: 4 bytes, most significant first.
#pragma once

#include <cstdint>
#include <string>

namespace dunlin::sockets {

inline void append_big_endian(std::string& to, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8)
    to += static_cast<char>(number >> shift & 0xff);
}

inline std::uint32_t big_endian_at(const char* bytes) {
  std::uint32_t number = 0;
  for (int i = 0; i < 4; ++i)
    number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

}  // namespace dunlin::sockets
