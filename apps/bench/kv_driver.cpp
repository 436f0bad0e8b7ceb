// dunlin-kv FILE NODE: drives one partition over a peer link, as node NODE of the topology, and
// prints its rate and latencies as one line of JSON. For tools/bench.

#include "apps/assembly/incarnation.hpp"
#include "apps/assembly/process_ports.hpp"
#include "messages/error.hpp"
#include "messages/partition.hpp"
#include "runtime/ask.hpp"
#include "runtime/links/links.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/scheduling/frugal_scheduler.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <future>
#include <random>
#include <thread>

using namespace dunlin;
using steady = std::chrono::steady_clock;

namespace {

struct load {
  std::string operation = "put";  ///< fill, put or get
  std::uint32_t concurrency = 1;
  std::uint32_t seconds = 5;
  std::uint32_t keys = 100'000;
  std::uint32_t value_bytes = 100;
};

struct outcome {
  std::vector<double> milliseconds;
  std::uint64_t failed = 0;
  std::string first_failure;
  double seconds = 0;
};

/// Talks to the leader directly, as a router on a warm node does; the leader is asked for first.
struct driver_state {
  load what;
  partition_actor leader;
  std::vector<partition_actor> replicas;
  std::mt19937_64 random{42};
  std::uint64_t next_key = 0;
  std::uint64_t sequence = 0;
  std::uint32_t open = 0;
  steady::time_point started, end;
  outcome seen;
  std::promise<outcome>* done = nullptr;
};

using driver = caf::stateful_actor<driver_state>;

const std::string bucket(16, 'b');

std::string key_of(std::uint64_t number) { return fmt::format("key-{:08}", number); }

bool over(driver* self) {
  auto& state = self->state;
  return state.what.operation == "fill" ? state.next_key >= state.what.keys
                                        : steady::now() >= state.end;
}

void go_on(driver* self);

void answered(driver* self, steady::time_point asked) {
  const std::chrono::duration<double, std::milli> took = steady::now() - asked;
  self->state.seen.milliseconds.push_back(took.count());
  --self->state.open;
  go_on(self);
}

void failed(driver* self, const std::string& why) {
  auto& seen = self->state.seen;
  if (seen.failed++ == 0) seen.first_failure = why;
  --self->state.open;
  go_on(self);
}

void put(driver* self) {
  auto& state = self->state;
  const auto number =
      state.what.operation == "fill" ? state.next_key++ : state.random() % state.what.keys;
  v1::PartitionCommand call;
  call.set_partition(1);
  auto& wish = *call.mutable_command()->mutable_put_object();
  wish.set_bucket_id(bucket);
  wish.set_key(key_of(number));
  wish.mutable_record()->set_etag(std::string(state.what.value_bytes, 'x'));
  const auto asked = steady::now();
  ask(
      self, state.leader, std::chrono::seconds(10), call,
      [self, asked](const v1::CommandReply& reply) {
        if (reply.status() == v1::CommandReply::OK)
          answered(self, asked);
        else
          failed(self, "status " + std::to_string(reply.status()));
      },
      [self](const caf::error& error) { failed(self, render(error)); });
}

void get(driver* self) {
  v1::PartitionQuery query;
  query.set_partition(1);
  query.mutable_get_object()->set_bucket_id(bucket);
  query.mutable_get_object()->set_key(key_of(self->state.random() % self->state.what.keys));
  const auto asked = steady::now();
  ask(
      self, self->state.leader, std::chrono::seconds(10), query,
      [self, asked](const v1::QueryReply& reply) {
        if (reply.status() == v1::CommandReply::OK)
          answered(self, asked);
        else
          failed(self, "status " + std::to_string(reply.status()));
      },
      [self](const caf::error& error) { failed(self, render(error)); });
}

void go_on(driver* self) {
  auto& state = self->state;
  if (state.seen.failed > 100) state.end = steady::now();
  while (!over(self) && state.open < state.what.concurrency && state.seen.failed <= 100) {
    ++state.open;
    if (state.what.operation == "get")
      get(self);
    else
      put(self);
  }
  if (state.open > 0) return;
  state.seen.seconds = std::chrono::duration<double>(steady::now() - state.started).count();
  state.done->set_value(std::move(state.seen));
  self->quit();
}

/// Asks every replica who leads until one says that it does.
void find_leader(driver* self, std::size_t attempt) {
  auto& state = self->state;
  const auto replica = state.replicas[attempt % state.replicas.size()];
  ask(
      self, replica, std::chrono::seconds(1), v1::GetReplicaStatus{},
      [self, replica, attempt](const v1::ReplicaStatus& status) {
        if (status.role() != "leader") return find_leader(self, attempt + 1);
        self->state.leader = replica;
        self->state.started = steady::now();
        self->state.end = self->state.started + std::chrono::seconds(self->state.what.seconds);
        go_on(self);
      },
      [self, attempt](const caf::error&) {
        self->delayed_send(self, std::chrono::milliseconds(100), attempt + 1);
      });
}

caf::behavior drive(driver* self, load what, std::vector<partition_actor> replicas,
                    std::promise<outcome>* done) {
  self->state.what = what;
  self->state.replicas = std::move(replicas);
  self->state.done = done;
  self->send(self, std::size_t{0});
  return {[self](std::size_t attempt) { find_leader(self, attempt); }};
}

int print(outcome seen, const load& what) {
  if (seen.milliseconds.empty() || seen.failed > 0) {
    fmt::print(stderr, "{} requests failed, {} succeeded; first failure: {}\n", seen.failed,
               seen.milliseconds.size(), seen.first_failure);
    return 1;
  }
  auto& times = seen.milliseconds;
  std::sort(times.begin(), times.end());
  fmt::print(
      "{{\"operation\": \"{}\", \"concurrency\": {}, \"ops_s\": {:.1f}, \"p50_ms\": {:.3f}, "
      "\"p99_ms\": {:.3f}}}\n",
      what.operation, what.concurrency, static_cast<double>(times.size()) / seen.seconds,
      times[times.size() / 2], times[times.size() * 99 / 100]);
  return 0;
}

int run(const std::string& file, const node_id& name, const load& what) {
  const auto read = topology::read_file(file);
  for (const auto& mistake : read.mistakes)
    fmt::print(stderr, "{}\n", mistake.render());
  if (!read.read || !read.read->find(name)) return 2;
  const auto& cluster = *read.read;
  auto ports = assembly::open_process_ports(cluster, *cluster.find(name));
  if (!ports) return 1;
  const auto incarnation = assembly::next_incarnation(*ports->storage);
  if (!incarnation) return 1;

  caf::actor_system_config config;
  scheduling::use_frugal_scheduler(config, 2);
  caf::actor_system system{config};
  links::link_options options;
  options.cluster = cluster.options.name;
  options.self = name;
  options.incarnation = *incarnation;
  for (const auto& node : cluster.nodes)
    if (node.name != name) options.peers.push_back(node.name);
  links::node_links links{system,           options,        *ports->wires,
                          *ports->identity, *ports->random, *ports->counts};
  if (!links.start()) return 1;

  std::vector<partition_actor> replicas;
  for (const auto& node : cluster.partition_nodes(1))
    replicas.push_back(links.at<partition_actor>(node, "partition", 1));
  std::promise<outcome> done;
  auto waiting = done.get_future();
  system.spawn(drive, what, replicas, &done);
  auto code = 1;
  if (waiting.wait_for(std::chrono::seconds(what.seconds + 90)) == std::future_status::ready)
    code = print(waiting.get(), what);
  else
    fmt::print(stderr, "no answer: the partition has no leader, or the links do not connect\n");
  std::fflush(stdout);
  std::_Exit(code);  // nothing here is worth an orderly end
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Drives one partition of a Dunlin cluster and prints rate and latencies."};
  std::string file, name;
  load what;
  app.add_option("FILE", file, "topology file")->required();
  app.add_option("NODE", name, "node of the file to speak as")->required();
  app.add_option("--operation", what.operation, "fill, put or get")
      ->check(CLI::IsMember({"fill", "put", "get"}));
  app.add_option("--concurrency", what.concurrency, "requests in flight");
  app.add_option("--seconds", what.seconds, "length of a put or get run");
  app.add_option("--keys", what.keys, "keys that exist");
  app.add_option("--value", what.value_bytes, "bytes of a value");
  CLI11_PARSE(app, argc, argv);
  log::set_level(log::level::error);
  return run(file, name, what);
}
