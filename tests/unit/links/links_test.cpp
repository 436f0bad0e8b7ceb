// Calls, loss, restarts and liars: node_links over the simulated network, on virtual time.
#include "runtime/links/frames.hpp"
#include "tests/unit/links/linked_nodes.hpp"

namespace dunlin::links {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

struct served {
  bool answers = true;
  int raft_messages = 0;
  std::vector<std::uint32_t> queries;
  std::vector<caf::typed_response_promise<v1::QueryReply>> waiting;
};

partition_actor::behavior_type fake_partition(partition_actor::pointer self, served* it) {
  return {
      [](const v1::PartitionCommand&) -> caf::result<v1::CommandReply> {
        return make_error(ec::not_leader, "c");
      },
      [=](const v1::PartitionQuery& query) {
        it->queries.push_back(query.partition());
        auto promise = self->make_response_promise<v1::QueryReply>();
        v1::QueryReply reply;
        reply.set_tick(query.partition());
        if (it->answers)
          promise.deliver(reply);
        else
          it->waiting.push_back(promise);
        return promise;
      },
      [=](const v1::RaftMessage&) { ++it->raft_messages; },
      // A promise may only be kept in its own actor's turn: this is what makes it answer late.
      [=](const v1::GetReplicaStatus&) {
        for (auto& promise : it->waiting)
          promise.deliver(v1::QueryReply{});
        it->waiting.clear();
        return v1::ReplicaStatus{};
      },
  };
}

class Links : public LinkedNodes {
protected:
  partition_actor serve(const node_id& name) {
    auto role = system.spawn(fake_partition, &it);
    roles.push_back(caf::actor_cast<caf::actor>(role));
    nodes[name].links->serve("partition", 1, role);
    return role;
  }
  partition_actor at(const node_id& from, const node_id& to) {
    return nodes[from].links->at<partition_actor>(to, "partition", 1);
  }
  static v1::PartitionQuery query(std::uint32_t number = 5) {
    v1::PartitionQuery q;
    q.set_partition(number);
    q.set_trace_id("t");
    return q;
  }
  served it;
};

TEST_F(Links, ConnectEveryPairOnce) {
  start_all();
  for (const auto& [name, one] : nodes)
    for (const auto& [other, two] : nodes)
      EXPECT_EQ(connected(name, other), name != other) << name << other;
  EXPECT_EQ(network.open_wires(), 3u);
  EXPECT_THAT(nodes["a"].news, testing::UnorderedElementsAre("up b 1", "up c 1"));
}

TEST_F(Links, F1LetANodeInThatJoinsWhileTheyRun) {
  start_all();
  serve("a");
  auto fresh = options("d", 1);
  fresh.peers = {"a", "b", "c"};
  start(fresh, "ca");
  time.run_for(3s);
  EXPECT_FALSE(connected("d", "a"));  // nobody has told the others
  EXPECT_EQ(at("a", "d"), nullptr);
  for (const auto* name : {"a", "b", "c"})
    nodes[name].links->add_peer("d");
  time.run_for(3s);
  for (const auto* name : {"a", "b", "c"})
    EXPECT_TRUE(connected(name, "d") && connected("d", name)) << name;
  const auto answer = ask(at("d", "a"), query(4));
  time.run_for(10ms);
  EXPECT_EQ(*answer, "4");
  EXPECT_THAT(nodes["a"].news, testing::UnorderedElementsAre("up b 1", "up c 1", "up d 1"));
  EXPECT_EQ(network.open_wires(), 6u);
}

TEST_F(Links, F1StayAsTheyAreWhenAPeerIsAddedThatTheyKnow) {
  start_all();
  nodes["a"].links->add_peer("b");
  time.run_for(3s);
  EXPECT_EQ(network.open_wires(), 3u);
  EXPECT_THAT(nodes["a"].news, testing::UnorderedElementsAre("up b 1", "up c 1"));
}

TEST_F(Links, BringACallAndItsAnswerInBothDirections) {
  start_all();
  serve("a");
  serve("b");
  const auto from_a = ask(at("a", "b"), query(1));
  const auto from_b = ask(at("b", "a"), query(2));
  EXPECT_EQ(*from_a, "");
  time.run_for(10ms);
  EXPECT_EQ(*from_a, "1");
  EXPECT_EQ(*from_b, "2");
}

TEST_F(Links, BringErrorsWithTheirDetail) {
  start_all();
  serve("b");
  const auto heard = ask<v1::CommandReply>(at("a", "b"), v1::PartitionCommand{});
  time.run_for(10ms);
  EXPECT_EQ(*heard, "not leader: c");
}

TEST_F(Links, AnswerForRolesThatAreNotThere) {
  start_all();
  const auto nobody = ask(at("a", "b"), query());
  time.run_for(10ms);
  const auto role = serve("b");
  time.run_for(10ms);
  EXPECT_EQ(*nobody, "unavailable: the role is not running");
  caf::anon_send_exit(role, caf::exit_reason::kill);
  const auto dead = ask(at("a", "b"), query());
  time.run_for(10ms);
  EXPECT_EQ(*dead, "unavailable: the role is not running");
}

TEST_F(Links, RefuseAMessageThatTheRoleDoesNotKnow) {
  using other_role = caf::typed_actor<caf::replies_to<v1::ListPages>::with<v1::QueryReply>>;
  start_all();
  serve("b");
  const auto heard = ask(nodes["a"].links->at<other_role>("b", "partition", 1), v1::ListPages{});
  time.run_for(10ms);
  EXPECT_EQ(*heard, "unsupported: the role does not know the message");
}

TEST_F(Links, BringOneWayMessagesAndDropThemWithoutALink) {
  start_all();
  serve("b");
  const auto stub = at("a", "b");
  caf::anon_send(stub, v1::RaftMessage{});
  time.run_for(10ms);
  EXPECT_EQ(it.raft_messages, 1);
  crash("b");
  time.run_for(10ms);
  caf::anon_send(stub, v1::RaftMessage{});
  time.run_for(10ms);
  EXPECT_EQ(figure("a", "dunlin_link_dropped_total", "b"), 1);
}

TEST_F(Links, FailCallsInFlightWhenThePeerGoes) {
  start_all();
  serve("b");
  it.answers = false;
  const auto heard = ask(at("a", "b"), query());
  time.run_for(10ms);
  EXPECT_EQ(*heard, "");
  crash("b");
  time.run_for(10ms);
  EXPECT_EQ(*heard, "peer lost: connection lost: peer lost");
  EXPECT_EQ(nodes["a"].news.back(), "lost b 1");
  EXPECT_EQ(ask(at("a", "b"), query())->rfind("unavailable: b: ", 0), 0u);
}

TEST_F(Links, NoticeAPeerThatLostItsPowerByItsSilence) {
  start_all();
  serve("b");
  it.answers = false;
  const auto heard = ask(at("a", "b"), query());
  crash("b", true);
  time.run_for(2500ms);
  EXPECT_EQ(*heard, "");
  time.run_for(1s);
  EXPECT_EQ(*heard, "peer lost: nothing heard");
  EXPECT_FALSE(connected("a", "b"));
}

TEST_F(Links, StayUpWithoutTraffic) {
  start_all();
  time.run_for(60s);
  EXPECT_EQ(nodes["a"].news.size(), 2u);
  // Two frames each 500 ms at most: a ping, and the answer to the peer's.
  EXPECT_LE(figure("a", "dunlin_link_frames_sent_total", "b"), 250);
}

TEST_F(Links, MeetANodeThatStartsAgainWithANewLife) {
  start_all();
  crash("b");
  start("b", 2);
  serve("b");
  EXPECT_TRUE(
      time.run_until([&] { return status("a", "b").incarnation == 2 && connected("b", "c"); }, 3s));
  const auto heard = ask(at("a", "b"), query());
  time.run_for(10ms);
  EXPECT_EQ(*heard, "5");
}

TEST_F(Links, RefuseAnOlderLifeOfANode) {
  start_all();
  crash("c");
  start("c", 2);
  EXPECT_TRUE(time.run_until([&] { return status("a", "c").incarnation == 2; }, 3s));
  crash("c");
  start("c", 1);
  time.run_for(20s);
  EXPECT_FALSE(connected("a", "c"));
  EXPECT_GT(figure("a", "dunlin_link_refused_total", "c"), 0);
}

TEST_F(Links, HealAfterACut) {
  start_all();
  serve("b");
  network.cut("a", "b");
  EXPECT_TRUE(time.run_until([&] { return !connected("b", "a"); }, 4s));
  time.run_for(10s);
  EXPECT_FALSE(connected("a", "b"));
  network.heal_all();
  EXPECT_TRUE(time.run_until([&] { return connected("a", "b") && connected("b", "a"); }, 10s));
  const auto heard = ask(at("a", "b"), query());
  time.run_for(10ms);
  EXPECT_EQ(*heard, "5");
}

TEST_F(Links, DropAnswersThatComeAfterTheirDeadline) {
  auto quick = options("a", 1);
  quick.call_deadline = 1s;
  start(quick, "ca");
  start("b");
  time.run_for(100ms);
  const auto role = serve("b");
  it.answers = false;
  const auto heard = ask(at("a", "b"), query());
  time.run_for(1300ms);
  EXPECT_EQ(heard->substr(0, 9), "timed out");
  ASSERT_EQ(it.waiting.size(), 1u);
  caf::anon_send(role, v1::GetReplicaStatus{});
  time.run_for(100ms);
  EXPECT_TRUE(it.waiting.empty());
  EXPECT_TRUE(connected("a", "b"));
}

TEST_F(Links, GatherTheMessagesOfOneBurstInFewFrames) {
  start_all();
  serve("b");
  const auto before = figure("a", "dunlin_link_frames_sent_total", "b");
  const auto stub = at("a", "b");
  for (int i = 0; i < 1000; ++i)
    caf::anon_send(stub, v1::RaftMessage{});
  time.run_for(10ms);
  EXPECT_EQ(it.raft_messages, 1000);
  EXPECT_LE(figure("a", "dunlin_link_frames_sent_total", "b") - before, 20);
}

TEST_F(Links, AnswerOverloadedAtTheBoundOnCallsInFlight) {
  auto tight = options("a", 1);
  tight.calls_max = 10;
  start(tight, "ca");
  start("b");
  time.run_for(100ms);
  serve("b");
  it.answers = false;
  std::vector<std::shared_ptr<std::string>> heard;
  for (int i = 0; i < 12; ++i)
    heard.push_back(ask(at("a", "b"), query()));
  time.run_for(10ms);
  EXPECT_EQ(it.queries.size(), 10u);
  EXPECT_EQ(*heard[11], "overloaded: b: too many calls in flight");
  EXPECT_EQ(*heard[0], "");
}

TEST_F(Links, RefuseCallsOfAFloodBeyondWhatTheyServe) {
  start("a");
  auto tight = options("b", 1);
  tight.calls_max = 10;
  start(tight, "ca");
  time.run_for(100ms);
  serve("b");
  it.answers = false;
  std::vector<std::shared_ptr<std::string>> heard;
  for (int i = 0; i < 12; ++i)
    heard.push_back(ask(at("a", "b"), query()));
  time.run_for(10ms);
  EXPECT_EQ(it.queries.size(), 10u);
  EXPECT_EQ(*heard[11], "overloaded: too many calls are being served");
}

TEST_F(Links, RefuseAMessageLargerThanAFrame) {
  start_all();
  auto large = query();
  large.mutable_get_object()->set_key(std::string(5u << 20, 'x'));
  EXPECT_EQ(*ask(at("a", "b"), large), "invalid argument: larger than a frame may be");
}

TEST_F(Links, RefuseANodeOfAnotherCluster) {
  start("a");
  auto other = options("b", 1);
  other.cluster = "other";
  start(other, "ca");
  time.run_for(5s);
  EXPECT_FALSE(connected("a", "b"));
  EXPECT_FALSE(connected("b", "a"));
  EXPECT_EQ(status("a", "b").last_error, "the peer said: another cluster");
  EXPECT_GT(figure("b", "dunlin_link_refused_total", "a"), 0);
}

TEST_F(Links, RefuseANodeWhoseKeyIsNotTheClusters) {
  start("a");
  start(options("b", 1), "another authority");
  time.run_for(5s);
  EXPECT_FALSE(connected("a", "b"));
  EXPECT_FALSE(connected("b", "a"));
}

TEST_F(Links, EndWithAllTheirStubsWhenTheyStop) {
  start_all();
  serve("b");
  it.answers = false;
  const auto heard = ask(at("a", "b"), query());
  time.run_for(10ms);
  nodes["a"].links->stop();
  time.run_for(10ms);
  EXPECT_EQ(*heard, "peer lost: the node stops");
  EXPECT_FALSE(connected("b", "a"));
  EXPECT_EQ(status("b", "a").last_error, "the peer said: the node stops");
}

TEST_F(Links, EndEveryCallOnceWhateverTheNetworkDoes) {
  start_all();
  serve("b");
  network.set_faults({100us, 20ms, 20'000, 200ms, 5'000});
  std::vector<std::shared_ptr<std::string>> heard;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    heard.push_back(ask(at(i % 2 == 0 ? "a" : "c", "b"), query(7)));
    if (i == 300) network.cut("b", "a");
    if (i == 600) network.heal_all();
    time.run_for(20ms);
  }
  network.set_faults({});
  time.run_for(35s);
  std::map<std::string, int> outcomes;
  for (const auto& one : heard)
    ++outcomes[one->substr(0, one->find(':'))];
  EXPECT_FALSE(outcomes.contains(""));
  EXPECT_GT(outcomes["7"], 500);
  EXPECT_GT(network.counts().wires_broken, 0u);
  EXPECT_TRUE(connected("a", "b") && connected("b", "c"));
}

