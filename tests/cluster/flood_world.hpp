/// FLOOD WORLD: the way of a change from a leader to the near caches of many nodes, by the real
/// actors (announcer, message queues, cache subscribers, near caches) in one thread and virtual
/// time, for as many changes as one likes. The leader's state, the queues' disks and the network
/// are models: the network delays, and loses, repeats and overtakes cache updates and
/// acknowledgements. Every answer of every cache is judged by a lookup_watch.
#pragma once

#include "actors/cache_update/cache_subscriber.hpp"
#include "actors/message_queue/message_queue.hpp"
#include "actors/near_cache/near_cache.hpp"
#include "actors/partition/announcer.hpp"
#include "apps/testkit/lookup_watch.hpp"
#include "tests/support/sources.hpp"
#include "tests/support/virtual_system.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct flood_plan {
  std::uint64_t writes = 100'000;
  std::uint64_t writes_per_ms = 4;
  std::uint64_t keys = 500;  ///< of each type
  std::size_t queues = 3;
  std::size_t nodes = 4;
  std::uint64_t lost = 100;      ///< of a thousand cache updates, and of acknowledgements
  std::uint64_t repeated = 10;   ///< of a thousand of these
  std::uint64_t overtaken = 20;  ///< … come up to 200 ms late
  std::uint64_t very_late = 1;   ///< … or half a minute
};

class flood_world {
public:
  using ms = std::chrono::milliseconds;

  flood_world(std::uint64_t seed, flood_plan plan);
  ~flood_world();

  /// Writes and look-ups until all is written, and a second more.
  void flood();
  /// Every cache is asked for every key. How many hold what is not the newest.
  std::uint64_t count_old();

  std::uint64_t figure(const std::string& name);  ///< summed over all near caches
  const lookup_watch& watch() const { return watch_; }
  std::uint64_t written() const { return written_; }
  std::uint64_t lost() const { return lost_; }

  // ---- what the modelled parts ask of the world; for the actors in flood_world.cpp ----
  v1::QueryReply answer(const v1::PartitionQuery& query) const;
  void on_announced(std::size_t rows);
  bool chance(std::uint64_t of_thousand) { return random_.engine() % 1000 < of_thousand; }
  ms hop() { return ms{static_cast<ms::rep>(random_.engine() % 3)}; }
  /// Once, twice, late or never.
  void unsure(const std::function<void()>& arrives);
  void later(ms wait, std::function<void()> what) { events_.emplace(now_ + wait, std::move(what)); }
  message_queue_actor queue(std::size_t which) const { return message_queue_actor(queues_[which]); }

private:
  struct item {
    std::uint64_t tick = 0;
    bool present = false;
  };
  using place = std::pair<std::string, std::string>;  // type, key

  void add_leader();
  void add_queue(std::size_t which);
  void add_node(std::size_t which);
  void commit();
  void offer();
  void look_up();
  void step();
  void run(ms duration);

  flood_plan plan_;
  support::seeded_random random_;
  support::set_clock clock_;
  lookup_watch watch_;
  ms now_{0};
  std::multimap<ms, std::function<void()>> events_;
  std::uint64_t written_ = 0, lost_ = 0;

  // the leader
  std::uint64_t tick_ = 0;
  std::map<place, item> items_;
  std::map<std::string, std::uint64_t> ordinals_;
  std::deque<outbox_rows::row> outbox_;
  std::size_t room_ = 0;

  support::virtual_system world_;
  std::vector<caf::actor> all_;
  announcer_actor announcer_;
  std::vector<message_queue_shell> queues_;
  std::vector<ms> disk_free_;
  std::map<node_id, cache_subscriber_shell> subscribers_;
  std::vector<std::pair<std::string, near_cache_shell>> caches_;
};

}  // namespace dunlin::testkit
