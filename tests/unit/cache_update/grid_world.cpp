#include "tests/unit/cache_update/grid_world.hpp"

#include <algorithm>

namespace dunlin::grid {

using namespace std::chrono_literals;

grid_world::grid_world(std::uint64_t seed, plan what)
    : random{seed}, net{time, random}, plan_{std::move(what)} {
  for (const auto& types : plan_.subscribers)
    types_.insert(types_.end(), types.begin(), types.end());
  std::sort(types_.begin(), types_.end());
  types_.erase(std::unique(types_.begin(), types_.end()), types_.end());
  types_.push_back("unwanted");
  time.run_until(1000ms);
  for (std::uint32_t partition = 0; partition < plan_.partitions; ++partition)
    add_leader(partition);
  for (std::size_t which = 0; which < plan_.queues; ++which)
    add_queue(which);
  for (std::size_t which = 0; which < plan_.subscribers.size(); ++which)
    add_subscriber(which);
  for (auto& one : queues)
    one->start();
  for (auto& one : subscribers)
    one->start();
  for (std::uint32_t partition = 0; partition < plan_.partitions; ++partition)
    commit(partition);
}

void grid_world::fail(const std::string& what) {
  if (wrong.empty()) wrong = "at " + std::to_string(time.now().count()) + " ms: " + what;
}

/// `what(queue)` happens when the message arrives, if that life of the queue still is.
template <class What>
void grid_world::to_queue(const std::string& from, std::size_t which, What what) {
  net.send(from, queue_name(which), [this, which, life = queues[which]->life(), what] {
    if (queues[which]->lives() && queues[which]->life() == life) what(*queues[which]);
  });
}

void grid_world::add_leader(std::uint32_t partition) {
  const auto name = "l" + std::to_string(partition);
  leaders.push_back(std::make_unique<leader>(
      time, random, partition, plan_.queues,
      [this, partition, name](std::size_t queue, std::uint64_t number, const std::string& bytes) {
        to_queue(name, queue, [this, partition, number, bytes](queue_node& at) {
          requests_[++last_request_] = {partition, number, false};
          at.enqueue(last_request_, bytes);
        });
      }));
}

void grid_world::add_queue(std::size_t which) {
  const auto name = queue_name(which);
  queue_ports ports;
  ports.answer = [this, name](std::uint64_t request, bool accepted) {
    const auto of = requests_.find(request);
    if (of == requests_.end() || of->second.subscription) return;
    const auto [who, number, subscription] = of->second;
    requests_.erase(of);
    net.send(name, "l" + std::to_string(who),
             [this, who, number, accepted] { leaders[who]->answered(number, accepted); });
  };
  ports.answer_subscription = [this, name](std::uint64_t request, const v1::SubscribeReply* said) {
    const auto of = requests_.find(request);
    if (of == requests_.end() || !of->second.subscription) return;
    const auto [who, number, subscription] = of->second;
    requests_.erase(of);
    const bool yes = said != nullptr;
    const auto words = yes ? *said : v1::SubscribeReply{};
    net.send(name, subscribers[who]->name, [this, who, number, name, yes, words] {
      subscribers[who]->subscribed(name, number, yes ? &words : nullptr);
    });
  };
  ports.batch = [this, name](const queue::subscriber_key& to, const buffer& bytes) {
    net.send(name, to.node, [this, to, bytes] { subscribers[number_of(to.node)]->batch(*bytes); });
  };
  ports.news = [this, name](const queue::subscriber_key& to, const std::string& bytes) {
    net.send(name, to.node, [this, to, bytes] { subscribers[number_of(to.node)]->news(bytes); });
  };
  ports.ask_news = [this, which] { ask_news(which); };
  queues.push_back(
      std::make_unique<queue_node>(time, random, name, plan_.queue_limits, std::move(ports)));
}

void grid_world::ask_news(std::size_t which) {
  const auto name = queue_name(which);
  for (std::size_t partition = 0; partition < leaders.size(); ++partition) {
    const auto asked = queues[which]->now();
    const auto of = "l" + std::to_string(partition);
    net.send(name, of, [this, which, partition, asked, of] {
      const auto said = leaders[partition]->news();
      to_queue(of, which, [asked, said](queue_node& at) { at.news(asked, said); });
    });
  }
}

void grid_world::add_subscriber(std::size_t which) {
  const auto name = "s" + std::to_string(which);
  subscriber_ports ports;
  ports.wrong = [this](const std::string& what) { fail(what); };
  ports.history = [this](partition_id partition, const std::string& type) {
    const auto& all = leaders.at(partition)->history();
    const auto of = all.find(type);
    return of == all.end() ? nullptr : &of->second;
  };
  ports.subscribe = [this, which, name](const node_id& queue, std::uint64_t attempt,
                                        const v1::Subscribe& wish) {
    if (!queues[number_of(queue)]->lives() && net.chance(noticed))
      time.after(1ms, [this, which, queue, attempt] {
        subscribers[which]->subscribed(queue, attempt, nullptr);
      });
    to_queue(name, number_of(queue), [this, which, attempt, wish](queue_node& at) {
      requests_[++last_request_] = {which, attempt, true};
      at.subscribe(last_request_, wish);
    });
  };
  ports.ack = [this, name](const node_id& queue, const v1::BatchAck& said) {
    to_queue(name, number_of(queue), [said](queue_node& at) { at.ack(said); });
  };
  std::vector<node_id> names;
  for (const auto& queue : queues)
    names.push_back(queue->name);
  subscribers.push_back(
      std::make_unique<subscriber_node>(time, random, name, plan_.subscribers[which], names,
                                        plan_.subscriber_limits, std::move(ports)));
}

void grid_world::commit(std::uint32_t partition) {
  const auto pause = static_cast<std::int64_t>(random() % (2 * plan_.commit_pause.count() + 1));
  time.after(ms{pause}, [this, partition] {
    if (!committing_) return;
    leaders[partition]->commit(types_[random() % types_.size()]);
    if (net.chance(plan_.bursts))  // a burst
      for (int i = 0; i < 60; ++i)
        leaders[partition]->commit(types_[random() % types_.size()]);
    commit(partition);
  });
}

void grid_world::crash_queue(std::size_t which, bool spool_lost, ms down) {
  auto& queue = *queues[which];
  if (!queue.lives()) return;
  queue.crash(spool_lost);
  for (auto& one : subscribers)
    if (net.chance(noticed))
      time.after(ms{static_cast<std::int64_t>(random() % 50)},
                 [&one, name = queue.name] { one->peer_lost(name); });
  time.after(down, [this, which] { start_queue(which); });
}

void grid_world::start_queue(std::size_t which) {
  auto& queue = *queues[which];
  if (queue.lives()) return;
  queue.start();
  for (auto& one : subscribers)
    if (net.chance(noticed))
      time.after(ms{static_cast<std::int64_t>(random() % 50)},
                 [&one, name = queue.name] { one->peer_up(name); });
}

void grid_world::cut_subscriber(std::size_t which, ms duration, bool noticed) {
  const auto name = subscribers[which]->name;
  for (std::size_t queue = 0; queue < queues.size(); ++queue) {
    net.cut(name, queue_name(queue));
    if (noticed) {
      subscribers[which]->peer_lost(queue_name(queue));
      queues[queue]->peer_lost(name);
    }
  }
  time.after(duration, [this, which, name, noticed] {
    for (std::size_t queue = 0; queue < queues.size(); ++queue) {
      net.heal(name, queue_name(queue));
      if (noticed) subscribers[which]->peer_up(queue_name(queue));
    }
  });
}

void grid_world::strike() {
  if (!raging_ || time.now() >= rage_until_) return;
  const auto queue = random() % queues.size();
  const auto subscriber = random() % subscribers.size();
  const auto loses_spool = net.chance(250);
  const auto some = [&](ms most) {
    return ms{static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most.count()))};
  };
  switch (random() % 7) {
    case 0: ++faults["crash"], crash_queue(queue, false, some(3000ms)); break;
    case 1: ++faults["crash, spool lost"], crash_queue(queue, true, some(3000ms)); break;
    case 2: ++faults["long down"], crash_queue(queue, loses_spool, some(60000ms)); break;
    case 3: ++faults["cut"], cut_subscriber(subscriber, some(8000ms), !loses_spool); break;
    case 4: {
      ++faults["subscriber restarts"];
      subscribers[subscriber]->stop();
      time.after(some(2000ms), [this, subscriber] { subscribers[subscriber]->start(); });
      break;
    }
    case 5: {
      ++faults["leader cut from queue"];
      const auto of = "l" + std::to_string(random() % leaders.size());
      net.cut(of, queue_name(queue));
      time.after(some(4000ms), [this, of, queue] { net.heal(of, queue_name(queue)); });
      break;
    }
    default:
      ++faults["all queues crash"];
      for (std::size_t one = 0; one < queues.size(); ++one)
        crash_queue(one, loses_spool && one % 2 == 0, some(2000ms));
  }
  time.after(some(4000ms), [this] { strike(); });
}

