/// VIRTUAL CLUSTER: the nodes of a topology on one thread and virtual time, from a seed (U4). Same
/// assembly as in production; wires, bulk, disks and clocks are simulated, and either what HTTP
/// carries (exchanges: fast) or what carries it (streams: the entry's own code runs, and clients
/// come with sessions). docs/testing.md.
#pragma once

#include "apps/assembly/node.hpp"
#include "apps/testkit/knobs.hpp"
#include "apps/testkit/lookup_watch.hpp"
#include "apps/testkit/signed_request.hpp"
#include "apps/testkit/virtual_clients.hpp"
#include "apps/testkit/virtual_entry.hpp"
#include "apps/testkit/virtual_front.hpp"
#include "apps/testkit/virtual_load.hpp"
#include "apps/testkit/virtual_time.hpp"
#include "messages/services.hpp"
#include "runtime/disk/extents/extent_store.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/simulation/sim_disk.hpp"
#include "runtime/simulation/sim_http.hpp"
#include "runtime/simulation/sim_identity.hpp"
#include "runtime/simulation/sim_network.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::testkit {

class node_clock;
class raft_watch;

/// A node does not start though nothing is wrong with its power and its disk.
class start_refused : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

class virtual_cluster {
public:
  /// `topology` is the text of a topology file; it must have no mistakes. The rest is as usual, but
  /// for checkpoints: some seeds cut their logs all the time, some never.
  virtual_cluster(std::uint64_t seed, const std::string& topology);
  virtual_cluster(std::uint64_t seed, knobs shape);
  ~virtual_cluster();

  // ---- the world ----
  std::uint64_t seed() const { return seed_; }
  virtual_time& time() { return time_; }
  simulation::sim_network& network() { return network_; }
  simulation::sim_disk& disk(const node_id& name) { return *machines_.at(name).disk; }
  std::vector<node_id> nodes() const;
  /// Those that serve S3.
  std::vector<node_id> access_nodes() const;
  /// One of them that runs; if none does, one that refuses.
  node_id any_access_node(std::mt19937_64& random) const;
  /// The true time of day, which no node's clock need show.
  std::int64_t wall_ms() const;
  std::int64_t wall_ms(const node_id& name) const;

  const topology::cluster& topology() const { return topology_; }
  const knobs& shape() const { return shape_; }

  // ---- verbs ----
  /// False: the power failed on the way, or its disk did; it may be started again. Throws
  /// start_refused if neither did.
  bool start(const node_id& name);
  void start_all();
  /// Power failure: actors end, un-synced bytes are lost by seed, wires break. Silent: peers are
  /// not told by resets.
  void crash(const node_id& name, bool silent = false);
  /// The power fails in the `calls`-th disk call from now.
  void crash_at_call(const node_id& name, std::uint64_t calls);
  bool runs(const node_id& name) const { return machines_.at(name).node != nullptr; }

  /// As SIGSTOP and SIGCONT: no actor of the node runs, what it is sent waits, its timers run out.
  void pause(const node_id& name);
  void resume(const node_id& name);
  bool is_paused(const node_id& name) const;
  /// All its pauses so far.
  std::chrono::nanoseconds stood_still(const node_id& name) const;

  /// The node's clock shows so much more than the true time from now on, and gains on it: a
  /// millionth is a microsecond a second. Zeros: right again.
  void set_clock(const node_id& name, std::chrono::milliseconds ahead,
                 std::int64_t gains_per_million = 0);

  /// Every turn that waits for the disk (a flush of the log or of the extents, a read of a page)
  /// takes so long, until it is zero again.
  void slow_disk(const node_id& name, std::chrono::microseconds a_turn);
  /// So many calls of a million fail with an I/O error, until mend_disk(). The node may end itself,
  /// may not start meanwhile, and its error lines about it are none.
  void break_disk(const node_id& name, std::uint32_t fails_per_million);
  /// The `calls`-th call from now fails, once.
  void fail_disk_call(const node_id& name, std::uint64_t calls);
  /// Others fill the node's disk until so much is free; nothing free means that the node may end.
  void fill_disk(const node_id& name, std::uint64_t leave_free);
  void empty_disk(const node_id& name);
  void mend_disk(const node_id& name);
  /// Somebody has set errors for it that are not over.
  bool disk_may_fail(const node_id& name) const { return disk_fails(machines_.at(name)); }
  /// As `dunlin faults --cache-update-loss`: of what its queue and its subscribers send, until it
  /// ends.
  void lose_cache_updates(const node_id& name, double fraction);
  /// As `dunlin cache`: to the near caches of every service of the node; what became of it.
  caches_changed instruct(const node_id& name, const change_caches& wish);
  /// Every running node says READY, within `limit` of virtual time.
  bool wait_until_ready(std::chrono::seconds limit);

  // ---- what people see ----
  v1::NodeStatus status(const node_id& name);
  /// The node that leads the partition, as a running replica of the highest term says; empty: none.
  node_id leader_of(partition_id partition);
  const credentials& root() const { return root_; }

