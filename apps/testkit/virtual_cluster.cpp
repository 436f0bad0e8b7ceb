#include "apps/testkit/virtual_cluster.hpp"

#include "apps/testkit/raft_watch.hpp"
#include "messages/error.hpp"
#include "runtime/crypto/random.hpp"
#include "runtime/observe/log.hpp"

#include <caf/actor_registry.hpp>
#include <caf/event_based_actor.hpp>

#include <stdexcept>

namespace dunlin::testkit {

namespace {

constexpr std::int64_t simulated_epoch_ms = 1'700'000'000'000;

class virtual_wall_clock final : public wall_clock {
public:
  explicit virtual_wall_clock(const virtual_time& of) : of_(of) {}
  std::int64_t now_ms() const override {
    return simulated_epoch_ms +
           std::chrono::duration_cast<std::chrono::milliseconds>(of_.now()).count();
  }

private:
  const virtual_time& of_;
};

topology::cluster read_topology(const std::string& text) {
  auto outcome = topology::read_text(text, "virtual.toml");
  if (!outcome.mistakes.empty()) throw std::invalid_argument(outcome.mistakes.front().render());
  return *outcome.read;
}

}  // namespace

virtual_cluster::virtual_cluster(std::uint64_t seed, const std::string& topology)
    : seed_(seed),
      topology_(read_topology(topology)),
      time_(seed),
      network_(time_.events(), seed ^ 0x9e3779b97f4a7c15ull),
      clock_(std::make_shared<virtual_wall_clock>(time_)),
      root_{"VIRTUALROOTACCESSKEY", "virtual-root-secret", topology_.options.region},
      watch_(std::make_unique<raft_watch>()) {
  log::set_sink([this](log::level severity, const std::string& line) {
    if (severity == log::level::error) error_lines_.push_back(line);
  });
  std::uint64_t part = seed;
  for (const auto& node : topology_.nodes) {
    auto& machine = machines_[node.name];
    machine.disk = std::make_unique<simulation::sim_disk>(++part * 7919);
    machine.identity =
        std::make_unique<simulation::sim_identity>(topology_.options.name, node.name);
    machine.random = std::make_shared<crypto::seeded_random>(++part * 104729);
    machine.counts = std::make_shared<metrics>();
  }
}

virtual_cluster::~virtual_cluster() {
  for (auto& [name, machine] : machines_) {
    if (machine.node) machine.node->stop();
    machine.node.reset();
  }
  // What was in flight gives up in its own time; the actor system would wait for it for ever.
  time_.run_until([this] { return time_.system().registry().running() == 0; },
                  std::chrono::minutes(30));
  log::set_sink(nullptr);
}

std::vector<node_id> virtual_cluster::nodes() const {
  std::vector<node_id> names;
  for (const auto& node : topology_.nodes)
    names.push_back(node.name);
  return names;
}

std::int64_t virtual_cluster::wall_ms() const { return clock_->now_ms(); }

void virtual_cluster::start(const node_id& name) {
  auto& machine = machines_.at(name);
  DUNLIN_ASSERT(!machine.node);
  assembly::node_ports ports{*machine.disk,     network_.wires(name), network_.bulk(name),
                             *machine.identity, &machine.s3,          clock_,
                             machine.random,    machine.counts};
  assembly::node_options options;
  options.own_threads = false;
  options.seed = assembly::credentials{root_.access_key, root_.secret};
  options.observer = [this, name](partition_id partition, const raft::raft_core& core,
                                  const raft::ready& work) {
    watch_->step(name, partition, core, work);
  };
  options.on_fatal = [name](const std::string& role, const std::string& reason) {
    log::error("virtual.role_died", {{"node", name}, {"role", role}, {"reason", reason}});
  };
  auto started = assembly::node::start(time_.system(), topology_, name, ports, options);
  if (!started)
    throw std::runtime_error("node " + name +
                             " does not start: " + std::string(to_string(started.error())));
  machine.node = std::move(*started);
}

void virtual_cluster::start_all() {
  for (const auto& name : nodes())
    if (!runs(name)) start(name);
}

void virtual_cluster::crash(const node_id& name) {
  auto& machine = machines_.at(name);
  if (!machine.node) return;
  network_.crash(name);
  machine.s3.stop();
  // The disk goes first: what its actors still try to write is not written.
  machine.disk->crash();
  machine.node->stop();
  machine.node.reset();
  watch_->crashed(name);
  time_.settle();
}

bool virtual_cluster::wait_until_ready(std::chrono::seconds limit) {
  const auto end = time_.now() + limit;
  while (time_.now() < end) {
    bool all = true;
    for (const auto& name : nodes())
      if (runs(name)) all = all && status(name).state() == v1::NodeStatus::READY;
    if (all) return true;
    time_.run_for(std::chrono::milliseconds(200));
  }
  return false;
}

v1::NodeStatus virtual_cluster::status(const node_id& name) {
  auto heard = std::make_shared<std::optional<v1::NodeStatus>>();
  const auto& machine = machines_.at(name);
  if (!machine.node) return {};
  time_.system().spawn([heard, manager = machine.node->manager()](caf::event_based_actor* self) {
    self->request(manager, std::chrono::seconds(5), v1::GetNodeStatus{})
        .then([heard](const v1::NodeStatus& status) { *heard = status; },
              [heard](const caf::error&) { *heard = v1::NodeStatus{}; });
  });
  time_.run_until([&] { return heard->has_value(); }, std::chrono::seconds(10));
  return heard->value_or(v1::NodeStatus{});
}

node_id virtual_cluster::leader_of(partition_id partition) {
  node_id leader;
  std::uint64_t term = 0;
  for (const auto& name : nodes()) {
    if (!runs(name)) continue;
    const auto seen = status(name);
    for (const auto& replica : seen.replicas())
      if (replica.partition() == partition && replica.role() == "leader" && replica.term() > term) {
        leader = name;
        term = replica.term();
      }
  }
  return leader;
}

void virtual_cluster::send(const node_id& through, const std::string& method,
                           const std::string& path, const std::string& query,
                           const std::string& body, on_answer done,
                           std::vector<http::header> headers) {
  simulation::sim_request request;
  request.head =
      signed_request(root_, method, path, query, std::move(headers), body, clock_->now_ms());
  request.head.id = "virtual-" + std::to_string(++requests_);
  constexpr std::size_t chunk = 256u << 10;
  for (std::size_t at = 0; at < body.size(); at += chunk)
    request.body.push_back(body.substr(at, chunk));
  auto soon = [this](std::function<void()> what) { time_.events().after({}, std::move(what)); };
  auto finished = [done](const simulation::sim_response& response) {
    answer heard;
    if (response.finished && !response.cut && response.head) {
      heard.status = response.head->status;
      heard.headers = response.head->headers;
      heard.body = response.body;
    }
    done(heard);
  };
  auto exchange = simulation::sim_exchange::make(std::move(request), soon, finished);
  if (!machines_.at(through).s3.submit(exchange)) soon([done] { done(answer{}); });
}

virtual_cluster::answer virtual_cluster::call(const node_id& through, const std::string& method,
                                              const std::string& path, const std::string& query,
                                              const std::string& body,
                                              std::vector<http::header> headers) {
  auto heard = std::make_shared<std::optional<answer>>();
  send(
      through, method, path, query, body, [heard](const answer& it) { *heard = it; },
      std::move(headers));
  time_.run_until([&] { return heard->has_value(); }, std::chrono::seconds(120));
  return heard->value_or(answer{});
}

std::vector<std::string> virtual_cluster::violations() const { return watch_->violations(); }

}  // namespace dunlin::testkit
