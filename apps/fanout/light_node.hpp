/// LIGHT NODE: of a client node only what hears of changes: links to the queues, a cache subscriber
/// and a near cache of buckets, as an access node has them. Many fit into one process; each has
/// sockets, sequence numbers and a name of its own. For measurements.
#pragma once

#include "actors/cache_update/cache_subscriber.hpp"
#include "actors/near_cache/near_cache.hpp"
#include "runtime/clock.hpp"
#include "runtime/links/identity.hpp"
#include "runtime/links/links.hpp"
#include "runtime/links/tls_wire.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/topology/topology.hpp"

#include <caf/actor_system.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace dunlin::fanout {

/// Links of a node of the file to some others.
class light_links {
public:
  /// Null, with a line of the log, if the node's bundle or address cannot be used.
  static std::unique_ptr<light_links> open(caf::actor_system& system,
                                           const topology::cluster& cluster, const node_id& name,
                                           std::vector<node_id> peers,
                                           std::shared_ptr<sockets::io_threads> threads = {});

  links::node_links& links() { return *links_; }
  random_source& random() { return *random_; }
  std::uint64_t incarnation() const { return incarnation_; }
  bool start() { return static_cast<bool>(links_->start()); }

private:
  std::unique_ptr<metrics> counts_;
  std::unique_ptr<random_source> random_;
  std::shared_ptr<links::identity> identity_;
  std::unique_ptr<links::tls_wire_port> wires_;
  std::unique_ptr<links::node_links> links_;
  std::uint64_t incarnation_ = 0;
};

class light_node {
public:
  using listener = std::function<void(const std::string& key, std::uint64_t tick)>;

  /// `heard`: of each change that has taken effect in the near cache; any thread of the actors.
  static std::unique_ptr<light_node> start(caf::actor_system& system,
                                           const topology::cluster& cluster, const node_id& name,
                                           std::shared_ptr<sockets::io_threads> threads,
                                           listener heard);

  const cache_subscriber_shell& subscriber() const { return subscriber_; }

private:
  std::unique_ptr<light_links> links_;
  near_cache_shell cache_;
  cache_subscriber_shell subscriber_;
};

}  // namespace dunlin::fanout