void grid_world::rage(ms duration) {
  raging_ = true;
  rage_until_ = time.now() + duration;
  strike();
  run(duration);
  raging_ = false;
}

void grid_world::calm() {
  net.lost = net.doubled = net.slow = 0;
  net.heal_all();
  for (std::size_t which = 0; which < queues.size(); ++which)
    start_queue(which);
  for (auto& one : subscribers)
    one->start();
}

void grid_world::run(ms duration) {
  const auto end = time.now() + duration;
  while (time.now() < end && wrong.empty()) {
    time.run_until(std::min(end, time.now() + 500ms));
    check_bounds();
  }
}

void grid_world::check_bounds() {
  const auto& limits = plan_.queue_limits;
  for (const auto& queue : queues) {
    if (!queue->lives()) continue;
    const auto& core = queue->core();
    // A batch may stand beside a full ring, and one is pending.
    if (core.ring_bytes() > core.sets() * (limits.ring_bytes_max + 2 * limits.batch_bytes_max))
      fail("a ring over its bound");
    if (core.spool_bytes() > limits.spool_bytes_max + limits.batch_bytes_max)
      fail("a spool over its bound");
    if (core.sets() > limits.sets_max || core.subscribers() > limits.subscribers_max)
      fail("more sets or subscribers than allowed");
    for (const auto& one : core.backlogs(queue->now()))
      if (one.in_flight > limits.in_flight_max) fail("too much in flight");
  }
  for (const auto& one : subscribers)
    if (one->lives() && one->core().tracked() > leaders.size() * one->types.size())
      fail("more tracked than there is");
}

std::string grid_world::judge(ms proved_within) {
  if (!wrong.empty()) return wrong;
  for (const auto& one : subscribers)
    for (std::uint32_t partition = 0; partition < leaders.size(); ++partition)
      for (const auto& type : one->types) {
        const auto where = one->name + ", " + type + " of " + std::to_string(partition) + ": ";
        const auto unheard = one->unheard(partition, type);
        if (unheard > 0) return where + std::to_string(unheard) + " changes were not heard";
        const auto ago = one->proved_ago(partition, type);
        if (!ago) return where + "nothing was ever proved";
        if (*ago > proved_within)
          return where + "proved only " + std::to_string(ago->count()) + " ms ago";
      }
  return "";
}

}  // namespace dunlin::grid
