/// CREDENTIAL CACHE: access keys that were good a moment ago, for all requests of a node. Bounded
/// in time, as user types may be (decision 16): a revoked key may work for `ttl` longer. It only
/// ever says yes; a request that it cannot prove is asked about at the root partition.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace dunlin::s3 {

struct credential {
  std::string secret;
  std::string user;
  bool root_user = false;
};

class credential_cache {
public:
  explicit credential_cache(std::int64_t ttl_ms = 5000, std::size_t items_max = 1000)
      : ttl_ms_(ttl_ms), items_max_(items_max) {}

  std::optional<credential> find(const std::string& access_key, std::int64_t now_ms) const;
  void put(const std::string& access_key, credential known, std::int64_t now_ms);

private:
  struct item {
    credential known;
    std::int64_t since_ms = 0;
  };
  bool fresh(const item& each, std::int64_t now_ms) const;

  const std::int64_t ttl_ms_;
  const std::size_t items_max_;
  mutable std::mutex guard_;  // requests run on any thread of the scheduler
  std::map<std::string, item> items_;
};

}  // namespace dunlin::s3
