/// Replicas with message queues: what was changed gets to a queue and leaves the outbox, whoever
/// leads and whatever queues do (Q7, decision 13, docs/decisions/0011).
#include "messages/cache_types.hpp"
#include "tests/unit/partition/replica_world.hpp"

using namespace dunlin;
using namespace dunlin::testing_partition;
using namespace std::chrono_literals;

namespace {

/// What queues have taken, and how they answer.
struct queues {
  std::set<std::uint64_t> ordinals;
  std::vector<v1::CacheUpdate> updates;
  std::map<node_id, int> messages;
  std::set<node_id> silent, refusing;
  std::string unreadable;  ///< a key
  std::map<node_id, message_queue_actor> at;
};

message_queue_actor::behavior_type queue(message_queue_actor::pointer self, queues* all,
                                         node_id name) {
  return {
      [=](const v1::EnqueueUpdates& wish) -> caf::result<v1::EnqueueReply> {
        ++all->messages[name];
        if (all->silent.contains(name)) return self->make_response_promise<v1::EnqueueReply>();
        if (all->refusing.contains(name)) return make_error(ec::overloaded);
        for (const auto& change : wish.changes())
          for (const auto& update : change.updates())
            if (!all->unreadable.empty() && update.key() == all->unreadable)
              return make_error(ec::bad_message);
        for (const auto& change : wish.changes()) {
          EXPECT_EQ(change.type(), "object");
          EXPECT_EQ(change.partition(), 1u);
          for (const auto& run : change.covered())
            for (auto ordinal = run.first(); ordinal <= run.last(); ++ordinal)
              all->ordinals.insert(ordinal);
          all->updates.insert(all->updates.end(), change.updates().begin(), change.updates().end());
        }
        return v1::EnqueueReply{};
      },
      [](const v1::Subscribe&) { return v1::SubscribeReply{}; },
      [](const v1::BatchAck&) {},
  };
}

struct Announcing : testing::Test {
  void start(const std::vector<node_id>& names, announcing_options how = {}) {
    how.queues = names;
    how.find = [this](const node_id& name) { return all.at[name]; };
    replica_world::settings with;
    with.announcing = std::move(how);
    with.announcing.choice = queue_choice::round_robin;
    with.laggard_bytes_max = 64 << 10;
    world = std::make_unique<replica_world>(with);
    for (const auto& name : names)
      all.at[name] = world->world.system.spawn(queue, &all, name);
    leader = world->leader();
  }
  ~Announcing() override {
    for (auto& [name, one] : all.at)
      caf::anon_send_exit(one, caf::exit_reason::kill);
    all.at.clear();
    world = nullptr;
  }
  void put(int count, const std::string& prefix = "k") {
    std::vector<outcome_ptr> open;
    for (int i = 0; i < count; ++i)
      open.push_back(world->command(leader, put_object(prefix + std::to_string(i))));
    for (const auto& one : open)
      EXPECT_TRUE(world->wait(one)->reply);
  }
  std::uint64_t outbox_rows(const node_id& name) {
    return stored_state(*world->at(name).store.lock()).outbox_rows();
  }
  std::size_t missing(std::uint64_t through) const {
    std::size_t count = 0;
    for (std::uint64_t ordinal = 1; ordinal <= through; ++ordinal)
      count += all.ordinals.contains(ordinal) ? 0 : 1;
    return count;
  }

