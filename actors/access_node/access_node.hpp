/// ACCESS NODE: the bridge between the HTTP entry's threads and the actors (decision 5). Starts an
/// actor for each request, a bounded number at a time; what comes above is refused at once.
#pragma once

#include "messages/storage.hpp"
#include "runtime/http/exchange.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace dunlin {

/// A request came in.
struct incoming_request {
  http::exchange_ptr exchange;
};
/// Refuses new requests from now on; answered when none is in flight.
struct drain_requests {};
struct count_requests {};
struct request_counts {
  std::uint64_t in_flight = 0;
  std::uint64_t started = 0;
  std::uint64_t refused = 0;
  bool draining = false;
};

using access_node_actor = caf::typed_actor<caf::reacts_to<incoming_request>,
                                           caf::replies_to<drain_requests>::with<accepted>,
                                           caf::replies_to<count_requests>::with<request_counts>>;

/// Where requests are counted before they reach the actor, so that refusing one costs a thread of
/// the entry a few instructions and no turn: under overload most are refused. Thread safe.
class request_gate {
public:
  request_gate(std::uint32_t requests_max, std::function<void(const http::exchange_ptr&)> refuse)
      : requests_max_{requests_max}, refuse_{std::move(refuse)} {}

  /// False: it has been refused; else leave() must follow.
  bool enter(const http::exchange_ptr& exchange);
  void leave() { --open_; }
  std::uint64_t refused() const { return refused_; }

private:
  const std::uint32_t requests_max_;
  const std::function<void(const http::exchange_ptr&)> refuse_;
  std::atomic<std::uint32_t> open_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
};

struct access_node_options {
  /// All requests pass it: that of acceptor_of.
  std::shared_ptr<request_gate> gate;
  /// Starts the actor of one request; it ends when the request has its answer.
  std::function<caf::actor(caf::actor_system&, http::exchange_ptr)> start;
  /// Answers a request that came while the node drains.
  std::function<void(const http::exchange_ptr&)> refuse;
};

struct access_node_state {
  access_node_options options;
  request_counts counts;
  std::vector<caf::typed_response_promise<accepted>> drained;
};

access_node_actor::behavior_type access_node(
    access_node_actor::stateful_pointer<access_node_state> self, access_node_options options);

/// For http::entry::serve. What passes the gate is put into the actor's mailbox, which it bounds.
http::acceptor acceptor_of(access_node_actor bridge, std::shared_ptr<request_gate> gate);

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::incoming_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::drain_requests)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::count_requests)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::request_counts)
