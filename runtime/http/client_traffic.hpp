/// CLIENT TRAFFIC: what those do who come straight to the entry, not through a balancer: for who
/// measures the load of its node (B3, docs/decisions/0015). Thread safe; outlives the entry with
/// those who read it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace dunlin::http {

struct client_traffic {
  std::atomic<std::uint64_t> bytes = 0;  ///< both directions, since the start
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::size_t> open = 0;  ///< connections, now
  std::atomic<std::size_t> in_request = 0;
  std::atomic<std::size_t> resting = 0;  ///< between requests: these give way to newcomers

  /// Places that a newcomer cannot have.
  std::size_t held() const {
    const std::size_t all = open, idle = resting;
    return all - std::min(all, idle);
  }
};

}  // namespace dunlin::http