  queues all;
  std::unique_ptr<replica_world> world;
  node_id leader;
};

TEST_F(Announcing, ChangesGetToAQueueAtOnceAndLeaveEveryOutboxWhenTheClientsAreQuiet) {
  start({"q1", "q2"});
  put(20);
  world->advance(10ms);
  EXPECT_EQ(missing(20), 0u);
  world->advance(6s);
  for (const auto* name : {"n1", "n2", "n3"})
    EXPECT_EQ(outbox_rows(name), 0u) << name;
  const auto applied = world->status(leader).applied();
  world->advance(30s);
  EXPECT_EQ(world->status(leader).applied(), applied);  // no batch without a reason
}

TEST_F(Announcing, AQueueThatIsSilentOrGoneIsLeftToOthers) {
  start({"q1", "q2", "q3"});
  all.silent.insert("q1");
  caf::anon_send_exit(all.at["q2"], caf::exit_reason::kill);
  all.at["q2"] = nullptr;
  for (int i = 0; i < 10; ++i) {
    put(3, std::to_string(i));
    world->advance(100ms);
  }
  world->advance(3s);
  EXPECT_EQ(missing(30), 0u);
  EXPECT_LT(all.messages["q1"], 8);
}

TEST_F(Announcing, ANewLeaderGivesToQueuesWhatTheOldOneCouldNot) {
  announcing_options small;
  small.limits.rows_max = 16;  // in pieces
  start({"q1"}, small);
  all.refusing.insert("q1");
  put(50);
  world->advance(1s);
  EXPECT_EQ(missing(50), 50u);
  world->crash(leader);
  all.refusing.clear();
  leader = world->leader();
  world->advance(6s);
  EXPECT_EQ(missing(50), 0u);
  EXPECT_EQ(outbox_rows(leader), 0u);
}

TEST_F(Announcing, WhenAllQueuesWereAwayNothingIsMissingOnceTheyAreBack) {
  start({"q1", "q2"});
  all.refusing = {"q1", "q2"};
  put(20);
  world->advance(60s);
  EXPECT_LT(all.messages["q1"], 40);
  all.refusing.clear();
  world->advance(10s);
  EXPECT_EQ(missing(20), 0u);
  EXPECT_EQ(outbox_rows(leader), 0u);
}

TEST_F(Announcing, RowsThatWereDroppedBecomeOneChangeOfEverythingOfTheirTypes) {
  announcing_options small;
  small.limits.rows_max = 4;
  start({"q1"}, small);
  all.refusing.insert("q1");
  for (int i = 0; i < 45; ++i)
    put(100, std::to_string(i) + "/");
  EXPECT_LE(outbox_rows(leader), 4096u);
  all.refusing.clear();
  world->advance(20s);
  EXPECT_EQ(missing(4500), 0u);
  const auto whole = std::count_if(all.updates.begin(), all.updates.end(),
                                   [](const v1::CacheUpdate& one) { return one.whole(); });
  EXPECT_GE(whole, 1);
  EXPECT_EQ(outbox_rows(leader), 0u);
}

TEST_F(Announcing, ChangesOfTypesThatAreCarriedBringWhatTheItemIsNow) {
  announcing_options carrying;
  carrying.carried = {"object"};
  start({"q1"}, carrying);
  put(1);
  world->advance(10ms);
  ASSERT_EQ(all.updates.size(), 1u);
  v1::CachedRecord record;
  ASSERT_TRUE(record.ParseFromString(all.updates[0].value()));
  EXPECT_EQ(record.object().etag(), "e");
  EXPECT_EQ(record.object().tick(), all.updates[0].tick());
  v1::Command gone;
  gone.mutable_delete_objects()->set_bucket_id(std::string(16, 'b'));
  gone.mutable_delete_objects()->add_keys("k0");
  world->wait(world->command(leader, gone));
  world->advance(10ms);
  ASSERT_EQ(all.updates.size(), 2u);
  EXPECT_TRUE(all.updates[1].removed());
}

TEST_F(Announcing, ARowThatQueuesCannotReadIsGivenUpAloneAndItsOrdinalStaysMissing) {
  start({"q1"});
  all.unreadable = std::string(16, 'b') + "k7";
  put(20);
  world->advance(6s);
  EXPECT_EQ(missing(20), 1u);
  EXPECT_EQ(outbox_rows(leader), 0u);
}

TEST_F(Announcing, ChangesOfTypesThatNobodyCachesLeaveTheOutboxWithoutTroublingAQueue) {
  announcing_options of_buckets;
  of_buckets.types = {"bucket"};
  start({"q1"}, of_buckets);
  put(20);
  world->advance(6s);
  EXPECT_EQ(all.messages["q1"], 0);
  for (const auto* name : {"n1", "n2", "n3"})
    EXPECT_EQ(outbox_rows(name), 0u) << name;
}

TEST_F(Announcing, WithoutQueuesTheOutboxKeepsItsRows) {
  start({});
  put(20);
  world->advance(10s);
  EXPECT_EQ(outbox_rows(leader), 20u);
}

TEST_F(Announcing, X2WhoeverLeadsKnowsHowLongAgoAnItemWasChanged) {
  start({"q1"});
  put(1);
  const auto changed = world->wait(world->command(leader, put_object("k0")))->reply->tick();
  world->advance(5s);
  const auto age_of = [&](std::uint64_t known) {
    v1::PartitionQuery query;
    auto& body = *query.mutable_get_change_age();
    body.set_type("object");
    body.set_key(std::string(16, 'b') + "k0");
    body.set_known_tick(known);
    return world->wait(world->query(leader, query))->answer->change_age();
  };
  EXPECT_EQ(age_of(changed).next_tick(), 0u);
  EXPECT_EQ(age_of(changed).newest_tick(), changed);
  EXPECT_EQ(age_of(changed - 1).next_tick(), changed);
  EXPECT_GE(age_of(changed - 1).age_us(), 5'000'000u);
  EXPECT_LE(age_of(changed - 1).age_us(), 5'200'000u);
  EXPECT_GE(age_of(changed - 1).remembers_us(), 5'000'000u);
  world->crash(leader);
  leader = world->leader();
  EXPECT_EQ(age_of(changed - 1).next_tick(), changed);
  EXPECT_GE(age_of(changed - 1).age_us(), 5'000'000u);
}

TEST_F(Announcing, ItsFiguresTellWhatWaitsAndWhatQueuesHaveTaken) {
  announcing_options counting;
  counting.counts = std::make_shared<metrics>();
  auto& counts = *counting.counts;
  start({"q1", "q2"}, counting);
  const auto count = [&](const char* name) { return counts.counter(name, "").value(); };
  const auto waiting = [&](const char* name) {
    return counts.gauge(name, "", {{"partition", "1"}}).value();
  };
  put(20);
  world->advance(100ms);
  EXPECT_EQ(count("dunlin_announcer_rows_total"), 20);
  EXPECT_EQ(count("dunlin_announcer_announced_total"), 20);
  EXPECT_EQ(count("dunlin_announcer_failed_total"), 0);
  EXPECT_EQ(waiting("dunlin_announcer_rows_waiting"), 0);
  all.refusing = {"q1", "q2"};
  put(5, "late");
  world->advance(10s);
  EXPECT_EQ(waiting("dunlin_announcer_rows_waiting"), 5);
  EXPECT_GE(waiting("dunlin_announcer_outbox_rows"), 5);
  EXPECT_GE(waiting("dunlin_announcer_oldest_wait_ms"), 4000);
  EXPECT_GT(count("dunlin_announcer_failed_total"), 1);
  EXPECT_GT(count("dunlin_announcer_rows_sent_again_total"), 4);
  EXPECT_GT(count("dunlin_announcer_queue_changes_total"), 0);
  all.refusing.clear();
  world->advance(20s);
  EXPECT_EQ(count("dunlin_announcer_announced_total"), 25);
  EXPECT_EQ(waiting("dunlin_announcer_rows_waiting"), 0);
  EXPECT_EQ(waiting("dunlin_announcer_oldest_wait_ms"), 0);
  EXPECT_EQ(waiting("dunlin_announcer_outbox_rows"), 0);
}

}  // namespace