/// A raw wire into node b, from one that calls itself a.
class Strangers : public Links {
protected:
  void SetUp() override {
    start("b");
    start("c");
    network.wires("a").dial("b", [this](result<wire_ptr> made) {
      ASSERT_TRUE(made);
      raw = *made;
      raw->start({[this](std::string frame) { said.push_back(std::move(frame)); },
                  [this](ec) { closed = true; }});
    });
    time.run_for(10ms);
    ASSERT_TRUE(raw);
  }
  void say(const std::string& bytes) {
    raw->send(std::make_shared<const std::string>(bytes));
    time.run_for(10ms);
  }
  v1::LinkFrame last() {
    v1::LinkFrame frame;
    EXPECT_TRUE(frame.ParseFromString(said.at(said.size() - 1)));
    return frame;
  }
  static greeting hello(const node_id& name) {
    return {"c",
            name,
            1,
            1,
            1,
            std::string(32, 'n'),
            simulation::sim_identity{"ca", name}.certificate()};
  }
  wire_ptr raw;
  std::vector<std::string> said;
  bool closed = false;
};

TEST_F(Strangers, ThatSpeakGarbageAreClosed) {
  say("\xff\xff garbage");
  EXPECT_TRUE(closed);
  EXPECT_EQ(to_ec(last().goodbye().reason().code()), ec::bad_message);
}

