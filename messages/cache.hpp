/// The handle of what hears of changes for the near caches (Q8, Q9, docs/decisions/0011).
#pragma once

#include "messages/v1.hpp"

#include <caf/typed_actor.hpp>

namespace dunlin {

/// CACHE SUBSCRIBER: a service's caches, as queues see them. Role name "cache_subscriber", instance
/// = the service's number on its node. Answers with BatchAck, to the queue that the message names.
using cache_subscriber_actor = caf::typed_actor<
    // Changes of the subscriber's types; may come twice, late, or not at all.
    caf::reacts_to<v1::CacheBatch>,
    // What is last at the partitions and at the queue itself.
    caf::reacts_to<v1::QueueNews>>;

}  // namespace dunlin
