#include "runtime/disk/crc32c.hpp"

#include <isa-l/crc.h>

#include <algorithm>

namespace dunlin {

std::uint32_t crc32c(std::string_view data, std::uint32_t before) noexcept {
  // ISA-L takes an int and leaves the two inversions to its caller.
  constexpr std::size_t piece_max = 1u << 30;
  auto state = ~before;
  while (!data.empty()) {
    const auto piece = data.substr(0, piece_max);
    auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(piece.data()));
    state = crc32_iscsi(bytes, static_cast<int>(piece.size()), state);
    data.remove_prefix(piece.size());
  }
  return ~state;
}

}  // namespace dunlin
