/// TOPOLOGY: a cluster as its file describes it (U1, decision 21), read into plain structs. The
/// file seeds an empty cluster and names each node's own addresses and folders.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/balance/settings.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dunlin::topology {

enum class role : std::uint8_t { database, storage, access, queue, balancer };
/// In the enum's order.
inline constexpr std::array all_roles{role::database, role::storage, role::access, role::queue,
                                      role::balancer};
std::string_view to_string(role which);

struct endpoint {
  std::string host;  ///< numeric address or name
  std::uint16_t port = 0;
  std::string text() const;  ///< "127.0.0.1:7101", "[::1]:7101"
  bool loopback() const;
};

struct node {
  node_id name;
  std::set<role> roles;
  endpoint control;                    ///< peer links
  endpoint bulk;                       ///< object bytes
  endpoint admin;                      ///< HTTP+JSON, bearer token
  std::optional<endpoint> s3;          ///< access nodes only: clients that no balancer places
  std::optional<endpoint> balancer;    ///< balancers only: their clients (B1)
  std::optional<endpoint> leg;         ///< access nodes only: what balancers have placed
  double capacity = 1;                 ///< of an access node, in unit nodes (B2)
  std::string peer_group = "default";  ///< of an access node: who exchanges levels (B8)
  std::string rack = "default";
  std::uint64_t network_per_second = 1u << 30;  ///< bytes to and from clients
  std::string folder;  ///< absolute after reading; relative ones start at the file's folder
};

/// Of the near caches of one type (docs/decisions/0011).
struct cache_settings {
  bool validated = false;  ///< every read asks the leader; else what is proved is served
  std::chrono::milliseconds time_to_live{300'000};
  std::chrono::milliseconds staleness_max{1'000};  ///< unless validated
  std::uint32_t items_max = 20'000;
  std::uint64_t bytes_max = 64u << 20;
  bool values = true;   ///< changes carry the item as it is now
  bool mirror = false;  ///< all items are held, not only those that were asked for (Q22)
  std::chrono::milliseconds invalidation_interval{0};  ///< drops all this often (Q23); 0: never
};

/// By type (messages/cache_types.hpp): every one that a file may speak of is there.
using cache_table = std::map<std::string, cache_settings, std::less<>>;
cache_table default_caches();

/// Of the message queues.
struct queue_settings {
  std::chrono::milliseconds window{20};            ///< changes of one go out together
  std::uint32_t attempts = 3;                      ///< to tell a subscriber that is not heard
  std::chrono::milliseconds time_to_live{60'000};  ///< of a change in a queue
  std::chrono::milliseconds news_interval{250};    ///< leaders are asked so often what is newest
};

/// What goes wrong on purpose, for trials.
struct fault_settings {
  double cache_update_loss = 0;  ///< of the messages between queues and subscribers, this fraction
};

struct settings {
  std::string name;    ///< of the cluster, checked in every hello
  std::string folder;  ///< absolute: CA, bundles, credentials, run files; node folders by default
  std::string region = "us-east-1";
  bool plain_transport = false;  ///< no TLS between nodes: loopback benchmarks only
  bool s3_insecure = false;      ///< plain S3 on addresses other than loopback
  std::string s3_certificate;    ///< PEM file, chain included; absolute; empty: S3 without TLS
  std::string s3_key;            ///< PEM file; absolute

  std::uint32_t partitions = 3;          ///< besides the root partition
  std::uint32_t partition_replicas = 3;  ///< odd; root has as many
  std::uint32_t replica_sets = 64;
  std::uint32_t object_replicas = 3;
  std::uint32_t write_quorum = 2;  ///< a majority of the replicas by default

  std::chrono::milliseconds heartbeat{200};
  std::chrono::milliseconds election{1000};
  std::uint64_t wal_segment_bytes = 16u << 20;
  std::uint64_t wal_bytes_max = 1ull << 30;
  std::uint32_t page_bytes = 1u << 20;
  std::uint32_t requests_max = 256;             ///< S3 requests in flight at one access node
  std::uint32_t connections_max = 1024;         ///< S3 connections at one access node
  std::uint64_t object_bytes_max = 5ull << 30;  ///< one PUT or part

  cache_table caches = default_caches();
  bool caches_shared = false;                 ///< by all services of a node: one cache of each type
  std::uint32_t cache_samples_a_second = 20;  ///< of a node, to measure staleness (X2); 0: none
  queue_settings queue;
  balance::settings balance;  ///< of connections (B13); live changes lie over it
  fault_settings faults;
};

struct cluster {
  /// "http" or "https": how clients reach S3.
  std::string s3_scheme() const { return options.s3_certificate.empty() ? "http" : "https"; }

  std::string file;  ///< where it was read
  settings options;
  std::vector<node> nodes;  ///< in file order
  const node* find(const node_id& name) const;
  std::vector<node_id> nodes_with(role which) const;  ///< in file order
  bool balanced() const;                              ///< some node is a balancer

  /// Seed placement, the same on every node: which nodes hold a partition (0 = root) or a replica
  /// set.
  std::vector<node_id> partition_nodes(partition_id id) const;
  std::vector<node_id> replica_set_nodes(std::uint32_t set) const;
};

/// One mistake of a file, with the mend.
struct mistake {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string text;  ///< "unknown role 'databse'"
  std::string mend;  ///< "did you mean 'database'?"
  std::string render()
      const;  ///< "laptop.toml:4:9: unknown role 'databse'; did you mean 'database'?"
};

struct outcome {
  std::optional<cluster> read;    ///< set if there is no mistake
  std::vector<mistake> mistakes;  ///< all of them, in file order
};

outcome read_file(const std::string& path);
outcome read_text(const std::string& text, const std::string& path);

}  // namespace dunlin::topology
