/// SUBSCRIPTION WIRE: from cache.proto to the words of the subscriber's core.
#pragma once

#include "actors/cache_update/subscription_words.hpp"
#include "messages/dunlin/v1/cache.pb.h"

namespace dunlin::cache_update {

batch from_wire(v1::CacheBatch message);
subscribed from_wire(const v1::SubscribeReply& message);
news from_wire(const v1::QueueNews& message);

}  // namespace dunlin::cache_update
