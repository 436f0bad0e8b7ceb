/// NODE: all roles of one node of a topology, spawned and wired; the one place that knows every
/// role. The same assembly runs in a process of its own (run_node), and several in one process on
/// virtual time (apps/testkit): only the ports differ (decision 2).
#pragma once

#include "actors/admission/balance_recorder.hpp"
#include "actors/admission/leg_table.hpp"
#include "actors/admission/load_source.hpp"
#include "actors/balance_source/balance_source.hpp"
#include "actors/near_cache/cache_event.hpp"
#include "apps/assembly/cluster_files.hpp"
#include "apps/assembly/message_loss.hpp"
#include "messages/balance.hpp"
#include "messages/cache_control.hpp"
#include "messages/coherence.hpp"
#include "messages/near_cache.hpp"
#include "messages/node.hpp"
#include "messages/partition.hpp"
#include "runtime/clock.hpp"
#include "runtime/disk/disk.hpp"
#include "runtime/http/client_traffic.hpp"
#include "runtime/http/exchange.hpp"
#include "runtime/links/bulk/bulk.hpp"
#include "runtime/links/identity.hpp"
#include "runtime/links/wire.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/sockets/stream_port.hpp"
#include "runtime/storage/kv_store.hpp"
#include "runtime/topology/topology.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace dunlin::raft {
class raft_core;
struct ready;
}  // namespace dunlin::raft
namespace dunlin::extents {
class extent_store;
}

namespace dunlin::assembly {

/// The outside world of one node. All outlive the node.
struct node_ports {
  disk& storage;
  links::wire_port& wires;
  links::bulk_port& bulk;
  links::identity& identity;
  http::entry* s3 = nullptr;  ///< null: no S3 here, whatever the roles say
  std::shared_ptr<const wall_clock> clock;
  std::shared_ptr<random_source> random;
  std::shared_ptr<metrics> counts;

