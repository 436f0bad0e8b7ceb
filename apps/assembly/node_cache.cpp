// Message queues and near caches: who announces to whom, who hears, within which bounds.
#include "apps/assembly/node_parts.hpp"
#include "messages/cache_types.hpp"
#include "messages/services.hpp"

#include <algorithm>
#include <set>

namespace dunlin::assembly {

namespace {

using topology::role;

using type_names = std::set<std::string, std::less<>>;

/// What the services of a node look up, by the number of the service (Q4, Q16).
std::map<std::uint64_t, type_names> services_of(const topology::cluster& of,
                                                const topology::node& node) {
  std::map<std::uint64_t, std::set<std::string_view>> wanted;
  if (node.roles.contains(role::access)) {
    wanted[services::s3] = {cached::user, cached::bucket, cached::policy, cached::object,
                            cached::cluster_map};
    wanted[services::management] = {cached::user, cached::bucket, cached::policy};
  }
  // Balancers follow the settings that the map carries (B13).
  if (node.roles.contains(role::storage) || node.roles.contains(role::balancer))
    wanted[services::background] = {cached::cluster_map};
  const auto queues = !of.nodes_with(role::queue).empty();
  std::map<std::uint64_t, type_names> all;
  for (const auto& [service, types] : wanted) {
    auto& into = all[of.options.caches_shared ? services::all : service];
    for (const auto type : types)
      // Nobody tells of a new map: the router's copy, which it renews when it goes wrong, is as
      // good.
      if (find_cached_type(type) && (queues || type != cached::cluster_map)) into.emplace(type);
  }
  std::erase_if(all, [](const auto& one) { return one.second.empty(); });
  return all;
}

/// Where nobody tells of changes each look is one at the leader; a user may be as old as the bound.
topology::cache_settings settings_of(const topology::cluster& of, const std::string& type) {
  auto settings = of.options.caches.at(type);
  if (of.nodes_with(role::queue).empty() && type != cached::user) settings.validated = true;
  return settings;
}

std::function<message_queue_actor(const node_id&)> queue_at(const node_context& of) {
  return [links = of.links](const node_id& node) {
    return links->at<message_queue_actor>(node, "message_queue");
  };
}

template <class Message>
message_queue_options::tell tell_subscriber(const node_context& of) {
  return [links = of.links](const queue::subscriber_key& to, const buffer& bytes) {
    links->tell<cache_subscriber_actor, Message>(to.node, "cache_subscriber", to.service, bytes);
  };
}

std::vector<raft::entry> to_entries(std::vector<wal::entry> from) {
  std::vector<raft::entry> made;
  made.reserve(from.size());
  for (auto& one : from)
    made.push_back(
        {one.term, one.index, static_cast<raft::entry_kind>(one.kind), std::move(one.data)});
  return made;
}

near_cache_parameters parameters_of(const topology::cache_settings& from) {
  near_cache_parameters made;
  made.mode = from.validated ? cache_mode::validated : cache_mode::bounded;
  made.time_to_live = from.time_to_live;
  made.staleness_max = from.staleness_max;
  made.items_max = from.items_max;
  made.bytes_max = from.bytes_max;
  made.carry_values = from.values;
  made.mirror = from.mirror;
  made.invalidation_interval = from.invalidation_interval;
  return made;
}

cache_update::options subscriber_limits(const topology::queue_settings& from) {
  cache_update::options limits;
  limits.stamp_interval = std::max(from.news_interval / 2, std::chrono::milliseconds(1));
  limits.silence_max = std::max(limits.silence_max, 4 * from.news_interval);
  return limits;
}

cache_subscriber_shell start_subscriber(const node_context& of, const cache_part& made) {
  cache_subscriber_options options;
  options.node = of.self.name;
  options.service = services::all;
  options.incarnation = of.incarnation;
  options.queues = of.cluster.nodes_with(role::queue);
  options.find = queue_at(of);
  std::set<caf::actor_id> short_turns;
  for (const auto& [service, caches] : made.services)
    for (const auto& [type, cache] : caches) {
      options.caches.emplace(type, cache);
      short_turns.insert(cache.id());
    }
  options.limits = subscriber_limits(of.cluster.options.queue);
  options.acknowledge = [links = of.links, loss = of.loss](const node_id& queue,
                                                           const v1::BatchAck& said) {
    if (!loss->takes_ack()) links->tell<message_queue_actor>(queue, "message_queue", 0, said);
  };
  options.random = of.ports.random.get();
  auto subscriber = of.system.spawn(cache_subscriber, std::move(options));
  short_turns.insert(subscriber.id());
  of.links->serve("cache_subscriber", services::all, cache_subscriber_actor(subscriber),
                  std::move(short_turns));
  of.links->on_peer([subscriber](const links::peer_event& event) {
    caf::anon_send(subscriber, queue_peer{event.node, event.up});
  });
  return subscriber;
}

/// Where nobody tells of changes nothing is promised that could be measured.
coherence_sampler_actor start_sampler(const node_context& of,
                                      const partition_router_actor& router) {
  const auto a_second = of.cluster.options.cache_samples_a_second;
  if (a_second == 0 || of.cluster.nodes_with(role::queue).empty()) return {};
  coherence_sampler_options options;
  options.router = router;
  options.limits.a_second = a_second;
  if (of.options.watch_caches)
    options.watch = [watch = of.options.watch_caches](const sample_judged& what) {
      watch(what.sample.service, what.sample.type, what);
    };
  return of.system.spawn(coherence_sampler, std::move(options));
}

}  // namespace

queue::options queue_limits(const node_context& of) {
  const auto& from = of.cluster.options.queue;
  queue::options limits;
  // The log is the partitions' too: what nobody takes must not fill it.
  limits.spool_bytes_max =
      std::min<std::size_t>(limits.spool_bytes_max, of.cluster.options.wal_bytes_max / 16);
  limits.window = from.window;
  limits.attempts_max = from.attempts;
  limits.time_to_live = from.time_to_live;
  limits.news_interval = from.news_interval;
  limits.news_age_max = std::max(limits.news_age_max, 4 * from.news_interval);
  return limits;
}

message_queue_shell start_queue(const node_context& of, const partition_router_actor& router,
                                log_part& log) {
  message_queue_options options;
  options.self = of.self.name;
  options.incarnation = of.incarnation;
  options.limits = queue_limits(of);
  for (partition_id id = 0; id <= of.cluster.options.partitions; ++id)
    options.partitions.push_back(id);
  options.spool = std::move(log.spool);
  options.append = [writer = log.writer](const log_client_actor& from, std::uint64_t token,
                                         std::vector<wal::entry> entries) {
    log_append step;
    step.from = from;
    step.group = queue::spool_group;
    step.token = token;
    step.entries = to_entries(std::move(entries));
    caf::anon_send(writer, std::move(step));
  };
  options.compact = [writer = log.writer](std::uint64_t position) {
    caf::anon_send(writer, log_compact{queue::spool_group, position, queue::spool_term});
  };
  options.tell_batch = [tell = tell_subscriber<v1::CacheBatch>(of), loss = of.loss](
                           const queue::subscriber_key& to, const buffer& bytes) {
    if (!loss->takes_batch()) tell(to, bytes);
  };
  options.tell_news = tell_subscriber<v1::QueueNews>(of);
  options.router = router;
  auto queue = of.system.spawn(message_queue, std::move(options), of.ports.clock.get());
  // Acknowledgements are many, and take a microsecond each.
  of.links->serve("message_queue", 0, message_queue_actor(queue), {queue.id()});
  of.links->on_peer([queue](const links::peer_event& event) {
    if (!event.up) caf::anon_send(queue, queue_peer_lost{event.node});
  });
  return queue;
}

const near_caches& cache_part::of(std::uint64_t service) const {
  static const near_caches none;
  auto found = services.find(service);
  if (found == services.end()) found = services.find(services::all);
  return found == services.end() ? none : found->second;
}

near_cache_actor cache_part::of(std::uint64_t service, std::string_view type) const {
  const auto& caches = of(service);
  const auto found = caches.find(type);
  return found == caches.end() ? near_cache_actor() : near_cache_actor(found->second);
}

near_caches start_caches(const node_context& of, const partition_router_actor& router,
                         const coherence_sampler_actor& sampler, std::uint64_t service,
                         const std::set<std::string, std::less<>>& types) {
  near_caches made;
  for (const auto& type : types) {
    near_cache_options options;
    options.type = find_cached_type(type);
    options.service = service;
    options.parameters = parameters_of(settings_of(of.cluster, type));
    options.router = router;
    options.sampler = sampler;
    // So that one that is much asked does not take all of the node's samples.
    options.samples_a_second = (of.cluster.options.cache_samples_a_second + 3) / 4;
    // Those who measure want each change once.
    if (of.options.heard && (service == services::s3 || service == services::all))
      options.heard = [heard = of.options.heard, type](const std::string& key, std::uint64_t tick) {
        heard(type, key, tick);
      };
    if (of.options.watch_caches)
      options.watch = [watch = of.options.watch_caches, service, type](const cache_event& event) {
        watch(service, type, event);
      };
    made.emplace(type, of.system.spawn(near_cache, std::move(options)));
  }
  return made;
}

cache_part start_caches(const node_context& of, const partition_router_actor& router) {
  cache_part made;
  const auto wanted = services_of(of.cluster, of.self);
  if (!wanted.empty()) made.sampler = start_sampler(of, router);
  for (const auto& [service, types] : wanted)
    made.services.emplace(service, start_caches(of, router, made.sampler, service, types));
  if (!made.services.empty() && !of.cluster.nodes_with(role::queue).empty())
    made.subscriber = start_subscriber(of, made);
  return made;
}

announcing_options announcing_of(const node_context& of) {
  announcing_options options;
  options.queues = of.cluster.nodes_with(role::queue);
  options.find = queue_at(of);
  options.counts = of.ports.counts;
  options.time_to_live_ms =
      static_cast<std::uint32_t>(of.cluster.options.queue.time_to_live.count());
  // A queue that was left alone for a window passes the next row on at once: going from one to the
  // next within a window makes rows wait less, and still gathers those of one commit.
  options.limits.interval =
      std::max(of.cluster.options.queue.window / 4, std::chrono::milliseconds(1));
  for (const auto& node : of.cluster.nodes)
    for (const auto& [service, types] : services_of(of.cluster, node))
      options.types.insert(types.begin(), types.end());
  for (const auto& type : options.types)
    if (of.cluster.options.caches.at(type).values) options.carried.insert(type);
  return options;
}

}  // namespace dunlin::assembly
