#include "apps/testkit/virtual_cluster.hpp"

#include "apps/testkit/node_clock.hpp"
#include "apps/testkit/raft_watch.hpp"
#include "messages/error.hpp"
#include "runtime/crypto/random.hpp"
#include "runtime/observe/log.hpp"

#include <caf/actor_registry.hpp>
#include <caf/event_based_actor.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace dunlin::testkit {

namespace {

topology::cluster read_topology(const knobs& shape) {
  auto outcome = topology::read_text(shape.topology, "virtual.toml");
  if (!outcome.mistakes.empty()) throw std::invalid_argument(outcome.mistakes.front().render());
  auto& options = outcome.read->options;
  options.wal_segment_bytes = shape.wal_segment_bytes;
  options.wal_bytes_max = shape.wal_bytes_max;
  return *outcome.read;
}

knobs usual(std::uint64_t seed, const std::string& topology) {
  knobs shape;
  shape.topology = topology;
  constexpr std::uint64_t intervals[] = {4u << 10, 64u << 10, 8u << 20};
  shape.checkpoint_bytes = intervals[seed % 3];
  return shape;
}

/// As a node whose timers run at another speed has it.
topology::cluster drifted(topology::cluster of, std::uint32_t permille) {
  of.options.heartbeat = of.options.heartbeat * permille / 1000;
  of.options.election = of.options.election * permille / 1000;
  return of;
}

}  // namespace

virtual_cluster::virtual_cluster(std::uint64_t seed, const std::string& topology)
    : virtual_cluster(seed, usual(seed, topology)) {}

virtual_cluster::virtual_cluster(std::uint64_t seed, knobs shape)
    : seed_(seed),
      shape_(std::move(shape)),
      topology_(read_topology(shape_)),
      time_(seed),
      network_(time_.events(), seed ^ 0x9e3779b97f4a7c15ull, shape_.network),
      root_{"VIRTUALROOTACCESSKEY", "virtual-root-secret", topology_.options.region},
      watch_(std::make_unique<raft_watch>()) {
  log::set_sink([this](log::level severity, const std::string& line) { hear(severity, line); });
  network_.set_faults(shape_.weather);
  if (shape_.streams || topology_.balanced()) begin_streams();
  std::uint64_t part = seed;
  simulation::virtual_time::group group = 0;
  for (const auto& node : topology_.nodes) {
    auto& machine = machines_[node.name];
    const auto timers = shape_.timers_permille;
    machine.topology = drifted(topology_, group < timers.size() ? timers[group] : 1000);
    machine.group = ++group;
    machine.clock = std::make_shared<node_clock>(time_);
    machine.disk = std::make_unique<simulation::sim_disk>(++part * 7919, shape_.disk_bytes);
    machine.disk_luck.seed(part);
    machine.identity =
        std::make_unique<simulation::sim_identity>(topology_.options.name, node.name);
    machine.random = std::make_shared<crypto::seeded_random>(++part * 104729);
    machine.load = std::make_shared<virtual_load>(part * 86028121);
    machine.counts = std::make_shared<metrics>();
  }
}

virtual_cluster::~virtual_cluster() {
  on_event_ = nullptr;
  on_cache_event_ = nullptr;
  on_leader_ = nullptr;
  time_.driver().set_observer(nullptr);
  time_.driver().set_service(nullptr);
  if (clients_) clients_->abort();
  for (auto& [name, machine] : machines_) {
    resume(name);
    if (machine.node) machine.node->stop();
    machine.node.reset();
    if (machine.front) machine.front->stop();
  }
  // What was in flight gives up in its own time; the actor system would wait for it for ever.
  time_.run_until([this] { return time_.system().registry().running() == 0; },
                  std::chrono::minutes(30));
  clients_.reset();
  network_.end_streams();
  log::set_sink(nullptr);
}

std::vector<node_id> virtual_cluster::nodes() const {
  std::vector<node_id> names;
  for (const auto& node : topology_.nodes)
    names.push_back(node.name);
  return names;
}

std::vector<node_id> virtual_cluster::access_nodes() const {
  std::vector<node_id> names;
  for (const auto& node : topology_.nodes)
    if (node.roles.contains(topology::role::access)) names.push_back(node.name);
  return names;
}

node_id virtual_cluster::any_access_node(std::mt19937_64& random) const {
  const auto all = access_nodes();
  std::vector<node_id> running;
  for (const auto& name : all)
    if (runs(name)) running.push_back(name);
  return running.empty() ? all.front() : running[random() % running.size()];
}

