/// CONFIRM LIMIT: how often a client may make the leaders confirm that the answer is "no". What is
/// there is served from near caches; who asks for what is not there, or guesses keys, would
/// otherwise reach a leader with every request. Bounded in memory; thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace dunlin::s3 {

class confirm_limit {
public:
  explicit confirm_limit(std::uint32_t per_second = 100, std::size_t clients_max = 4096)
      : per_second_(per_second), clients_max_(clients_max) {}

  /// False: the client at `peer`, an address with a port, has had its share of this second.
  bool take(std::string_view peer, std::int64_t now_ms);

private:
  const std::uint32_t per_second_;
  const std::size_t clients_max_;
  std::mutex guard_;  // requests run on any thread of the scheduler
  std::int64_t second_ = 0;
  std::map<std::string, std::uint32_t, std::less<>> taken_;  // in this second, by address
};

}  // namespace dunlin::s3
