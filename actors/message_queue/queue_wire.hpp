/// QUEUE WIRE: from cache.proto to the words of the queue's core.
#pragma once

#include "actors/message_queue/queue_words.hpp"
#include "messages/dunlin/v1/cache.pb.h"

namespace dunlin::queue {

enqueue from_wire(const v1::EnqueueUpdates& message);
subscription from_wire(const v1::Subscribe& message);
acknowledgement from_wire(const v1::BatchAck& message);
partition_news from_wire(const v1::PartitionNews& message);

}  // namespace dunlin::queue
