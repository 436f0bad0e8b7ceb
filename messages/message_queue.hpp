/// The handle of a message queue (Q7 to Q14, docs/decisions/0011).
#pragma once

#include "messages/v1.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace dunlin {

/// MESSAGE QUEUE: takes changes from leaders and tells every subscriber of their types. Role name
/// "message_queue", instance 0.
using message_queue_actor = caf::typed_actor<
    // Answered when the changes are durable here. Any error: they may be or not, so give them to
    // this queue or another one again; overloaded and disk_full: it had better be another.
    caf::replies_to<v1::EnqueueUpdates>::with<v1::EnqueueReply>,
    // Of a cache subscriber, which hears of every change of its types from next_sequence on; again
    // after either side was away.
    caf::replies_to<v1::Subscribe>::with<v1::SubscribeReply>,
    // What has come to a subscriber, and that it lives.
    caf::reacts_to<v1::BatchAck>>;

}  // namespace dunlin