bool virtual_cluster::power_fails() const {
  return crashing_ || std::any_of(machines_.begin(), machines_.end(),
                                  [](const auto& one) { return one.second.disk->is_down(); });
}

void virtual_cluster::hear(log::level severity, const std::string& line) {
  // The time of the line is the real one.
  const auto lasting =
      std::string_view(line).substr(std::min(line.find(R"("level")"), line.size()));
  note(lasting);
  const auto* machine = current_machine();
  const auto name = current_name();
  tell(name, lasting);
  if (severity != log::level::error || power_fails() || (machine && disk_fails(*machine))) return;
  error_lines_.push_back(name + ": " + line);
}

void virtual_cluster::tell(std::string_view where, std::string_view event) {
  if (on_event_)
    on_event_(
        fmt::format("{:.6f} {} {}", static_cast<double>(time_.now().count()) / 1e9, where, event));
}

void virtual_cluster::note(std::string_view what) {
  note(static_cast<std::uint64_t>(what.size()));
  for (; !what.empty(); what.remove_prefix(std::min(what.size(), sizeof(std::uint64_t)))) {
    std::uint64_t word = 0;
    std::memcpy(&word, what.data(), std::min(what.size(), sizeof word));
    note(word);
  }
  note(static_cast<std::uint64_t>(time_.now().count()));
}

/// Eight bytes at once, because whole bodies come by: a product, and its upper half folded down.
void virtual_cluster::note(std::uint64_t what) {
  history_ = (history_ ^ what) * 0x9fb21c651e98df25ull;
  history_ ^= history_ >> 32;
}

assembly::node_options virtual_cluster::options_of(const node_id& name) {
  auto& machine = machines_.at(name);
  assembly::node_options options;
  options.ballast_bytes_max = shape_.ballast_bytes_max;
  options.own_threads = false;
  options.seed = assembly::credentials{root_.access_key, root_.secret};
  options.checkpoint_bytes = shape_.checkpoint_bytes;
  options.tuning = shape_.tuning;
  options.observer = [this, name, &machine, life = machine.life](partition_id partition,
                                                                 const raft::raft_core& core,
                                                                 const raft::ready& work) {
    if (machine.life != life) return;  // the power is off: what it does now nobody sees
    watch_->step(name, partition, core, work);
    const auto led = std::exchange(machine.leads[partition], core.leads());
    if (!led && core.leads() && on_leader_) on_leader_(name, partition);
    note(partition ^ core.term() << 8 ^ core.commit() << 24 ^ work.messages.size() << 56);
    if (traces_)
      tell(name,
           fmt::format("raft {}: {} term {} last {} commit {} applied {}, {} messages", partition,
                       core.leads() ? "leads" : "follows", core.term(), core.last_index(),
                       core.commit(), core.applied(), work.messages.size()));
  };
  options.opened_state = [&machine](partition_id id, std::shared_ptr<kv_store> state) {
    machine.states[id] = state;
  };
  options.opened_pages = [&machine](std::shared_ptr<extents::extent_store> pages) {
    machine.pages = pages;
  };
  options.opened_cache = [&machine](std::uint64_t service, const std::string& type,
                                    const near_cache_actor& cache) {
    machine.caches[{service, type}] = cache.address();
  };
  options.opened_router = [&machine](const partition_router_actor& router) {
    machine.router = router.address();
  };
  options.heard = [this, name](const std::string& type, const std::string& key,
                               std::uint64_t tick) {
    if (on_heard_) on_heard_(name, type, key, tick);
  };
  options.watch_caches = [this, name, &machine, life = machine.life](std::uint64_t service,
                                                                     const std::string& type,
                                                                     const cache_event& what) {
    if (on_cache_event_ && machine.life == life) on_cache_event_({name, life, service, type}, what);
  };
  // As in production, where the process ends and is started again (decision 0003).
  options.on_fatal = [this, name, &machine, life = machine.life](const std::string& role,
                                                                 const std::string& reason) {
    if (machine.life != life) return;
    log::error("virtual.role_died", {{"node", name}, {"role", role}, {"reason", reason}});
    tell(name, "ends: " + role + ": " + reason);
    if (!power_fails() && !disk_fails(machine))
      own_ends_.push_back(fmt::format("{}: {}: {}", name, role, reason));
    time_.events().after({}, [this, name, &machine, life] {
      if (machine.life == life) crash(name);
    });
  };
  return options;
}