TEST_F(Strangers, ThatSayNothingAreClosedAtTheDeadline) {
  time.run_for(4900ms);
  EXPECT_FALSE(closed);
  time.run_for(200ms);
  EXPECT_TRUE(closed);
}

TEST_F(Strangers, ThatAreNoNodeAreRefused) {
  say(*encode(hello("nobody")));
  EXPECT_TRUE(closed);
  EXPECT_EQ(to_ec(last().goodbye().reason().code()), ec::refused);
}

TEST_F(Strangers, ThatGreetButDoNotProveThemselvesReachNoRole) {
  serve("b");
  say(*encode(hello("a")));
  EXPECT_EQ(said.size(), 2u);  // hello and proof
  v1::LinkFrame frame;
  *frame.mutable_envelope() =
      to_envelope("b", {"partition", 1, "dunlin.v1.PartitionQuery", {}, {}}, 1, 1s);
  for (int i = 0; i < 100; ++i)
    say(*encode(frame));
  EXPECT_TRUE(it.queries.empty());
  EXPECT_EQ(figure("b", "dunlin_link_dropped_total", "a"), 100);
  EXPECT_TRUE(time.run_until([&] { return closed; }, 5s));
  EXPECT_FALSE(connected("b", "a"));
}

TEST_F(Strangers, ThatProveThemselvesWithAWrongKeyAreRefused) {
  say(*encode(hello("a")));
  say(*encode_proof("forged"));
  EXPECT_TRUE(closed);
  EXPECT_EQ(to_ec(last().goodbye().reason().code()), ec::refused);
}

TEST_F(Strangers, InAFloodOfOpenWiresAreBounded) {
  std::vector<wire_ptr> wires;
  for (int i = 0; i < 200; ++i)
    network.wires("z").dial("b", [&](result<wire_ptr> made) {
      (*made)->start({[](std::string) {}, [](ec) {}});
      wires.push_back(*made);
    });
  time.run_for(100ms);
  EXPECT_LE(network.open_wires(), 66u);
  // Once their time is up a real node finds its place.
  time.run_for(6s);
  raw->close();
  start("a");
  EXPECT_TRUE(time.run_until([&] { return connected("a", "b"); }, 5s));
}

}  // namespace
}  // namespace dunlin::links
