#include "tests/unit/cache_update/grid_subscriber.hpp"

#include "actors/cache_update/subscription_wire.hpp"

#include <algorithm>

namespace dunlin::grid {

subscriber_node::subscriber_node(events& time, std::mt19937_64& random, node_id name,
                                 std::vector<std::string> types, std::vector<node_id> queues,
                                 cache_update::options limits, subscriber_ports ports)
    : name{std::move(name)},
      types{std::move(types)},
      time_{time},
      random_{random},
      queues_{std::move(queues)},
      limits_{limits},
      ports_{std::move(ports)} {
  clock.offset_us = static_cast<std::int64_t>(random() % 1000000000) + 1000000;
  clock.ppm = static_cast<std::int64_t>(random() % 600) - 300;
}

void subscriber_node::start() {
  if (core_) return;
  ++life_;
  caches_.clear();
  armed_ = ms::max();
  dice_ = std::make_unique<crypto::seeded_random>(random_());
  core_ = std::make_unique<subscription_core>(limits_, types, queues_, now(), *dice_);
  perform(core_->start(now()));
}

void subscriber_node::subscribed(const node_id& queue, std::uint64_t attempt,
                                 const v1::SubscribeReply* reply) {
  if (!core_) return;
  perform(reply ? core_->on_subscribed(now(), queue, attempt, cache_update::from_wire(*reply))
                : core_->on_refused(now(), queue, attempt));
}

void subscriber_node::batch(const std::string& bytes) {
  if (!core_) return;
  ++frames;
  v1::CacheBatch message;
  if (!message.ParseFromString(bytes)) return ports_.wrong("a batch that cannot be read");
  for (const auto& part : message.changes())
    if (!wants(part.type())) ports_.wrong(name + " was sent changes of " + part.type());
  perform(core_->on_batch(now(), cache_update::from_wire(std::move(message))));
}

void subscriber_node::news(const std::string& bytes) {
  if (!core_) return;
  v1::QueueNews message;
  if (!message.ParseFromString(bytes)) return ports_.wrong("news that cannot be read");
  for (const auto& one : message.partitions())
    for (const auto& last : one.last())
      if (!wants(last.type())) ports_.wrong(name + " was sent news of " + last.type());
  perform(core_->on_news(now(), cache_update::from_wire(message)));
}

void subscriber_node::peer_lost(const node_id& queue) {
  if (core_) core_->on_peer_lost(now(), queue);
  if (core_) arm();
}

void subscriber_node::peer_up(const node_id& queue) {
  if (core_) perform(core_->on_peer_up(now(), queue));
}

bool subscriber_node::wants(const std::string& type) const {
  return std::binary_search(types.begin(), types.end(), type);
}

void subscriber_node::perform(subscription_core::effects all) {
  for (const auto& one : all) {
    if (const auto* wish = std::get_if<subscription_core::subscribe>(&one)) {
      v1::Subscribe words;
      words.set_node(name);
      words.set_incarnation(life_);
      for (const auto& type : types)
        words.add_types(type);
      words.set_queue_incarnation(wish->queue_incarnation);
      words.set_received_through(wish->received_through);
      ports_.subscribe(wish->queue, wish->attempt, std::move(words));
    }
    if (const auto* ack = std::get_if<subscription_core::acknowledge>(&one)) {
      v1::BatchAck words;
      words.set_node(name);
      words.set_incarnation(life_);
      words.set_queue_incarnation(ack->queue_incarnation);
      words.set_received_through(ack->received_through);
      for (const auto& run : ack->beyond) {
        auto& put = *words.add_beyond();
        put.set_first(run.first);
        put.set_last(run.last);
      }
      words.set_stamp(ack->stamp);
      ports_.ack(ack->queue, std::move(words));
    }
    if (const auto* what = std::get_if<subscription_core::apply>(&one)) judge(*what);
    if (const auto* what = std::get_if<subscription_core::drop>(&one)) judge(*what);
    if (const auto* what = std::get_if<subscription_core::proven>(&one)) judge(*what);
  }
  arm();
}

void subscriber_node::judge(const subscription_core::apply& what) {
  if (!wants(what.type)) ports_.wrong(name + " applied " + what.type);
  auto& cache = caches_[{what.partition, what.type}];
  for (const auto& one : what.changes) {
    ++applied;
    auto& tick = cache.ticks[one.key];
    tick = std::max(tick, one.tick);
    if (one.tick <= cache.base_tick) ports_.wrong("a change from before the base");
    note_delay(what, one.tick);
  }
}

void subscriber_node::note_delay(const subscription_core::apply& what, std::uint64_t tick) {
  const auto& all = *ports_.history(what.partition, what.type);
  const auto at = std::lower_bound(
      all.begin(), all.end(), tick,
      [](const committed& one, std::uint64_t number) { return one.tick < number; });
  delays.push_back(time_.now() - at->at);
}

void subscriber_node::judge(const subscription_core::drop& what) {
  auto& cache = caches_[{what.partition, what.type}];
  if (what.base_tick < cache.base_tick) ports_.wrong("the base went back");
  cache.base_tick = what.base_tick;
  cache.based |= what.why == subscription_core::reason::base;
}

bool subscriber_node::settled(const held& cache, const committed& change) const {
  if (change.tick <= cache.base_tick) return true;
  const auto tick = cache.ticks.find(change.key);
  return tick != cache.ticks.end() && tick->second >= change.tick;
}

void subscriber_node::judge(const subscription_core::proven& what) {
  ++proofs;
  auto& cache = caches_[{what.partition, what.type}];
  if (!cache.based) ports_.wrong("something was proved before the base was known");
  if (what.base_tick != cache.base_tick) ports_.wrong("a proof upon another base");
  if (what.at > now()) ports_.wrong("a proof of the future");
  if (cache.proven && what.at < *cache.proven) ports_.wrong("a proof that goes back");
  cache.proven = what.at;
  const auto* all = ports_.history(what.partition, what.type);
  if (!all) return;
  // THE THEOREM: what was committed before the proven time has been applied or dropped.
  for (; cache.satisfied < all->size(); ++cache.satisfied) {
    const auto& change = (*all)[cache.satisfied];
    if (clock.exact_us(change.at) >= what.at.count() * 1000) return;
    if (!settled(cache, change))
      ports_.wrong(name + ": " + what.type + " of partition " + std::to_string(what.partition) +
                   " was proved at " + std::to_string(what.at.count()) + " but tick " +
                   std::to_string(change.tick) + " had not been heard");
  }
}

std::size_t subscriber_node::unheard(partition_id partition, const std::string& type) {
  const auto* all = ports_.history(partition, type);
  if (!all) return 0;
  const auto& cache = caches_[{partition, type}];
  return static_cast<std::size_t>(std::count_if(
      all->begin(), all->end(), [&](const committed& change) { return !settled(cache, change); }));
}

std::optional<ms> subscriber_node::proved_ago(partition_id partition, const std::string& type) {
  const auto& cache = caches_[{partition, type}];
  if (!cache.proven) return std::nullopt;
  return now() - *cache.proven;
}

void subscriber_node::arm() {
  const auto when = clock.world(core_->next_wake());
  if (when >= armed_) return;
  armed_ = when;
  time_.at(when, [this, life = life_] {
    if (!core_ || life != life_) return;
    armed_ = ms::max();
    perform(core_->on_timer(now()));
  });
}

}  // namespace dunlin::grid
