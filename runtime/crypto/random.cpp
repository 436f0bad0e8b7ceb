#include "runtime/crypto/random.hpp"

#include "messages/vocabulary.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <chrono>

namespace dunlin::crypto {

std::uint64_t system_random::next() {
  std::uint64_t number = 0;
  DUNLIN_ASSERT(RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number) == 1);
  return number;
}

std::string system_random::bytes(std::size_t size) {
  std::string made(size, '\0');
  DUNLIN_ASSERT(RAND_bytes(reinterpret_cast<unsigned char*>(made.data()),
                           static_cast<int>(made.size())) == 1);
  return made;
}

std::uint64_t seeded_random::next() {
  const auto lock = std::scoped_lock{guard_};
  return engine_();
}

std::string seeded_random::bytes(std::size_t size) {
  const auto lock = std::scoped_lock{guard_};
  std::string made;
  made.reserve(size);
  while (made.size() < size) {
    auto number = engine_();
    for (auto left = std::min<std::size_t>(8, size - made.size()); left > 0; --left, number >>= 8)
      made += static_cast<char>(number & 0xff);
  }
  return made;
}

std::int64_t system_wall_clock::now_ms() const {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace dunlin::crypto