bool virtual_cluster::start(const node_id& name) {
  auto& machine = machines_.at(name);
  DUNLIN_ASSERT(!machine.node);
  if (clients_) open_streams(name);
  assembly::node_ports ports{*machine.disk,     network_.wires(name), network_.bulk(name),
                             *machine.identity, machine.entry(),      machine.clock,
                             machine.random,    machine.counts};
  ports.clients = machine.line_clients.get();
  ports.legs = machine.line_legs.get();
  ports.book = machine.book;
  ports.direct = machine.direct;
  ports.load = machine.load;
  auto started = time_.driver().as(machine.group, [&] {
    return assembly::node::start(time_.system(), machine.topology, name, ports, options_of(name));
  });
  if (started) {
    tell(name, "runs");
    machine.node = std::move(*started);
    return true;
  }
  if (!machine.disk->is_down() && !disk_fails(machine))
    throw start_refused(fmt::format("{} does not: {}", name, to_string(started.error())));
  // What its actors left behind ends with them.
  power_off(name, false);
  return false;
}

void virtual_cluster::start_all() {
  for (const auto& name : nodes())
    while (!runs(name))
      start(name);
}

void virtual_cluster::crash(const node_id& name, bool silent) {
  const auto& machine = machines_.at(name);
  if (machine.node || machine.disk->is_down()) power_off(name, silent);
}

void virtual_cluster::power_off(const node_id& name, bool silent) {
  auto& machine = machines_.at(name);
  tell(name, silent ? "power off, silently" : "power off");
  crashing_ = true;
  resume(name);  // else its actors would not end
  network_.crash(name, silent);
  machine.s3.crash();
  if (machine.front) machine.front->stop();
  // The disk goes first: what its actors still try to write is not written.
  machine.disk->crash();
  if (machine.node) machine.node->stop();
  machine.node.reset();
  machine.leads.clear();
  ++machine.life;
  watch_->crashed(name);
  // Turns that have begun end now.
  set_services();
  time_.settle();
  machine.front.reset();
  crashing_ = false;
  set_services();
}

void virtual_cluster::crash_at_call(const node_id& name, std::uint64_t calls) {
  // Actors cannot be ended in the middle of a turn.
  machines_.at(name).disk->crash_after(
      calls, [this, name] { time_.events().after({}, [this, name] { crash(name); }); });
}

bool virtual_cluster::leads(const node_id& name, partition_id partition) const {
  const auto& all = machines_.at(name).leads;
  const auto found = all.find(partition);
  return found != all.end() && found->second;
}

std::shared_ptr<kv_store> virtual_cluster::state(const node_id& name, partition_id partition) {
  return runs(name) ? machines_.at(name).states[partition].lock() : nullptr;
}

std::shared_ptr<extents::extent_store> virtual_cluster::pages(const node_id& name) {
  return runs(name) ? machines_.at(name).pages.lock() : nullptr;
}

double virtual_cluster::counted(const node_id& name, const std::string& counter,
                                const metrics::labels& with) const {
  return machines_.at(name).counts->counter(counter, "", with).value();
}

double virtual_cluster::shown(const node_id& name, const std::string& gauge) const {
  return machines_.at(name).counts->gauge(gauge, "").value();
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

std::optional<cache_answer> virtual_cluster::look_up(const node_id& name, const std::string& type,
                                                     const std::string& key,
                                                     std::uint64_t service) {
  const auto& known = machines_.at(name).caches;
  auto found = known.find({service, type});
  if (found == known.end()) found = known.find({services::all, type});
  const auto cache = !runs(name) || found == known.end()
                         ? near_cache_actor()
                         : caf::actor_cast<near_cache_actor>(found->second);
  if (!cache) return {};
  const auto heard = std::make_shared<std::optional<cache_answer>>();
  const auto answered = std::make_shared<bool>(false);
  time_.system().spawn([heard, answered, cache, key](caf::event_based_actor* self) {
    self->request(cache, std::chrono::seconds(20), cache_look_up{key, false, "checker"})
        .then(
            [heard, answered](const cache_answer& answer) {
              *heard = answer;
              *answered = true;
            },
            [answered](const caf::error&) { *answered = true; });
  });
  time_.run_until([answered] { return *answered; }, std::chrono::seconds(30));
  return *heard;
}

virtual_cluster::client_parts virtual_cluster::parts(const node_id& name) const {
  client_parts out;
  if (!runs(name)) return out;
  const auto& machine = machines_.at(name);
  out.manager = machine.node->manager();
  out.router = caf::actor_cast<partition_router_actor>(machine.router);
  for (const auto& [where, cache] : machine.caches)
    if (where.first == services::s3 || where.first == services::all)
      out.caches.emplace(where.second, caf::actor_cast<near_cache_actor>(cache));
  return out;
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

std::vector<std::string> virtual_cluster::violations() const { return watch_->violations(); }

}  // namespace dunlin::testkit
