#include "runtime/crypto/crc32.hpp"

#include <isa-l/crc.h>

namespace dunlin::crypto {

std::uint32_t crc32(std::string_view data, std::uint32_t before) noexcept {
  return crc32_gzip_refl(before, reinterpret_cast<const unsigned char*>(data.data()), data.size());
}

}  // namespace dunlin::crypto
