/// S3 REQUEST: the actor of one request. Runs the verb's coroutine and performs what it asks for by
/// messages; ends with its answer. When it dies the coroutine is destroyed, the writer is told to
/// quit, and the exchange is dropped, which cuts the connection.
#pragma once

#include "actors/s3_gateway/handle.hpp"
#include "messages/near_cache.hpp"
#include "messages/partition.hpp"
#include "messages/storage.hpp"
#include "runtime/clock.hpp"
#include "runtime/http/exchange.hpp"
#include "runtime/observe/metrics.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace dunlin {

/// INTERNAL: the entry's answer to read(); without `code` the bytes are good.
struct body_arrived {
  std::string bytes;
  std::optional<ec> code;
};
/// INTERNAL: the entry's answer to respond() or write().
struct bytes_left {
  std::optional<ec> code;
};

using s3_request_actor = caf::typed_actor<caf::reacts_to<body_arrived>, caf::reacts_to<bytes_left>>;

struct s3_gateway_options {
  s3::options protocol;
  std::chrono::milliseconds metadata_timeout{15'000};
  std::chrono::milliseconds cache_timeout{5'000};    ///< what a near cache answers by itself
  std::chrono::milliseconds object_timeout{30'000};  ///< one write, finish or read of object bytes
};

/// What every request of a node shares. Thread safe things only: requests run on any thread.
struct s3_gateway_parts {
  partition_router_actor router;
  /// Of the service, by type: of users, buckets and policies at least.
  std::map<std::string, near_cache_actor, std::less<>> caches;
  coordinator_actor coordinator;
  std::shared_ptr<const wall_clock> clock;
  std::shared_ptr<random_source> random;
  std::shared_ptr<metrics> numbers;  ///< may be null
  std::shared_ptr<s3::confirm_limit> confirmations = std::make_shared<s3::confirm_limit>();
  std::shared_ptr<policy::document_shelf> documents = std::make_shared<policy::document_shelf>();
  /// What the node's other services hold of the types that this one changes: they forget it at
  /// once.
  std::multimap<std::string, near_cache_actor, std::less<>> beside{};
  /// Which service it is.
  s3::task<s3::outcome> (*handle)(s3::services&) = s3::handle;
  std::string name = "s3";  ///< in metrics and log
};

/// How access_node starts and refuses requests, without knowing this folder.
using request_starter = std::function<caf::actor(caf::actor_system&, http::exchange_ptr)>;
request_starter s3_request_starter(s3_gateway_options options, s3_gateway_parts parts);

/// Answers 503 SlowDown in S3's words.
void refuse_s3_request(const http::exchange_ptr& exchange);

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::body_arrived)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::bytes_left)
