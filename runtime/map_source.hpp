/// MAP SOURCE: where a role of a node takes the cluster map from: the near cache of its service,
/// which hears of a new map at once, or where nobody tells of one the copy of the node's router.
#pragma once

#include "messages/cache_types.hpp"
#include "messages/near_cache.hpp"
#include "messages/partition.hpp"
#include "runtime/ask.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace dunlin {

/// Parsed once on a node, shared by all who read it.
using shared_map = std::shared_ptr<const v1::ClusterMap>;

struct map_source {
  partition_router_actor router;
  near_cache_actor cache{};  ///< of cluster maps; null: there is none
};

namespace detail {

template <class Self, class Timeout, class Take, class Failed>
void ask_router(Self* self, const map_source& from, Timeout timeout, std::uint64_t epoch, Take take,
                Failed failed) {
  v1::GetMap wish;
  wish.set_at_least_epoch(epoch);
  ask(
      self, from.router, timeout, std::move(wish),
      [take](const v1::ClusterMap& map) mutable {
        take(std::make_shared<const v1::ClusterMap>(map));
      },
      [failed](const caf::error& why) mutable { failed(why); });
}

}  // namespace detail

/// Calls take(shared_map) with a map of at least `epoch`, or failed(caf::error). An old map does no
/// harm, so where the cache cannot say, and soon, the router's is good enough.
template <class Self, class Timeout, class Take, class Failed>
void ask_for_map(Self* self, const map_source& from, Timeout timeout, std::uint64_t epoch,
                 Take take, Failed failed) {
  if (!from.cache) return detail::ask_router(self, from, timeout, epoch, take, failed);
  const auto otherwise = [=] { detail::ask_router(self, from, timeout, epoch, take, failed); };
  cache_look_up wish{std::string(cached::cluster_map_key), false, {}};
  ask(
      self, from.cache, timeout / 4, std::move(wish),
      [take, otherwise, epoch](const cache_answer& said) mutable {
        if (!said.record || said.record->cluster_map().epoch() < epoch) return otherwise();
        take(shared_map(said.record, &said.record->cluster_map()));
      },
      [otherwise](const caf::error&) { otherwise(); });
}

}  // namespace dunlin
