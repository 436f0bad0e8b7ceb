/// CACHE CHANGE STATUS: what a node's admin listener answers to POST /cache: what became of an
/// instruction at each near cache that it concerned (Q16). Shared by the node and the command line.
/// {"name","caches":[{"service":1,"type":"bucket","error":""}]}
#pragma once

#include "messages/vocabulary.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::assembly {

struct cache_change_status {
  struct cache {
    std::uint64_t service = 0;
    std::string type;
    std::string error;  ///< why it was not changed; empty: it was
  };
  node_id name;
  std::vector<cache> caches;
};

std::string to_json(const cache_change_status& status);

/// ec::bad_message if it is no such JSON.
result<cache_change_status> parse_cache_change_status(std::string_view json);

}  // namespace dunlin::assembly
