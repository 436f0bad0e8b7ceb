/// CACHE SUBSCRIBER: handle in messages/cache.hpp, decisions in subscription_core. One for all
/// services of a node; spreads what queues say to their near caches, each of which hears of its own
/// type only (Q8).
#pragma once

#include "actors/cache_update/subscription_core.hpp"
#include "messages/cache.hpp"
#include "messages/message_queue.hpp"
#include "messages/near_cache.hpp"
#include "runtime/clock.hpp"
#include "runtime/wake_timer.hpp"

#include <caf/atom.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dunlin {

struct cache_subscriber_options {
  node_id node;                   ///< its own
  std::uint64_t service = 0;      ///< instance of the role on this node
  std::uint64_t incarnation = 1;  ///< greater at every start
  std::vector<node_id> queues;    ///< nodes with the role; none: nothing is heard, nothing proven
  /// The queue on a node; null: not to be reached. In production node_links::at(node,
  /// "message_queue").
  std::function<message_queue_actor(const node_id&)> find;
  /// Tells the queue on a node, or does not: one way. In production node_links::tell().
  std::function<void(const node_id&, const v1::BatchAck&)> acknowledge;
  /// By type: what is subscribed. Several services may each have one of a type.
  std::multimap<std::string, near_cache_actor> caches;
  cache_update::options limits;
  random_source* random = nullptr;  ///< outlives the actor
};

/// A peer came or went.
struct queue_peer {
  node_id node;
  bool connected = false;
};

/// What is spawned; it converts to cache_subscriber_actor and to subscriber_status_actor.
using cache_subscriber_shell = cache_subscriber_actor::extend<
    caf::replies_to<v1::GetSubscriberStatus>::with<v1::SubscriberStatus>,
    // In order for one peer; for queues as for others, which are not looked at.
    caf::reacts_to<queue_peer>,
    // INTERNAL: some wait is over; when it was armed for.
    caf::reacts_to<caf::tick_atom, std::int64_t>>;

struct cache_subscriber_state {
  cache_subscriber_options options;
  std::unique_ptr<subscription_core> core;
  /// When it was last known that all changes of the type in the partition had been heard.
  std::map<std::pair<std::string, partition_id>, subscription_core::time> proven;
  wake_timer timer;
  static inline const char* name = "cache_subscriber";
};

cache_subscriber_shell::behavior_type cache_subscriber(
    cache_subscriber_shell::stateful_pointer<cache_subscriber_state> self,
    cache_subscriber_options options);

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::queue_peer)
