#include "tests/cluster/flood_world.hpp"

#include "messages/cache_types.hpp"
#include "messages/error.hpp"

#include <caf/all.hpp>

namespace dunlin::testkit {

namespace {

using namespace std::chrono_literals;

const std::vector<std::string> types{std::string(cached::bucket), std::string(cached::policy)};

v1::CachedRecord record_of(const std::string& type, const std::string& key, std::uint64_t tick) {
  v1::CachedRecord made;
  if (type == cached::bucket) {
    made.mutable_bucket()->set_name(key);
    made.mutable_bucket()->set_tick(tick);
  } else {
    made.mutable_policy()->set_name(key);
    made.mutable_policy()->set_tick(tick);
  }
  return made;
}

// ---- a node's router: some answers are on their way for long ----

using slow_router = partition_router_actor::extend<caf::reacts_to<caf::tick_atom, std::uint64_t>>;

struct slow_router_state {
  struct question {
    v1::PartitionQuery query;
    caf::typed_response_promise<v1::QueryReply> promise;
    std::optional<v1::QueryReply> reply;
  };
  std::map<std::uint64_t, question> open;
  std::uint64_t last = 0;
};

slow_router::behavior_type route(slow_router::stateful_pointer<slow_router_state> self,
                                 flood_world* world) {
  const auto wake = [self, world](std::uint64_t id, std::chrono::milliseconds wait) {
    world->later(wait,
                 [to = slow_router(self), id] { caf::anon_send(to, caf::tick_atom::value, id); });
  };
  return {
      [](const v1::RoutedCommand&) -> caf::result<v1::CommandReply> {
        return make_error(ec::unsupported);
      },
      [=](const v1::RoutedQuery& wish) {
        auto promise = self->make_response_promise<v1::QueryReply>();
        const auto id = ++self->state.last;
        self->state.open.emplace(id, slow_router_state::question{wish.query(), promise, {}});
        wake(id, world->hop());
        return promise;
      },
      [](const v1::GetMap&) -> caf::result<v1::ClusterMap> { return make_error(ec::unsupported); },
      [=](caf::tick_atom, std::uint64_t id) {
        auto& one = self->state.open.at(id);
        if (!one.reply) {
          one.reply = world->answer(one.query);
          return wake(id, world->chance(30) ? world->hop() * 100 : world->hop());
        }
        one.promise.deliver(*one.reply);
        self->state.open.erase(id);
      },
  };
}

// ---- what reaches a queue over the network ----

using far_queue = message_queue_actor::extend<caf::reacts_to<caf::tick_atom, std::uint64_t>>;

struct far_queue_state {
  std::map<std::uint64_t, std::function<void()>> open;
  std::uint64_t last = 0;
};

far_queue::behavior_type carry(far_queue::stateful_pointer<far_queue_state> self,
                               flood_world* world, std::size_t which) {
  const auto ask = [=](auto promise, const auto& wish) {
    using reply_type =
        std::conditional_t<std::is_same_v<std::decay_t<decltype(wish)>, v1::Subscribe>,
                           v1::SubscribeReply, v1::EnqueueReply>;
    const auto id = ++self->state.last;
    self->state.open.emplace(id, [=]() mutable {
      self->request(world->queue(which), 20s, wish)
          .then([=](const reply_type& reply) mutable { promise.deliver(reply); },
                [=](caf::error& why) mutable { promise.deliver(std::move(why)); });
    });
    world->later(world->hop(),
                 [to = far_queue(self), id] { caf::anon_send(to, caf::tick_atom::value, id); });
    return promise;
  };
  return {
      [=](const v1::EnqueueUpdates& wish) {
        return ask(self->make_response_promise<v1::EnqueueReply>(), wish);
      },
      [=](const v1::Subscribe& wish) {
        return ask(self->make_response_promise<v1::SubscribeReply>(), wish);
      },
      [=](const v1::BatchAck& said) {
        world->unsure([=] { caf::anon_send(world->queue(which), said); });
      },
      [=](caf::tick_atom, std::uint64_t id) {
        const auto one = self->state.open.extract(id);
        one.mapped()();
      },
  };
}

// ---- whom an announcer tells ----

partition_replica_actor::behavior_type replica(partition_replica_actor::pointer,
                                               flood_world* world) {
  return {
      [](const v1::PartitionCommand&) -> caf::result<v1::CommandReply> {
        return make_error(ec::unsupported);
      },
      [](const v1::PartitionQuery&) -> caf::result<v1::QueryReply> {
        return make_error(ec::unsupported);
      },
      [](const v1::RaftMessage&) {},
      [](const v1::GetReplicaStatus&) { return v1::ReplicaStatus{}; },
      [](const log_stored&) {},
      [](const log_refused&) {},
      [](const propose_round&) {},
      [=](const rows_announced& done) { world->on_announced(done.rows); },
      [](const state_checkpointed&) {},
      [](const state_copied&) {},
      [](const state_fetched&) {},
      [](const state_installed&) {},
      [](const step_aside&) {},
      [](caf::tick_atom) {},
  };
}

partition_leader_actor::behavior_type leader(partition_leader_actor::pointer) {
  return {
      [](const v1::PartitionCommand&) -> caf::result<v1::CommandReply> {
        return make_error(ec::unsupported);
      },
      [](const round_refused&) {},
      [](const round_applied&) {},
      [](const leadership_lost&) {},
      [](const rows_announced&) {},
      [](caf::flush_atom) {},
      [](caf::tick_atom) {},
  };
}

}  // namespace

flood_world::flood_world(std::uint64_t seed, flood_plan plan) : plan_{plan}, random_{seed} {
  run(1s);
  for (std::size_t which = 0; which < plan_.queues; ++which)
    add_queue(which);
  add_leader();
  for (std::size_t which = 0; which < plan_.nodes; ++which)
    add_node(which);
  run(2s);
}

flood_world::~flood_world() {
  for (const auto& one : all_)
    caf::anon_send_exit(one, caf::exit_reason::kill);
  all_.clear();
  events_.clear();
  world_.advance(30s, 1s);  // timers hold their actors
}

// ---- the leader ----

void flood_world::add_leader() {
  announcer_options options;
  options.self = "leader";
  options.term = 1;
  options.replica = world_.system.spawn(replica, this);
  options.leader = world_.system.spawn(leader);
  options.random = &random_;
  std::map<node_id, message_queue_actor> far;
  for (std::size_t which = 0; which < plan_.queues; ++which) {
    const auto name = "q" + std::to_string(which);
    options.how.queues.push_back(name);
    const auto way = world_.system.spawn(carry, this, which);
    far.emplace(name, way);
    all_.push_back(caf::actor_cast<caf::actor>(way));
  }
  options.how.find = [far](const node_id& name) { return far.at(name); };
  room_ = options.how.limits.rows_max;
  all_.push_back(caf::actor_cast<caf::actor>(options.replica));
  all_.push_back(caf::actor_cast<caf::actor>(options.leader));
  announcer_ = world_.system.spawn(announcer, std::move(options));
  all_.push_back(caf::actor_cast<caf::actor>(announcer_));
}

void flood_world::commit() {
  const auto& type = types[random_.engine() % types.size()];
  const auto key = "key-" + std::to_string(random_.engine() % plan_.keys);
  auto& item = items_[{type, key}];
  tick_ += 1 + random_.engine() % 3;
  item = {tick_, random_.engine() % 8 > 0};
  ++written_;
  const cache_written told{0, key, item.present ? cache_outcome::changed : cache_outcome::removed,
                           0, tick_};
  watch_.observe(now_, {"leader", 1, 1, type}, told);
  outbox_rows::row row{tick_, {}};
  auto& changes = row.changes.emplace_back();
  changes.set_type(type);
  auto& run = *changes.add_covered();
  run.set_first(++ordinals_[type]);
  run.set_last(ordinals_[type]);
  auto& update = *changes.add_updates();
  update.set_tick(tick_);
  update.set_key(key);
  if (item.present)
    update.set_value(record_of(type, key, tick_).SerializeAsString());
  else
    update.set_removed(true);
  outbox_.push_back(std::move(row));
}

void flood_world::offer() {
  outbox_rows fresh;
  for (; room_ > 0 && !outbox_.empty(); --room_, outbox_.pop_front())
    fresh.rows.push_back(std::move(outbox_.front()));
  if (!fresh.rows.empty()) caf::anon_send(announcer_, std::move(fresh));
}

void flood_world::on_announced(std::size_t rows) {
  room_ += rows;
  offer();
}

v1::QueryReply flood_world::answer(const v1::PartitionQuery& query) const {
  v1::QueryReply reply;
  reply.set_status(v1::CommandReply::OK);
  reply.set_tick(tick_);
  if (query.has_get_news()) {
    for (const auto& [type, ordinal] : ordinals_) {
      auto& last = *reply.add_announced();
      last.set_type(type);
      last.set_ordinal(ordinal);
    }
    return reply;
  }
  const auto of_bucket = query.has_get_bucket();
  const auto& key = of_bucket ? query.get_bucket().name() : query.get_policy().name();
  const auto found = items_.find({types[of_bucket ? 0 : 1], key});
  const auto there = found != items_.end() && found->second.present;
  if (!there)
    reply.set_status(of_bucket ? v1::CommandReply::NO_SUCH_BUCKET : v1::CommandReply::NO_SUCH_KEY);
  else if (of_bucket)
    *reply.add_buckets() = record_of(types[0], key, found->second.tick).bucket();
  else
    *reply.add_policies() = record_of(types[1], key, found->second.tick).policy();
  return reply;
}

// ---- queues ----

void flood_world::unsure(const std::function<void()>& arrives) {
  if (chance(plan_.lost)) {
    ++lost_;
    return;
  }
  for (int copies = chance(plan_.repeated) ? 2 : 1; copies > 0; --copies)
    later(chance(plan_.very_late)   ? 30s
          : chance(plan_.overtaken) ? ms{static_cast<ms::rep>(random_.engine() % 200)}
                                    : hop(),
          arrives);
}

void flood_world::add_queue(std::size_t which) {
  message_queue_options options;
  options.self = "q" + std::to_string(which);
  options.partitions = {0};
  options.spool.piece_bytes = 1 << 20;
  disk_free_.push_back(0ms);
  options.append = [this, which](const log_client_actor& from, std::uint64_t token,
                                 const std::vector<wal::entry>&) {
    auto& free = disk_free_[which];
    free = std::max(free, now_ + ms{static_cast<ms::rep>(random_.engine() % 6)});
    later(free - now_, [from, token] { caf::anon_send(from, log_stored{token, false}); });
  };
  options.compact = [](std::uint64_t) {};
  const auto tell = [this](auto message) {
    using message_type = decltype(message);
    return [this](const queue::subscriber_key& to, const buffer& bytes) {
      const auto arrives = [this, to, bytes] {
        message_type read;
        const auto found = subscribers_.find(to.node);
        if (found != subscribers_.end() && read.ParseFromString(*bytes))
          caf::anon_send(found->second, std::move(read));
      };
      if constexpr (std::is_same_v<message_type, v1::CacheBatch>)
        unsure(arrives);
      else
        later(hop(), arrives);
    };
  };
  options.tell_batch = tell(v1::CacheBatch{});
  options.tell_news = tell(v1::QueueNews{});
  const auto router = world_.system.spawn(route, this);
  all_.push_back(caf::actor_cast<caf::actor>(router));
  options.router = router;
  queues_.push_back(world_.system.spawn(message_queue, std::move(options), &clock_));
  all_.push_back(caf::actor_cast<caf::actor>(queues_.back()));
}

// ---- nodes ----

void flood_world::add_node(std::size_t which) {
  cache_subscriber_options options;
  options.node = "n" + std::to_string(which);
  options.service = 1;
  options.random = &random_;
  const auto router = world_.system.spawn(route, this);
  all_.push_back(caf::actor_cast<caf::actor>(router));
  for (const auto& type : types) {
    near_cache_options with;
    with.type = find_cached_type(type);
    with.router = router;
    with.watch = [this, node = options.node, type](const cache_event& what) {
      watch_.observe(now_, {node, 1, 1, type}, what);
    };
    auto cache = world_.system.spawn(near_cache, std::move(with));
    options.caches.emplace(type, cache);
    all_.push_back(caf::actor_cast<caf::actor>(cache));
    caches_.emplace_back(type, cache);
  }
  std::map<node_id, message_queue_actor> far;
  for (std::size_t queue = 0; queue < plan_.queues; ++queue) {
    const auto way = world_.system.spawn(carry, this, queue);
    all_.push_back(caf::actor_cast<caf::actor>(way));
    options.queues.push_back("q" + std::to_string(queue));
    far.emplace(options.queues.back(), way);
  }
  options.find = [far](const node_id& name) { return far.at(name); };
  options.acknowledge = [far](const node_id& name, const v1::BatchAck& said) {
    caf::anon_send(far.at(name), said);
  };
  const auto name = options.node;
  subscribers_.emplace(name, world_.system.spawn(cache_subscriber, std::move(options)));
  all_.push_back(caf::actor_cast<caf::actor>(subscribers_.at(name)));
}

void flood_world::look_up() {
  auto& [type, cache] = caches_[random_.engine() % caches_.size()];
  cache_look_up wish;
  wish.key = "key-" + std::to_string(random_.engine() % plan_.keys);
  wish.confirmed = chance(20);
  caf::anon_send(cache, std::move(wish));
}

// ---- time ----

void flood_world::step() {
  now_ += 1ms;
  ++clock_.ms;
  while (!events_.empty() && events_.begin()->first <= now_) {
    const auto next = events_.extract(events_.begin());
    next.mapped()();
  }
  world_.advance(1ms, 1ms);
}

void flood_world::run(ms duration) {
  for (const auto end = now_ + duration; now_ < end;)
    step();
}

void flood_world::flood() {
  while (written_ < plan_.writes) {
    for (std::uint64_t i = 0; i < plan_.writes_per_ms; ++i) {
      commit();
      look_up();
    }
    offer();
    step();
  }
  run(1s);
}

std::uint64_t flood_world::count_old() {
  std::uint64_t old = 0, answered = 0, asked = 0;
  for (const auto& [type, cache] : caches_)
    for (std::uint64_t i = 0; i < plan_.keys; ++i) {
      const auto key = "key-" + std::to_string(i);
      const auto found = items_.find({type, key});
      const auto truth = found == items_.end() ? item{} : found->second;
      ++asked;
      const auto asker =
          world_.system.spawn([&, truth, cache = cache, key](caf::event_based_actor* self) {
            self->request(cache, 10s, cache_look_up{key, false, {}})
                .then([&, truth](const cache_answer& said) {
                  ++answered;
                  old += (said.record != nullptr) != truth.present ||
                         (truth.present && said.tick != truth.tick);
                });
          });
      if (i % 50 == 0) run(1ms);
    }
  run(1s);
  return old + (asked - answered);
}

std::uint64_t flood_world::figure(const std::string& name) {
  std::uint64_t sum = 0;
  for (const auto& [type, cache] : caches_)
    world_.system.spawn([&, cache = cache](caf::event_based_actor* self) {
      self->request(cache_status_actor(cache), 10s, v1::GetCacheStatus{})
          .then([&](const v1::CacheStatus& said) {
            for (const auto& one : said.figures())
              if (one.name() == name) sum += one.value();
          });
    });
  run(5ms);
  return sum;
}

}  // namespace dunlin::testkit
