#include "apps/testkit/lookup_workload.hpp"

#include "messages/cache_types.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <variant>

namespace dunlin::testkit {

using namespace std::chrono_literals;

lookup_workload::lookup_workload(virtual_cluster& cluster, lookup_options options)
    : cluster_(cluster), options_(options), random_(cluster.seed() + 717) {
  cluster_.on_cache_event(
      [this, alive = alive_](const lookup_watch::cache& where, const cache_event& what) {
        if (!*alive) return;
        watch_.observe(now(), where, what);
        if (const auto* begun = std::get_if<cache_begin_write>(&what))
          about_to_change(where.type, begun->key);
      });
  cluster_.on_leader([this, alive = alive_](const node_id&, partition_id partition) {
    if (*alive) watch_.leader_changed(now(), partition);
  });
}

void lookup_workload::about_to_change(const std::string& type, const std::string& key) {
  auto& of_type = bursts_[type];
  if (of_type.made >= options_.bursts || cluster_.time().now() < of_type.next) return;
  ++of_type.made;
  of_type.next = cluster_.time().now() + options_.pause;
  const auto held_up = below(2) == 0 ? hold_up_answers(type) : node_id();
  for (const auto& node : cluster_.nodes()) {
    if (node == held_up)
      look_at_once(node, type, key);
    else
      look_often(node, type, key);
    look_late(node, type, key);
  }
}

/// While the write is on its way.
void lookup_workload::look_often(const node_id& at, const std::string& type,
                                 const std::string& key) {
  for (const auto most : {2ms, 5ms, 10ms, 20ms, 40ms, 80ms})
    look_after(within(most), at, type, key, below(3) == 0);
}

/// Before the write has happened, most likely; one that wants to be sure would be answered by a
/// second question, which brings what is.
void lookup_workload::look_at_once(const node_id& at, const std::string& type,
                                   const std::string& key) {
  look_after(0ms, at, type, key, false);
  look_after(within(5ms), at, type, key, false);
}

/// When the caches' bounds are over, which must find what is held as it is: the leader would put it
/// right.
void lookup_workload::look_late(const node_id& at, const std::string& type,
                                const std::string& key) {
  for (const auto most : {800ms, 2000ms, 4000ms, 8000ms})
    look_after(within(most), at, type, key, false);
}

node_id lookup_workload::hold_up_answers(const std::string& type) {
  const auto partitions = cluster_.topology().options.partitions;
  const auto partition =
      type == cached::object ? static_cast<partition_id>(1 + below(partitions)) : partition_id{0};
  const auto nodes = cluster_.nodes();
  const auto leader = std::find_if(nodes.begin(), nodes.end(), [&](const node_id& name) {
    return cluster_.leads(name, partition);
  });
  const auto& victim = nodes[below(nodes.size())];
  if (leader == nodes.end() || victim == *leader) return {};
  cluster_.network().cut(*leader, victim);
  // Longer than a leader waits for a queue that it cannot reach now.
  const std::chrono::milliseconds length(20 + below(480));
  cluster_.time().events().after(length, [this, alive = alive_, from = *leader, victim] {
    if (*alive) cluster_.network().heal(from, victim);
  });
  return victim;
}

void lookup_workload::look_after(time wait, const node_id& at, const std::string& type,
                                 const std::string& key, bool confirmed) {
  cluster_.time().events().after(wait, [this, alive = alive_, at, type, key, confirmed] {
    if (*alive) look(at, type, key, confirmed);
  });
}

void lookup_workload::look(const node_id& through, const std::string& type, const std::string& key,
                           bool confirmed) {
  const auto caches = cluster_.parts(through).caches;
  const auto found = caches.find(type);
  // Whatever comes of it, the watch hears.
  if (found != caches.end() && found->second)
    caf::anon_send(found->second, cache_look_up{key, confirmed, "looker"});
}

}  // namespace dunlin::testkit
