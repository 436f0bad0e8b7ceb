// The actor around the core: questions to leaders, time, tickets of writers that are gone.
#include "actors/near_cache/near_cache.hpp"
#include "messages/cache_types.hpp"
#include "messages/error.hpp"
#include "tests/support/virtual_system.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>

#include <map>

namespace dunlin {

namespace {

using namespace std::chrono_literals;

/// The leader of the root partition, by the router.
struct leader {
  std::map<std::string, v1::BucketRecord> buckets;
  std::uint64_t tick = 10;
  std::optional<ec> fails;
  bool silent = false;
  std::vector<v1::RoutedQuery> asked;
};

partition_router_actor::behavior_type fake_router(partition_router_actor::pointer self,
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
coherence_sampler_actor::behavior_type fake_sampler(coherence_sampler_actor::pointer,
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

}  // namespace

TEST_F(NearCacheActor, Q5AsksTheLeaderOnceAndServesWhatItSaid) {
  const auto first = look("b");
  EXPECT_EQ(first->id(), "one");
  EXPECT_EQ(first->answer->tick, 5u);
  EXPECT_FALSE(first->answer->from_cache);
  EXPECT_TRUE(first->answer->confirmed);
  EXPECT_EQ(world.asked.at(0).query().trace_id(), "trace");
  EXPECT_EQ(world.asked.at(0).timeout_ms(), 15'000u);
  advance(500ms);
  const auto second = look("b");
  EXPECT_TRUE(second->answer->from_cache);
  EXPECT_EQ(second->answer->record, first->answer->record) << "one record, parsed once";
  EXPECT_EQ(second->answer->age, 500ms);
  EXPECT_EQ(world.asked.size(), 1u);
}

TEST_F(NearCacheActor, Q5ConcurrentMissesMakeOneRequest) {
  world.silent = true;
  const auto first = look("b");
  const auto second = look("b");
  EXPECT_EQ(world.asked.size(), 1u);
  EXPECT_EQ(first->id(), "nothing yet");
  advance(17s, 500ms);
  EXPECT_EQ(first->id(), to_string(ec::timed_out));
  EXPECT_EQ(second->id(), to_string(ec::timed_out));
}

TEST_F(NearCacheActor, WhatIsNotProvenIsConfirmedWhenItsBoundIsReached) {
  look("b");
  set_bucket("b", "two", 20);
  advance(1000ms);
  EXPECT_EQ(look("b")->id(), "one");
  advance(10ms);
  EXPECT_EQ(look("b")->id(), "two");
}

TEST_F(NearCacheActor, WhatIsProvenIsServedForAsLong) {
  look("b");
  for (int i = 0; i < 5; ++i) {
    advance(900ms);
    tell(cache_proven{0, cache_time(&system), 0});
  }
  EXPECT_TRUE(look("b")->answer->from_cache);
  EXPECT_EQ(world.asked.size(), 1u);
}

TEST_F(NearCacheActor, AConfirmedAnswerIsAskedForWhateverIsHeld) {
  look("b");
  set_bucket("b", "two", 20);
  EXPECT_EQ(look("b", true)->id(), "two");
  EXPECT_EQ(look("b")->id(), "two");
}

TEST_F(NearCacheActor, WhatIsNotThereIsKeptToo) {
  EXPECT_EQ(look("other")->id(), "no such bucket");
  EXPECT_EQ(look("other")->id(), "no such bucket");
  EXPECT_EQ(world.asked.size(), 1u);
}

TEST_F(NearCacheActor, AFailureIsTheReadersAndNothingIsKept) {
  world.fails = ec::unavailable;
  EXPECT_EQ(look("b")->id(), to_string(ec::unavailable));
  world.fails.reset();
  EXPECT_EQ(look("b")->id(), "one");
}

TEST_F(NearCacheActor, Q11AChangeBringsTheNewValueOrMakesItAsk) {
  look("b");
  tell(cache_changes{0, {{20, "b", record("two", 20)}}});
  EXPECT_EQ(look("b")->id(), "two");
  EXPECT_EQ(world.asked.size(), 1u);
  tell(cache_changes{0, {{15, "b", record("old", 15)}}});
  EXPECT_EQ(look("b")->id(), "two");
  tell(cache_changes{0, {{30, "b", nullptr, true}}});
  EXPECT_EQ(look("b")->id(), "no such bucket");
  EXPECT_EQ(world.asked.size(), 1u);
  set_bucket("b", "three", 40);
  tell(cache_changes{0, {{40, "b"}}});
  EXPECT_EQ(look("b")->id(), "three");
  EXPECT_EQ(world.asked.size(), 2u);
}

TEST_F(NearCacheActor, ARecordOfAnotherTypeOnlyInvalidates) {
  look("b");
  auto user = std::make_shared<v1::CachedRecord>();
  user->mutable_user();
  set_bucket("b", "two", 20);
  tell(cache_changes{0, {{20, "b", user}}});
  EXPECT_EQ(look("b")->id(), "two");
  EXPECT_EQ(world.asked.size(), 2u);
}

TEST_F(NearCacheActor, Q14AGapDropsWhatWasReadBeforeIt) {
  look("b");
  tell(cache_dropped{0, 10, false});
  EXPECT_EQ(figure("items"), 1u) << "read at the tick from which changes are heard again";
  tell(cache_dropped{0, 11, false});
  EXPECT_EQ(figure("items"), 0u);
  EXPECT_EQ(figure("deaths_total", "gap"), 1u);
}

TEST_F(NearCacheActor, AWholeChangeDropsWhatWasReadBeforeIt) {
  look("b");
  tell(cache_dropped{0, 11, true});
  EXPECT_EQ(figure("deaths_total", "message"), 1u);
}

TEST_F(NearCacheActor, AWriteEntersTheCacheBeforeItsWriterGoesOn) {
  look("b");
  const auto ticket = call<cache_ticket>(cache_begin_write{"b"});
  EXPECT_NE(ticket.id, 0u);
  cache_written done{ticket.id, "b", cache_outcome::changed, 0, 20, record("mine", 20)};
  call<accepted>(done);
  EXPECT_EQ(look("b")->id(), "mine");
  EXPECT_EQ(world.asked.size(), 1u);
  const auto next = call<cache_ticket>(cache_begin_write{"b"});
  call<accepted>(cache_written{next.id, "b", cache_outcome::removed, 0, 21});
  EXPECT_EQ(look("b")->id(), "no such bucket");
}

TEST_F(NearCacheActor, AWriterThatNeverComesBackCountsAsLost) {
  look("b");
  call<cache_ticket>(cache_begin_write{"b"});
  advance(29s, 100ms);
  tell(cache_proven{0, cache_time(&system), 0});
  EXPECT_EQ(figure("deaths_total", "own_write"), 0u);
  advance(3s, 100ms);
  EXPECT_EQ(figure("deaths_total", "own_write"), 1u);
  EXPECT_EQ(figure("items"), 0u);
}

TEST_F(NearCacheActor, Q6ParametersAreObeyedAtOnce) {
  look("b");
  set_cache wish;
  wish.validated = true;
  call<accepted>(wish);
  EXPECT_FALSE(look("b")->answer->from_cache);
  EXPECT_EQ(call<v1::CacheStatus>(v1::GetCacheStatus()).mode(), "validated");
  wish.staleness_max = -1ms;
  call<accepted>(wish);
  EXPECT_EQ(failed, ec::invalid_argument);
}

TEST_F(NearCacheActor, Q6EntriesExpire) {
  look("b");
  advance(62s, 500ms);
  EXPECT_EQ(figure("items"), 0u);
  EXPECT_EQ(figure("deaths_total", "expiry"), 1u);
}

TEST_F(NearCacheActor, Q23AllIsDroppedOnCommand) {
  look("b");
  call<accepted>(drop_cache{});
  EXPECT_EQ(figure("deaths_total", "command"), 1u);
  EXPECT_FALSE(look("b")->answer->from_cache);
}

TEST_F(NearCacheActor, Q16ItTakesInstructionsOfItsTypeAndService) {
  look("b");
  EXPECT_TRUE(call<caches_changed>(change_caches{"user", std::nullopt, std::nullopt}).all.empty());
  EXPECT_TRUE(call<caches_changed>(change_caches{"bucket", 4, std::nullopt}).all.empty());
  EXPECT_EQ(figure("items"), 1u);
  const auto dropped = call<caches_changed>(change_caches{"bucket", 3, std::nullopt});
  ASSERT_EQ(dropped.all.size(), 1u);
  EXPECT_EQ(dropped.all[0].type, "bucket");
  EXPECT_EQ(dropped.all[0].service, 3u);
  EXPECT_EQ(dropped.all[0].error, "");
  EXPECT_EQ(figure("items"), 0u);
  change_caches wish;
  wish.set.emplace().invalidation_interval = 7s;
  EXPECT_EQ(call<caches_changed>(wish).all.at(0).error, "");
  EXPECT_EQ(figure("invalidation_interval_ms"), 7000u);
  wish.set->time_to_live = -1s;
  EXPECT_EQ(call<caches_changed>(wish).all.at(0).error, "invalid argument");
}

TEST_F(NearCacheActor, Q23WhatIsHeldIsDroppedPeriodically) {
  set_cache wish;
  wish.invalidation_interval = 5s;
  call<accepted>(wish);
  for (int round = 1; round <= 3; ++round) {
    EXPECT_FALSE(look("b")->answer->from_cache);
    advance(5s, 100ms);
    EXPECT_EQ(figure("items"), 0u);
    EXPECT_EQ(figure("deaths_total", "command"), static_cast<std::uint64_t>(round));
  }
}

TEST_F(NearCacheActor, Q22AMirrorListsAllItemsAsSoonAsItHearsOfChanges) {
  start_as_mirror();
  EXPECT_TRUE(world.asked.empty()) << "what changed from now on it would not hear of";
  prove();
  EXPECT_EQ(world.asked.size(), 2u);
  for (const auto* name : {"b", "c", "d", "e"})
    EXPECT_TRUE(look(name)->answer->from_cache) << name;
  EXPECT_EQ(world.asked.size(), 2u);
  prove();
  EXPECT_EQ(world.asked.size(), 2u) << "once is enough";
  EXPECT_EQ(figure("mirroring"), 1u);
  EXPECT_EQ(figure("listed_total"), 4u);
}

TEST_F(NearCacheActor, Q22AMirrorIsFilledAgainAfterADrop) {
  start_as_mirror();
  prove();
  tell(cache_dropped{0, 20, false});
  world.tick = 25;
  set_bucket("unheard", "unheard", 24);
  world.buckets["unheard"].set_name("unheard");
  prove(20);
  run();
  const auto asked = world.asked.size();
  for (const auto* name : {"b", "c", "d", "e", "unheard"})
    EXPECT_TRUE(look(name)->answer->from_cache) << name;
  EXPECT_EQ(world.asked.size(), asked);
}

TEST_F(NearCacheActor, Q22AListingThatFailsIsBegunAnew) {
  start_as_mirror();
  world.fails = ec::unavailable;
  prove();
  EXPECT_EQ(figure("items"), 0u);
  world.fails.reset();
  advance(2s, 100ms);
  EXPECT_EQ(figure("items"), 4u);
}

TEST_F(NearCacheActor, Q22AMirrorThatDoesNotFitSaysSoAndIsFilledOnDemand) {
  options.parameters.items_max = 3;
  start_as_mirror();
  prove();
  EXPECT_EQ(figure("mirror"), 1u);
  EXPECT_EQ(figure("mirroring"), 0u);
  EXPECT_EQ(figure("mirror_overflows_total"), 1u);
  for (const auto* name : {"b", "c", "d", "e"})
    EXPECT_EQ(look(name)->id(), name == std::string("b") ? "one" : name);
  EXPECT_LE(figure("items"), 3u);
  set_cache wish;
  wish.items_max = 10;
  call<accepted>(wish);
  EXPECT_EQ(figure("mirroring"), 1u);
  EXPECT_EQ(figure("items"), 4u);
}

TEST_F(NearCacheActor, X2TellsTheSamplerOfSomeAnswersThatNoLeaderWasAskedFor) {
  look("b");
  EXPECT_TRUE(samples.empty());
  for (int i = 0; i < 10; ++i)
    look("b");
  look("b", true);
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].type, "bucket");
  EXPECT_EQ(samples[0].service, 3u);
  EXPECT_EQ(samples[0].key, "b");
  EXPECT_EQ(samples[0].tick, 5u);
  EXPECT_EQ(samples[0].bound, 1s);
  EXPECT_LT(system.clock().now().time_since_epoch() - samples[0].served_at, 1us);
  set_cache validate;
  validate.validated = true;
  call<accepted>(validate);
  advance(2s);
  look("b");
  EXPECT_EQ(samples.size(), 2u);
}

TEST_F(NearCacheActor, X2SaysHowOldWhatItServedMayHaveBeen) {
  look("b");
  look("b");
  advance(100ms);
  look("b");
  EXPECT_EQ(figure("hits_total"), 2u);
  EXPECT_EQ(figure("age_p50_ms"), 1u);
  EXPECT_EQ(figure("age_p99_ms"), 100u);
  EXPECT_EQ(figure("age_max_ms"), 100u);
  EXPECT_EQ(call<v1::CacheStatus>(v1::GetCacheStatus()).service(), 3u);
}

}  // namespace dunlin