  /// One signed S3 request through a node. Lives until it has an answer or is cut.
  struct answer {
    int status = 0;  ///< 0: refused, cut, or no answer
    std::string body;
    std::vector<http::header> headers;
    std::chrono::nanoseconds last_try = std::chrono::hours(1);  ///< its length at most
  };
  using on_answer = std::function<void(const answer&)>;
  void send(const node_id& through, const std::string& method, const std::string& path,
            const std::string& query, const std::string& body, on_answer done,
            std::vector<http::header> headers = {});
  /// The same, signed by somebody.
  void send_as(const credentials& who, const node_id& through, const std::string& method,
               const std::string& path, const std::string& query, const std::string& body,
               on_answer done, std::vector<http::header> headers = {});
  /// A PUT whose client sends `first` bytes, and the rest only when `pause` has passed.
  void send_slowly(const node_id& through, const std::string& path, const std::string& body,
                   std::size_t first, std::chrono::milliseconds pause, on_answer done,
                   std::vector<http::header> headers = {});
  /// A PUT whose client goes away, or falls silent, after the first `sent` bytes of its body.
  void send_broken(const node_id& through, const std::string& path, const std::string& body,
                   std::size_t sent, ec failure, on_answer done);
  /// A command for a partition through the router of a node.
  using on_reply = std::function<void(const result<v1::CommandReply>&)>;
  void execute(const node_id& through, partition_id partition, v1::Command command, on_reply done);
  /// Sends and waits in virtual time.
  answer call(const node_id& through, const std::string& method, const std::string& path,
              const std::string& query = {}, const std::string& body = {},
              std::vector<http::header> headers = {});

  /// The slowest so far, and requests without an answer.
  struct slowest {
    std::chrono::milliseconds took{0};
    std::string request;
  };
  /// Of the try that was answered, where clients try again.
  const slowest& longest_answer() const { return longest_answer_; }
  /// Until the client gave up.
  const slowest& longest_silence() const { return longest_silence_; }
  std::size_t open_requests() const { return open_requests_; }
  /// Requests until now.
  std::uint64_t requests() const { return requests_; }

  /// For a session of a test's own, and where the balancers are.
  simulation::client_request signed_by_root(const std::string& method, const std::string& path,
                                            const std::string& body = {});
  std::vector<sockets::endpoint> balancer_doors() const;
  /// As when the node is asked to stop: its connections go elsewhere.
  void drain(const node_id& name, std::chrono::milliseconds within, std::function<void()> done);

  /// The sessions that requests go through; null: exchanges.
  virtual_clients* clients() { return clients_.get(); }

  // ---- what only a checker sees ----
  /// With streams: what the entries were asked.
  const request_watch& asked() const { return asked_; }
  /// With streams: clients' connections that the node's entry has, legs included.
  std::size_t connections(const node_id& name) const;
  /// Of these, what balancers have placed, and what they are about to.
  leg_table::totals legs(const node_id& name) const;
  /// Clients of the node's balancer.
  std::size_t lines(const node_id& name) const;
  v1::AdmissionStatus admission(const node_id& name);
  v1::BalancerStatus balancer(const node_id& name);
  /// As if a peer had said so.
  void tell_admission(const node_id& name, const v1::PeerIndicators& said);
  /// Hears of each request where it is asked, before it is answered; must not end the node.
  void on_asked(std::function<void(const node_id& where, const http::request& what)> listener) {
    on_asked_ = std::move(listener);
  }
  /// What an access node's resources do.
  virtual_load& load(const node_id& name) { return *machines_.at(name).load; }
  /// Of a running node: its router, and the S3 service's near caches by type.
  struct client_parts {
    node_manager_actor manager;
    partition_router_actor router;
    std::map<std::string, near_cache_actor> caches;
  };
  client_parts parts(const node_id& name) const;
  /// Hears of each change that has taken effect in a near cache.
  void on_heard(std::function<void(const node_id& at, const std::string& type,
                                   const std::string& key, std::uint64_t tick)>
                    listener) {
    on_heard_ = std::move(listener);
  }
  /// Hears of each answer and write of every near cache, of the life that runs.
  void on_cache_event(
      std::function<void(const lookup_watch::cache& where, const cache_event& what)> listener) {
    on_cache_event_ = std::move(listener);
  }
  /// Hears of each replica that begins to lead.
  void on_leader(std::function<void(const node_id& name, partition_id partition)> listener) {
    on_leader_ = std::move(listener);
  }
  /// Whether the node's replica led after its last step. Lets no time pass.
  bool leads(const node_id& name, partition_id partition) const;
  /// What the node's replica has applied, and the node's pages; null: none is open.
  std::shared_ptr<kv_store> state(const node_id& name, partition_id partition);
  std::shared_ptr<extents::extent_store> pages(const node_id& name);
  /// What a near cache of a service of the node answers, served as its mode says; none: no answer.
  std::optional<cache_answer> look_up(const node_id& name, const std::string& type,
                                      const std::string& key, std::uint64_t service = services::s3);

  /// What the node's sampler has found in this life.
  std::vector<staleness> sampled(const node_id& name);

  /// What the node's counter says, over all its lives.
  double counted(const node_id& name, const std::string& counter,
                 const metrics::labels& with = {}) const;

