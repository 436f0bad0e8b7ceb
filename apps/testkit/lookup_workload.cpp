#include "apps/testkit/lookup_workload.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <variant>

namespace dunlin::testkit {

using namespace std::chrono_literals;

lookup_workload::lookup_workload(virtual_cluster& cluster, lookup_options options)
    : cluster_(cluster), options_(options), random_(cluster.seed() + 717) {
  cluster_.on_cache_event([this, alive = alive_](const lookup_watch::cache& where,
                                                 const cache_event& what) {
    if (!*alive) return;
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(cluster_.time().now());
    watch_.observe(now, where, what);
    if (const auto* begun = std::get_if<cache_begin_write>(&what)) burst(where.type, begun->key);
  });
}

void lookup_workload::burst(const std::string& type, const std::string& key) {
  if (options_.bursts == 0 || cluster_.time().now() < next_burst_) return;
  --options_.bursts;
  next_burst_ = cluster_.time().now() + options_.pause;
  if (random_() % 2 == 0) hold_up_answers();
  // Most while the write is on its way; some when the caches' bounds are over, which must find what
  // is held as it is: the leader would put it right.
  for (const auto& node : cluster_.nodes())
    for (const auto most : {2ms, 5ms, 10ms, 20ms, 40ms, 80ms, 800ms, 2000ms, 4000ms, 8000ms}) {
      const std::chrono::milliseconds wait(random_() % static_cast<std::uint64_t>(most.count()));
      const auto confirmed = most < 100ms && random_() % 3 == 0;
      cluster_.time().events().after(wait, [this, alive = alive_, node, type, key, confirmed] {
        if (*alive) look(node, type, key, confirmed);
      });
    }
}

void lookup_workload::hold_up_answers() {
  const auto nodes = cluster_.nodes();
  const auto leader = std::find_if(nodes.begin(), nodes.end(),
                                   [&](const node_id& name) { return cluster_.leads(name, 0); });
  const auto& victim = nodes[random_() % nodes.size()];
  if (leader == nodes.end() || victim == *leader) return;
  cluster_.network().cut(*leader, victim);
  const std::chrono::milliseconds length(20 + random_() % 280);
  cluster_.time().events().after(length, [this, alive = alive_, from = *leader, victim] {
    if (*alive) cluster_.network().heal(from, victim);
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