  // Of connections that are balanced (docs/decisions/0015).
  sockets::stream_port* clients = nullptr;  ///< of a balancer; null: no balancer here
  sockets::stream_port* legs = nullptr;     ///< from where a balancer dials access nodes
  std::shared_ptr<leg_table> book;          ///< of the entry's legs; null: none come here
  std::shared_ptr<load_source> load;        ///< with `book`: what this node's resources do
  std::shared_ptr<const http::client_traffic> direct;  ///< of the entry's own clients; null: none
  std::shared_ptr<balance_recorder> recorder;          ///< null: nothing is recorded
  /// Where a node that joins while this one runs is to be found; before it is dialled. Null: the
  /// ports find every node.
  std::function<void(const topology::node&)> learn;
};

/// Sizes and times that no topology file sets. Zero: the part's own default. Small ones let seconds
/// of virtual time pass through what takes days in production.
struct node_tuning {
  std::size_t commit_entries_max = 0;  ///< applied entries in one transaction of a store
  std::size_t entry_bytes_max = 0;     ///< of one log entry
  std::size_t inflight_bytes_max = 0;  ///< appends on the way to one follower
  std::size_t inflight_messages_max = 0;
  std::uint64_t laggard_bytes_max = 0;     ///< of log kept for voters that lag
  std::uint64_t snapshot_piece_bytes = 0;  ///< of a snapshot on the bulk link, and of its making
  std::uint32_t state_log_pages = 0;       ///< of a state's own log before it is started over
  std::chrono::milliseconds client_lifetime{0};  ///< unheard of: its answers are forgotten
  std::uint64_t extent_bytes_max = 0;            ///< at least one page
  std::chrono::milliseconds collect_interval{0};
  std::chrono::milliseconds garbage_grace{0};
  std::chrono::milliseconds sweep_interval{0};
  std::chrono::seconds orphan_age{0};
};

struct node_options {
  bool own_threads = true;  ///< for actors that wait for the disk; false on virtual time
  /// Of applied log between two checkpoints of a partition; 0: the replica's default.
  std::uint64_t checkpoint_bytes = 0;
  node_tuning tuning;
  /// At most; 2 % of the disk where that is less (ballast.hpp).
  std::uint64_t ballast_bytes_max = 16u << 20;
  /// A secret of the cluster: balancers tell access nodes who a client is by a hash with it.
  std::string client_key;
  std::optional<credentials> seed;    ///< root's keys: nodes that have them may seed the cluster
  std::vector<std::string> warnings;  ///< shown in the status
  /// A role died or the log failed: the node must stop (decision 0003). On a thread of the actors.
  std::function<void(const std::string& role, const std::string& reason)> on_fatal;
  /// Sees every replica's core after each step, and what it wants done; for simulation.
  std::function<void(partition_id, const raft::raft_core&, const raft::ready&)> observer;
  /// See the states that this life has opened; for simulation, whose one thread may look inside.
  std::function<void(partition_id, std::shared_ptr<kv_store>)> opened_state;
  std::function<void(std::shared_ptr<extents::extent_store>)> opened_pages;
  /// Sees the near caches of this life, by service (messages/services.hpp) and type; for
  /// simulation, whose checkers ask them.
  std::function<void(std::uint64_t service, const std::string& type, const near_cache_actor&)>
      opened_cache;
  /// Sees the node's router; for those who measure, and ask and write as its services do.
  std::function<void(const partition_router_actor&)> opened_router;
  /// Hears of each change that has taken effect in a near cache of the S3 service; for
  /// measurements. Any thread of the actors; must not block.
  std::function<void(const std::string& type, const std::string& key, std::uint64_t tick)> heard;
  /// Hears of each answer and write of the node's near caches; for simulation, whose checkers judge
  /// them.
  std::function<void(std::uint64_t service, const std::string& type, const cache_event&)>
      watch_caches;
};

/// Who places connections on a node, as far as it has the roles; others are null.
struct balance_roles {
  partition_router_actor router;  ///< through which settings are changed; never null
  balance_source_actor source;
  admission_actor admission;
  balancer_actor balancer;
};

class node {
public:
  /// Starts what `name` is in the topology. Damaged or foreign files are an error, logged with the
  /// file's name.
  static result<std::unique_ptr<node>> start(caf::actor_system& system, const topology::cluster& of,
                                             const node_id& name, node_ports ports,
                                             node_options options);

  /// Stops if nobody did.
  virtual ~node() = default;

  virtual node_manager_actor manager() const = 0;
  /// Of any node, this one too; a question fails while it is not connected. Null: no such node.
  virtual node_manager_actor manager_of(const node_id& name) const = 0;
  /// Reaches the near caches of every service.
  virtual cache_control_actor caches() const = 0;
  /// Knows how stale what they served was; null: nobody measures.
  virtual coherence_sampler_actor sampler() const = 0;
  virtual balance_roles balance() const = 0;
  virtual std::uint64_t incarnation() const = 0;

  /// A node that joins the cluster while this one runs: linked from now on, and used if it is an
  /// access node (F1, B13). ec::refused: it has other roles than access and balancer, or its name
  /// is another node's. One that is known already changes nothing.
  virtual result<void> add_node(const topology::node& joined) = 0;
  /// Those of the topology, and those that have joined since.
  virtual std::vector<topology::node> nodes() const = 0;

  /// What it loses on purpose; as the topology says at first.
  virtual std::shared_ptr<message_loss> loss() const = 0;

  /// The status says draining, and leaders of this node hand their partitions over. Requests are
  /// still served: the HTTP entry's owner ends them at their boundaries.
  virtual void begin_drain() = 0;

  /// The balancer takes no new clients and lets idle ones go; the access node gives all its legs
  /// away (B11). `done` is called once, on any thread, when the legs are gone or `within` is over.
  virtual void drain_connections(std::chrono::milliseconds within, std::function<void()> done) = 0;
  /// Clients of this node's balancer that are still there; drain_lines() closes the idle ones.
  virtual std::size_t lines() const = 0;
  virtual void drain_lines() = 0;

  /// Ends every actor of the node. What was acknowledged is on disk at any time: nothing is
  /// flushed.
  virtual void stop() = 0;
};

}  // namespace dunlin::assembly
