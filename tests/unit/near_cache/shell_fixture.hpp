/// A near cache's actor over a leader that is told what it holds, on virtual time.
#pragma once

#include "actors/near_cache/near_cache.hpp"
#include "messages/cache_types.hpp"
#include "messages/error.hpp"
#include "tests/support/virtual_system.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::testing_near_cache {

using namespace std::chrono_literals;

/// The leader of the root partition, by the router.
struct leader {
  std::map<std::string, v1::BucketRecord> buckets;
  std::uint64_t tick = 10;
  std::optional<ec> fails;
  bool silent = false;
  std::vector<v1::RoutedQuery> asked;
};

inline partition_router_actor::behavior_type fake_router(partition_router_actor::pointer self,
                                                         leader* world) {
  return {
      [](const v1::RoutedCommand&) { return v1::CommandReply(); },
      [=](const v1::RoutedQuery& query) -> caf::result<v1::QueryReply> {
        world->asked.push_back(query);
        if (world->silent) return self->make_response_promise<v1::QueryReply>();
        if (world->fails) return make_error(*world->fails);
        v1::QueryReply reply;
        reply.set_tick(world->tick);
        if (query.query().has_list_buckets()) {
          // Two a page.
          for (auto one = world->buckets.upper_bound(query.query().list_buckets().after());
               one != world->buckets.end(); ++one) {
            reply.set_truncated(reply.buckets_size() == 2);
            if (reply.truncated()) break;
            reply.set_next_after(one->first);
            *reply.add_buckets() = one->second;
          }
          return reply;
        }
        const auto found = world->buckets.find(query.query().get_bucket().name());
        if (found == world->buckets.end())
          reply.set_status(v1::CommandReply::NO_SUCH_BUCKET);
        else
          *reply.add_buckets() = found->second;
        return reply;
      },
      [](const v1::GetMap&) { return v1::ClusterMap(); },
  };
}

/// Instead of the sampler.
inline coherence_sampler_actor::behavior_type fake_sampler(coherence_sampler_actor::pointer,
                                                           std::vector<cache_sample>* heard) {
  return {[heard](const cache_sample& sample) { heard->push_back(sample); },
          [](const get_staleness&) { return staleness_report{}; }};
}

struct got {
  std::optional<cache_answer> answer;
  std::optional<ec> error;
  std::string id() const {
    if (!answer) return error ? std::string(to_string(*error)) : "nothing yet";
    return answer->record ? answer->record->bucket().id() : "no such bucket";
  }
};

class NearCacheActor : public testing::Test, public support::virtual_system {
protected:
  NearCacheActor() {
    router = system.spawn(fake_router, &world);
    options.type = find_cached_type(cached::bucket);
    options.service = 3;
    options.parameters.staleness_max = 1s;
    options.parameters.time_to_live = 60s;
    options.router = router;
    options.write_patience = 30s;
    options.sampler = system.spawn(fake_sampler, &samples);
    options.samples_a_second = 2;
    start();
    set_bucket("b", "one", 5);
    advance(10s);  // so that no moment is the first
  }
  ~NearCacheActor() override {
    caf::anon_send_exit(cache, caf::exit_reason::kill);
    caf::anon_send_exit(router, caf::exit_reason::kill);
    run();
    advance(2s);
  }

  void start() {
    if (cache) caf::anon_send_exit(cache, caf::exit_reason::kill);
    shell = system.spawn(near_cache, options);
    cache = shell;
  }
  void start_as_mirror() {
    for (const auto* name : {"c", "d", "e"})
      set_bucket(name, name, 6);
    for (auto& [name, bucket] : world.buckets)
      bucket.set_name(name);
    options.parameters.mirror = true;
    start();
    run();
  }
  void prove(std::uint64_t base = 1) { tell(cache_proven{0, cache_time(&system), base}); }
  void set_bucket(const std::string& name, const std::string& id, std::uint64_t tick) {
    world.buckets[name].set_id(id);
    world.buckets[name].set_tick(tick);
    world.tick = std::max(world.tick, tick);
  }
  std::shared_ptr<got> look(const std::string& key, bool confirmed = false) {
    auto into = std::make_shared<got>();
    const auto ask = [into, key, confirmed, to = cache](caf::event_based_actor* self) {
      self->request(to, caf::infinite, cache_look_up{key, confirmed, "trace"})
          .then([into](const cache_answer& answer) { into->answer = answer; },
                [into](const caf::error& why) { into->error = code_of(why); });
    };
    system.spawn(ask);
    run();
    return into;
  }
  template <class Answer, class Message>
  Answer call(const Message& message) {
    Answer out{};
    caf::scoped_actor self(system);
    auto asked = self->request(shell, caf::infinite, message);
    run();
    asked.receive([&](const Answer& answer) { out = answer; },
                  [&](const caf::error& why) { failed = code_of(why); });
    return out;
  }
  template <class Message>
  void tell(const Message& message) {
    caf::anon_send(cache, message);
    run();
  }
  static cached_record record(const std::string& id, std::uint64_t tick) {
    auto made = std::make_shared<v1::CachedRecord>();
    made->mutable_bucket()->set_id(id);
    made->mutable_bucket()->set_tick(tick);
    return made;
  }
  std::uint64_t figure(const std::string& name, const std::string& label = {}) {
    const auto status = call<v1::CacheStatus>(v1::GetCacheStatus());
    for (const auto& one : status.figures())
      if (one.name() == name && one.label() == label) return one.value();
    ADD_FAILURE() << name;
    return 0;
  }

  leader world;
  near_cache_options options;
  std::vector<cache_sample> samples;
  partition_router_actor router;
  near_cache_shell shell;
  near_cache_actor cache;
  std::optional<ec> failed;
};

}  // namespace dunlin::testing_near_cache
