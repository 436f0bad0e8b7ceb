/// Who can be asked how it is, of those who keep near caches right (X2). Shells add these to the
/// handles of their roles; the node manager of the same node asks.
#pragma once

#include "messages/v1.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace dunlin {

using queue_status_actor =
    caf::typed_actor<caf::replies_to<v1::GetQueueStatus>::with<v1::QueueStatus>>;
using subscriber_status_actor =
    caf::typed_actor<caf::replies_to<v1::GetSubscriberStatus>::with<v1::SubscriberStatus>>;
using cache_status_actor =
    caf::typed_actor<caf::replies_to<v1::GetCacheStatus>::with<v1::CacheStatus>>;

}  // namespace dunlin
