/// BALANCER: handle in messages/balance.hpp, decisions in balancer_core and selection, clients in
/// runtime/proxy (B1, B5, B6, B7, B11, B13, docs/decisions/0015). A thin shell: asks access nodes,
/// drives lines.
///
/// Assembly makes the line_listener, spawns the actor, then lets the listener listen():
///   auto lines = std::make_shared<proxy::line_listener>(client_port, leg_port);
///   auto actor = spawn_balancer(system, balancer_options{…, lines, …});
///   auto port = lines->listen(where, wildcard);
/// To drain a balancer: lines->drain(), from time to time, until lines->size() is 0.
#pragma once

#include "actors/balancer/balancer_core.hpp"
#include "actors/balancer/balancer_metrics.hpp"
#include "messages/balance.hpp"
#include "runtime/balance/settings.hpp"
#include "runtime/clock.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/proxy/line_listener.hpp"
#include "runtime/wake_timer.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace dunlin {

/// An access node as balancers know it.
struct access_place {
  node_id node;
  sockets::endpoint leg;  ///< where its legs listen
  std::string rack;
  std::string group;  ///< moves stay within it (R1)
  bool operator==(const access_place&) const = default;
};

/// The access nodes from now on (B13): to the running actor. Lines of those that are gone stay.
struct balancer_places {
  std::vector<access_place> all;
};

/// The settings from now on (B13): to the running actor. Older versions are dropped.
struct balancer_settings {
  balance::settings now;
  std::uint64_t version = 0;
};

/// The link to a node has come up: it is asked again at once, if it is an access node.
struct balancer_link_up {
  node_id node;
};

/// The link to a node has gone down.
struct balancer_link_down {
  node_id node;
};

/// INTERNAL: what a line says.
struct balancer_line_event {
  struct first_bytes {
    proxy::line_client client;
  };
  struct lost {
    proxy::leg_loss loss;
  };
  struct attached {
    std::uint64_t serial = 0;
    bool fine = false;
  };
  struct prepared {
    std::uint64_t serial = 0;
    bool fine = false;
  };
  struct stopped {
    std::uint64_t serial = 0;
    bool fine = false;
    std::uint64_t forwarded = 0;
  };
  struct switched {
    std::uint64_t serial = 0;
    bool fine = false;
  };
  struct ended {};
  proxy::line_number line = 0;
  std::variant<first_bytes, lost, attached, prepared, stopped, switched, ended> what;
};

struct balancer_options {
  node_id node;  ///< its own
  std::string rack;
  std::vector<access_place> access_nodes;
  balance::settings settings;
  std::uint64_t balance_version = 0;
  /// Their owner is set by spawn_balancer(); shared, and closed by whoever made it.
  std::shared_ptr<proxy::line_listener> lines;
  /// Admission of an access node; null: not to be reached. In production
  /// node_links::at(node, "admission").
  std::function<admission_actor(const node_id&)> find;
  /// Of the cluster: clients are told to access nodes by a hash of their address with it.
  std::string client_key;
  random_source* random = nullptr;  ///< outlives the actor
  metrics* counts = nullptr;        ///< outlives the actor
};

/// What is spawned; it converts to balancer_actor.
using balancer_shell =
    balancer_actor::extend<caf::reacts_to<balancer_places>, caf::reacts_to<balancer_settings>,
                           caf::reacts_to<balancer_link_up>, caf::reacts_to<balancer_link_down>,
                           caf::reacts_to<balancer_line_event>,
                           // INTERNAL: some wait is over; when it was armed for.
                           caf::reacts_to<caf::tick_atom, std::int64_t>>;

struct balancer_state {
  balancer_options options;
  std::unique_ptr<balancer_core> core;
  std::unique_ptr<balancer_metrics> figures;
  std::map<node_id, access_place> places;
  std::map<proxy::line_number, proxy::line_client> clients;  ///< of lines that the core knows
  /// Requests of access nodes that wait for their answers, by the core's tickets.
  std::map<std::uint64_t, caf::typed_response_promise<v1::MoveReady>> moves;
  std::map<std::uint64_t, caf::typed_response_promise<v1::HandOverReply>> hand_overs;
  std::uint64_t tickets = 0;
  std::chrono::milliseconds next_look{0};
  bool more_needed = false;
  wake_timer timer;
  static inline const char* name = "balancer";
};

/// The lines tell it from now on, though its first turn may be far: they may listen at once.
balancer_shell spawn_balancer(caf::actor_system& system, balancer_options options);

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::balancer_places)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::balancer_settings)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::balancer_link_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::balancer_link_down)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::balancer_line_event)