  /// What its gauge shows.
  double shown(const node_id& name, const std::string& gauge) const;

  /// Raft's safety properties, checked after every step of any replica; empty is what a test wants.
  std::vector<std::string> violations() const;

  /// Error lines that the nodes have logged, but for those that a power failure explains.
  const std::vector<std::string>& error_lines() const { return error_lines_; }

  /// Of every line, answer and step of Raft until now: the same seed and verbs, the same number.
  std::uint64_t history() const { return history_; }

  /// Nodes that have ended themselves though neither power nor disk gave them a reason: which, why.
  const std::vector<std::string>& own_ends() const { return own_ends_; }

  /// Hears every log line, request and answer, as a line with its virtual time and its node.
  void on_event(std::function<void(std::string)> listener) { on_event_ = std::move(listener); }
  /// Adds an event of the one who plays with the cluster.
  void tell(std::string_view event) { tell("world", event); }

  /// Besides these every event there is: turns of actors, frames and exchanges, calls of disks,
  /// steps of Raft. The same seed and verbs give the same lines, byte for byte, in any process.
  /// Costs much more than the run: for a seed that has failed once.
  void trace_everything();

private:
  /// `begins`: when the client has sent all that it keeps the cluster waiting for.
  void submit(const node_id& through, simulation::sim_request request, on_answer done,
              std::chrono::milliseconds begins = {});
  struct machine {
    simulation::virtual_time::group group = 0;
    topology::cluster topology;  // as the node's own timers have it
    std::shared_ptr<node_clock> clock;
    std::chrono::microseconds disk_turn{0};
    std::mt19937_64 disk_luck;
    std::uint32_t disk_fails_per_million = 0;
    bool disk_excuses = false;  // error lines and failing starts
    std::chrono::nanoseconds disk_excuses_until{0};
    std::unique_ptr<simulation::sim_disk> disk;
    std::unique_ptr<simulation::sim_identity> identity;
    virtual_entry s3;
    std::unique_ptr<virtual_front> front;                           // with streams, in its place
    std::shared_ptr<sockets::stream_port> line_clients, line_legs;  // of a balancer
    std::shared_ptr<leg_table> book;                                // of the entry's legs
    std::shared_ptr<http::client_traffic> direct;                   // of the entry's own clients
    std::shared_ptr<virtual_load> load;
    http::entry* entry() { return front ? static_cast<http::entry*>(front.get()) : &s3; }
    std::shared_ptr<random_source> random;
    std::shared_ptr<metrics> counts;
    std::unique_ptr<assembly::node> node;
    std::uint64_t life = 1;
    std::chrono::nanoseconds stood_still{0}, still_since{0};
    std::map<partition_id, std::weak_ptr<kv_store>> states;
    std::map<partition_id, bool> leads;
    std::weak_ptr<extents::extent_store> pages;
    std::map<std::pair<std::uint64_t, std::string>, caf::actor_addr> caches;  // service, type
    caf::actor_addr router;
  };
  void power_off(const node_id& name, bool silent);
  void begin_streams();
  void open_streams(const node_id& name);
  void open_front(const node_id& name);
  virtual_clients::doors doors_for(const node_id& through, const http::request& what);
  void submit_over_stream(const node_id& through, simulation::sim_request request,
                          std::function<void(const simulation::client_answer&)> done,
                          std::chrono::milliseconds begins);
  void answered(const std::string& id, std::chrono::nanoseconds begun, const answer& heard,
                const on_answer& done);
  assembly::node_options options_of(const node_id& name);
  void hear(log::level severity, const std::string& line);
  void note(std::string_view what);
  void note(std::uint64_t what);
  bool power_fails() const;
  bool disk_fails(const machine& of) const;
  const machine* current_machine() const;
  const std::string& current_name() const;
  void set_services();
  void set_disk_fault(machine& of);
  void tell(std::string_view where, std::string_view event);
  void trace_turn(caf::scheduled_actor& next);

  bool traces_ = false;  // everything
  std::uint64_t seed_;
  knobs shape_;
  topology::cluster topology_;
  virtual_time time_;
  simulation::sim_network network_;
  credentials root_;
  std::unique_ptr<virtual_clients> clients_;  // with streams
  request_watch asked_;
  std::vector<std::shared_ptr<leg_table>> books_;  // of all lives
  std::map<node_id, machine> machines_;
  std::unique_ptr<raft_watch> watch_;
  std::vector<std::string> error_lines_, own_ends_;
  std::uint64_t requests_ = 0;
  std::size_t open_requests_ = 0;
  slowest longest_answer_, longest_silence_;
  std::uint64_t history_ = 0xcbf29ce484222325ull;
  bool crashing_ = false;
  std::function<void(std::string)> on_event_;
  std::function<void(const node_id&, const std::string&, const std::string&, std::uint64_t)>
      on_heard_;
  std::function<void(const lookup_watch::cache&, const cache_event&)> on_cache_event_;
  std::function<void(const node_id&, partition_id)> on_leader_;
  std::function<void(const node_id&, const http::request&)> on_asked_;
};

}  // namespace dunlin::testkit
