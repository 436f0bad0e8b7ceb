/// SIMULATED NETWORK: the wire and bulk ports of every node of a virtual cluster, in one thread and
/// virtual time (decision 2). All faults come from one seed or from a verb below; the same calls
/// give the same history.
///
/// Wires are streams: they keep order and lose nothing while they stand, so a lost packet shows as
/// a stall, and a cut as a silence that ends with what was sent before. Order holds on one
/// connection only; different ones overtake each other.
///
/// TCP and TLS promise that much, but no layer above the greeting needs it: Raft takes messages in
/// any order, calls go by their ids, commands by their stamps, pages by their names. An adversary
/// proves it: `dropped`, `repeated` and `overtaken` take single frames out of a stream that stands.
/// Each direction's first two frames are exempt (hello and proof): a greeting is a sequence, and
/// whoever breaks it is refused as a stranger (link_core.hpp), which the other faults show as well.
#pragma once

#include "runtime/links/bulk/bulk.hpp"
#include "runtime/links/wire.hpp"
#include "runtime/simulation/event_loop.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <unordered_map>
#include <vector>

namespace dunlin::simulation {

struct network_faults {
  std::chrono::microseconds delay_min{100};
  std::chrono::microseconds delay_max{500};
  std::uint32_t lost_per_million = 0;  ///< packets: the stream stalls for `retransmit`
  std::chrono::milliseconds retransmit{200};
  std::uint32_t broken_per_million = 0;  ///< frames and exchanges that break their connection
  std::uint64_t bytes_per_second = 0;    ///< of one connection; 0: the options' bound

  // The adversary: frames after the greeting, and exchanges.
  std::uint32_t dropped_per_million = 0;    ///< never arrive; of exchanges, request or answer
  std::uint32_t repeated_per_million = 0;   ///< arrive again after at most overtake_max
  std::uint32_t overtaken_per_million = 0;  ///< arrive later, by at most overtake_max, than others
  std::chrono::milliseconds overtake_max{300};
};

struct network_options {
  std::chrono::milliseconds connect_timeout{3000};
  std::size_t unsent_bytes_max = 64u << 20;  ///< per wire and direction
  std::size_t exchanges_max = 256;           ///< open bulk exchanges from one node to another
  std::uint64_t bytes_per_second = 0;        ///< of one connection; 0: no limit
};

/// What happened so far.
struct network_counts {
  std::uint64_t dials = 0;
  std::uint64_t dials_failed = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_delivered = 0;
  std::uint64_t frames_refused = 0;  ///< the bound on unsent bytes, or a closed wire
  std::uint64_t packets_lost = 0;    ///< each a stall
  std::uint64_t wires_broken = 0;
  std::uint64_t exchanges = 0;
  std::uint64_t exchanges_failed = 0;
  std::uint64_t dropped = 0;  ///< by the adversary, as are the next two
  std::uint64_t repeated = 0;
  std::uint64_t overtaken = 0;
  bool operator==(const network_counts&) const = default;
};

class sim_streams;

class sim_network {
public:
  sim_network(event_loop& loop, std::uint64_t seed, network_options options = {});
  ~sim_network();

  /// The ports of a node, for ever the same objects; a node that restarts listens and serves anew.
  links::wire_port& wires(const node_id& node);
  links::bulk_port& bulk(const node_id& node);
  /// Byte streams, of the nodes and of clients (sim_stream.hpp).
  sim_streams& streams();
  /// Drops them all, and who waits for them, before what they stand on goes.
  void end_streams();

  /// What wires show as the node's certificate; none by default, as on plain wires.
  void set_certificate(const node_id& node, std::string der);

