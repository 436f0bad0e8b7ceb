/// COHERENCE STATUS: what a node's admin listener answers to GET /coherence: how right its near
/// caches are kept, and by what its message queue does (X2, docs/decisions/0011). Shared by the
/// node and the command line. Figures are by name; a name that ends in "_total" counts.
/// {"name","queue":{"incarnation","figures":{…},"backlogs":[{"node","service","rows","in_flight",
///  "silent_ms"}]}|null,"subscribers":[{"service","subscribed":[…],"figures":{…}}],
///  "caches":[{"service","type","mode","figures":{…}}],"announcer":{…}}
/// A figure with labels is an object: {"deaths_total":{"expiry":1}}.
#pragma once

#include "messages/vocabulary.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::assembly {

/// By name, then by label; "" where there is none.
using figures = std::map<std::string, std::map<std::string, std::uint64_t>>;

/// 0 if it is not there; of all labels together.
std::uint64_t sum_of(const figures& all, const std::string& name);

struct queue_backlog {
  node_id node;
  std::uint64_t service = 0;
  std::uint64_t rows = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t silent_ms = 0;
};

struct queue_coherence {
  std::uint64_t incarnation = 0;
  figures count;
  std::vector<queue_backlog> backlogs;
};

struct subscriber_coherence {
  std::uint64_t service = 0;
  std::vector<node_id> subscribed;
  figures count;
};

struct cache_coherence {
  std::uint64_t service = 0;
  std::string type;
  std::string mode;
  figures count;
};

struct coherence_status {
  node_id name;
  std::optional<queue_coherence> queue;  ///< none: not of the role
  std::vector<subscriber_coherence> subscribers;
  std::vector<cache_coherence> caches;
  figures announcer;  ///< of the partitions that the node leads, what is the case now by partition
};

std::string to_json(const coherence_status& status);

/// ec::bad_message if it is no such JSON; what is unknown is passed over, what is missing is empty.
result<coherence_status> parse_coherence_status(std::string_view json);

/// The figures as Prometheus text: dunlin_queue_*, dunlin_cache_*, with the labels service and
/// type. Those of announcers are metrics of the node anyway.
std::string to_metrics(const coherence_status& status);

}  // namespace dunlin::assembly