  // ---- faults ----
  void set_faults(const network_faults& faults) { faults_ = faults; }
  const network_faults& faults() const { return faults_; }
  /// Adds to every delay from and to the node; zero: as the others.
  void slow(const node_id& node, std::chrono::microseconds extra);
  /// Nothing passes in this direction until it is healed.
  void cut(const node_id& from, const node_id& to);
  void cut_both(const node_id& a, const node_id& b);
  /// Nothing passes between the two sides, in either direction.
  void split(const std::set<node_id>& side, const std::set<node_id>& other);
  void heal(const node_id& from, const node_id& to);
  void heal_all();
  /// Every wire and stream between the two breaks, as after a reset; they may dial again.
  void break_wires(const node_id& a, const node_id& b);
  /// The node is gone: it hears and says nothing more, until it listens again. Silent: as when the
  /// power fails, peers notice by their pings only; else the connections are reset.
  void crash(const node_id& node, bool silent = false);

  /// The node stands still: what arrives waits outside of it, and it cannot be dialled.
  void pause(const node_id& node);
  void resume(const node_id& node);

  /// Hears of every frame and exchange, where it arrives.
  void set_trace(std::function<void(const node_id& where, const std::string& what)> sink) {
    trace_ = std::move(sink);
  }

  const network_counts& counts() const { return counts_; }
  /// Wires that both ends hold open.
  std::size_t open_wires() const;

private:
  friend class sim_streams;
  struct connection;
  class sim_wire;
  class node_wires;
  class node_bulk;
  struct node;

  node& at(const node_id& name);
  bool is_cut(const node_id& from, const node_id& to) const;
  bool happens(std::uint32_t per_million);
  event_loop::time delay(const node_id& from, const node_id& to, std::size_t bytes);
  event_loop::time overtake();
  /// Now, or once the node goes on.
  void when_awake(const node_id& name, std::function<void()> what);

  // wires
  void dial(const node_id& from, const node_id& to,
            std::function<void(result<links::wire_ptr>)> done);
  void connect(const node_id& from, const node_id& to, std::uint64_t from_life,
               std::function<void(result<links::wire_ptr>)> done);
  bool send(const std::shared_ptr<connection>& line, int side, buffer frame);
  void close(const std::shared_ptr<connection>& line, int side);
  void schedule(const std::shared_ptr<connection>& line, int side, std::size_t bytes);
  void deliver(const std::shared_ptr<connection>& line, int side);
  /// What the adversary does to a frame; false: nothing, it goes its way.
  bool disturb(const std::shared_ptr<connection>& line, int side, const buffer& frame);
  void deliver_late(const std::shared_ptr<connection>& line, int side, const buffer& frame);
  void hand_over(const std::shared_ptr<connection>& line, int side, const std::string& frame);
  bool waits(const connection& line, int side);
  void wake(const std::shared_ptr<connection>& line, int side);
  void reset(const std::shared_ptr<connection>& line, bool tell_dead_side);
  std::vector<std::shared_ptr<connection>> lines() const;

  // bulk
  struct exchange_state;
  void exchange(const node_id& from, const node_id& to, links::bulk_message request,
                std::chrono::milliseconds timeout,
                std::function<void(result<links::bulk_message>)> done);
  void send(const std::shared_ptr<exchange_state>& open);
  void arrive(const std::shared_ptr<exchange_state>& open, links::bulk_message request);
  void answer(const std::shared_ptr<exchange_state>& open, links::bulk_message reply);
  void finish(const std::shared_ptr<exchange_state>& open, result<links::bulk_message> outcome);

  event_loop& loop_;
  network_options options_;
  network_faults faults_;
  network_counts counts_;
  std::mt19937_64 random_;
  std::unordered_map<node_id, std::unique_ptr<node>> nodes_;  // looked up at every event
  std::set<std::pair<node_id, node_id>> cuts_;
  std::map<std::uint64_t, std::weak_ptr<connection>> connections_;
  std::uint64_t last_connection_ = 0;
  std::map<std::uint64_t, std::shared_ptr<exchange_state>> exchanges_;
  std::uint64_t last_exchange_ = 0;
  std::function<void(const node_id&, const std::string&)> trace_;
  const std::uint64_t seed_;
  std::shared_ptr<sim_streams> streams_;  // once somebody has asked for them
};

}  // namespace dunlin::simulation
