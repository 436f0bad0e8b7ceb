#include "apps/balance_model/fleet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace dunlin::balance_model {

namespace {

constexpr std::uint32_t connections_max = 100'000;
constexpr std::size_t digest_max = 31;  // as actors/admission

double seconds_of(std::chrono::milliseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

std::string key_of(std::size_t client) { return std::to_string(client); }

}  // namespace

fleet::fleet(fleet_options options, workload& load)
    : options_{std::move(options)},
      load_{load},
      step_{seconds_of(options_.settings.load.sample_interval)} {
  for (std::uint32_t i = 0; i <= options_.balancers; ++i)
    dice_.push_back(std::make_unique<crypto::seeded_random>(options_.seed * 1000 + i));
  for (std::uint32_t i = 0; i < options_.balancers; ++i) {
    balancers_.push_back(std::make_unique<selection>("r1", *dice_[i + 1]));
    balancers_.back()->set_settings(options_.settings);
  }
  for (const auto capacity : options_.capacities)
    add_node(capacity);
  meet();
  lines_.resize(load_.clients().size());
  for (std::size_t i = 0; i < lines_.size(); ++i)
    arrivals_.push({load_.clients()[i].begins, ++order_, i});
}

void fleet::add_node(double capacity) {
  auto& made = nodes_.emplace_back();
  made.name = fmt::format("n{:03}", nodes_.size());
  made.capacity = capacity;
  made.meter.configure(options_.settings.load);
  made.peers.configure(options_.settings.peers);
  made.balancing.configure(options_.settings);
  by_name_[made.name] = nodes_.size() - 1;
  sample(made);
}

/// All hear of all.
void fleet::meet() {
  std::vector<node_id> names;
  selection::nodes places;
  for (const auto& node : nodes_) {
    names.push_back(node.name);
    places[node.name] = {"r1", ""};
  }
  for (auto& node : nodes_) {
    auto others = names;
    std::erase(others, node.name);
    node.peers.set_peers(others);
  }
  for (auto& balancer : balancers_)
    balancer->set_nodes(places);
}

peer_table::own_level fleet::own(const access_node& of) const {
  return {of.meter.level(), of.capacity * (1 - options_.settings.load.failure_overhead),
          static_cast<std::uint32_t>(of.lines.size())};
}

level_report fleet::report(const access_node& of) const {
  const auto me = own(of);
  balance::offer first;
  first.loads = of.meter.loads();
  first.fleet_level = of.peers.fleet_level(now(), {of.published, me.capacity, me.connections});
  return {of.name,
          1,
          me.level,
          me.capacity,
          std::chrono::milliseconds{0},
          balance::decide(options_.settings.accept, first).accepted,
          me.connections};
}

std::vector<level_report> fleet::digest(const access_node& of) const {
  std::vector<level_report> made{report(of)};
  const auto known = of.peers.digest(now(), digest_max, figures_.accepted);
  for (const auto& one : known)
    made.push_back({one.node, one.incarnation, one.level, one.capacity, now() - one.said_at,
                    one.willing, one.connections});
  return made;
}

bool fleet::offer(std::size_t client, std::size_t index, std::uint32_t attempt, bool last,
                  bool moving) {
  auto& node = nodes_[index];
  const auto me = own(node);
  balance::offer what;
  what.attempt = attempt;
  what.last_resort = last;
  what.loads = node.meter.loads();
  what.fleet_level = node.peers.fleet_level(now(), {node.published, me.capacity, me.connections});
  what.cooling = node.refusals.refuses(key_of(client), now());
  const auto verdict = balance::decide(options_.settings.accept, what);
  if (watch) watch(time_, node.name, what, verdict);
  ++(verdict.accepted ? figures_.accepted : figures_.refused);
  if (verdict.accepted) {
    const auto level = balance::level_of(node.meter.loads_measured());
    const auto known =
        moving ? demand_known(client)
               : node.peers.mean_demand(now(), {level, me.capacity, node.sampled_lines});
    accepted_credit_ = balance::credit_for(known, me.capacity, connections_max, moving);
    node.meter.on_accepted(accepted_credit_);
  }
  return verdict.accepted;
}

/// As balancer_core places a line; returns the node that took it.
std::optional<std::size_t> fleet::place(std::size_t client, std::size_t exclude, bool may_last) {
  auto& by = *balancers_[lines_[client].balancer];
  const auto& accept = options_.settings.accept;
  std::set<node_id> refused, gone;
  if (exclude != none) gone.insert(nodes_[exclude].name);
  const auto moving = exclude != none;
  const auto size = moving ? demand_known(client) : 0.0;
  std::map<node_id, double> at_least;
  std::uint32_t attempt = 1;
  bool desperate = false;
  for (std::uint32_t tries = 1;; ++tries) {
    const auto last = attempt > accept.steps.size();
    if (last && (!accept.last_resort || !may_last)) return {};
    if (last && !std::exchange(desperate, true)) refused.clear();
    auto not_these = gone;
    not_these.insert(refused.begin(), refused.end());
    auto chosen =
        last ? by.pick_last(now(), not_these, at_least) : by.pick(now(), attempt, not_these, size);
    if (!chosen && !last) chosen = by.pick(now(), attempt, gone, size);
    if (!chosen) return {};
    const auto index = by_name_.at(*chosen);
    by.offered(*chosen);
    if (!nodes_[index].up) {
      by.unreachable(now(), *chosen);
      gone.insert(*chosen);
      continue;
    }
    const auto yes = offer(client, index, attempt, last, moving);
    by.heard(now(), digest(nodes_[index]));
    if (yes) {
      by.accepted(now(), *chosen, size);
      if (!moving) ++figures_.attempts[attempt];
      if (!moving && steady()) {
        offers_steady_ += attempt;
        ++connects_steady_;
      }
      return index;
    }
    by.refused(now(), *chosen, attempt, last);
    refused.insert(*chosen);
    at_least[*chosen] = by.refused_from(now(), attempt, last);
    ++attempt;
  }
}

void fleet::attach(std::size_t client, std::size_t index) {
  lines_[client].node = index;
  lines_[client].accepted_at = now();
  lines_[client].credit = accepted_credit_;
  lines_[client].declared = 0;
  nodes_[index].lines[client] = time_;
}

void fleet::detach(std::size_t client) {
  auto& line = lines_[client];
  if (line.node == none) return;
  auto& node = nodes_[line.node];
  const auto used = node.demands.demand(client) / own(node).capacity;
  balance::parts parts{};
  parts[static_cast<std::size_t>(options_.ask_every > 0 ? balance::resource::declared
                                                        : balance::resource::cpu)] = used;
  parts[static_cast<std::size_t>(balance::resource::net)] = used * load_.clients()[client].net;
  node.meter.on_departed(line.accepted_at, line.credit, parts);
  node.balancing.on_gone(client);
  node.lines.erase(client);
  line.node = none;
}

void fleet::connect(std::size_t client) {
  auto& line = lines_[client];
  line.balancer = static_cast<std::uint32_t>(dice_[0]->next() % options_.balancers);
  ++figures_.connects;
  const auto found = place(client, none, true);
  if (watch_connects) watch_connects(time_, found.has_value());
  if (found) {
    line.wait = 0.5;
    return attach(client, *found);
  }
  ++figures_.failed;
  line.wait = std::min(line.wait * 2, 30.0);
  const auto again = time_ + line.wait;
  if (again < load_.clients()[client].ends) arrivals_.push({again, ++order_, client});
}

/// Of one that is to be moved: what its node can say of it.
double fleet::demand_known(std::size_t client) {
  if (options_.ask_every <= 0) return load_.demand(client, time_);
  return nodes_[lines_[client].node].demands.demand(client);
}

/// What its clients have declared since the last sample.
void fleet::ask(access_node& node) {
  std::map<std::uint64_t, balance::declared_meter::account> all;
  for (const auto& [client, since] : node.lines) {
    auto& line = lines_[client];
    line.asks_at = std::max(line.asks_at, load_.clients()[client].begins);
    for (; line.asks_at <= time_; line.asks_at += options_.ask_every)
      line.declared += load_.demand(client, time_) * options_.ask_every;
    all[client] = {line.declared, line.known};
  }
  node.declared.on_sample(now(), all);
}

void fleet::sample(access_node& node) {
  double cpu = 0, net = 0, mem = 0;
  const auto asks = options_.ask_every > 0;
  if (asks) ask(node);
  std::vector<demand_book::account> accounts;
  for (const auto& [client, since] : node.lines) {
    auto& line = lines_[client];
    const auto demand = load_.demand(client, time_);
    const auto& of = load_.clients()[client];
    line.used += demand * step_;
    cpu += demand;
    net += demand * of.net;
    mem += of.memory;
    if (steps_ % 4 == 0) {
      demand_book::account one;
      one.connection = client;
      one.declared = asks ? node.declared.spread(client) : line.used;
      one.known = asks ? line.known : demand;
      accounts.push_back(one);
    }
  }
  using balance::resource;
  const auto declared = std::exchange(node.declared_before, node.declared.spread_of_all());
  if (asks)
    node.meter.on_sample(
        now(), {{resource::declared, (node.declared_before - declared) / step_, node.capacity}});
  else
    node.meter.on_sample(now(), {{resource::cpu, cpu, node.capacity},
                                 {resource::net, net, node.capacity},
                                 {resource::mem, mem, node.capacity}});
  if (steps_ % 4 == 0)
    node.demands.on_sample(
        now(), {{}, node.capacity, 1, options_.settings.rebalance.demand_history}, accounts);
  node.sampled_lines = static_cast<std::uint32_t>(node.lines.size());
  node.use = cpu / node.capacity;
  node.peak = asks ? node.use : std::max({cpu, net, mem}) / node.capacity;
  node.smooth += (node.use - node.smooth) * (1 - std::exp(-step_ / 60));
}

void fleet::exchange(access_node& node) {
  node.published = own(node).level;
  const auto said = report(node);
  ++node.sequence;
  for (auto& other : nodes_)
    if (other.up && &other != &node)
      other.peers.on_indicators(
          {said.node, 1, said.level, said.capacity, said.willing, said.connections, now()},
          node.sequence);
}

void fleet::move(std::size_t from, std::size_t client) {
  auto& node = nodes_[from];
  const auto taker = place(client, from, false);
  if (!taker) {
    ++figures_.moves_refused;
    node.peers.on_nobody_takes();
    return node.balancing.on_kept(now(), client);
  }
  auto& line = lines_[client];
  const auto& by = options_.settings.rebalance;
  if (time_ - line.moved_at < seconds_of(by.cool_down)) ++figures_.moved_soon;
  node.refusals.add(key_of(client), now() + by.refusal);
  const auto known = demand_known(client);
  detach(client);
  line.known = known;
  line.moved = true;
  line.moved_at = time_;
  attach(client, *taker);
  ++figures_.moves;
  if (steady()) ++moves_steady_;
  if (added_ && !figures_.add_minutes) ++figures_.add_moves;
}

void fleet::close(std::size_t from, std::size_t client) {
  nodes_[from].refusals.add(key_of(client), now() + options_.settings.rebalance.refusal);
  detach(client);
  ++figures_.moves;
  if (steady()) ++moves_steady_;
  connect(client);
}

void fleet::rebalance(std::size_t index) {
  auto& node = nodes_[index];
  const auto me = own(node);
  rebalancer::view at;
  at.loads = node.meter.loads();
  at.fleet_level = node.peers.fleet_level(now(), me);
  at.part_below = node.peers.part_below(
      now(), options_.settings.rebalance.peers_level.value_or(at.fleet_level));
  at.part_willing = node.peers.part_willing(now());
  at.capacity = me.capacity;
  std::vector<rebalancer::candidate> all;
  if (node.balancing.overloaded(at))
    for (const auto& [client, since] : node.lines)
      all.push_back({client,
                     now() - std::chrono::milliseconds{static_cast<std::int64_t>(since * 1000)},
                     node.demands.demand(client), lines_[client].moved});
  const auto decision = node.balancing.on_time(now(), at, all, [this](std::size_t below) {
    return static_cast<std::size_t>(dice_[0]->next() % below);
  });
  if (watch_decisions && !decision.connections.empty()) watch_decisions(time_, node.name);
  for (const auto client : decision.connections)
    if (decision.what == rebalancer::act::move)
      move(index, client);
    else if (decision.what == rebalancer::act::close)
      close(index, client);
}

void fleet::kill() {
  auto& node = nodes_.front();
  node.up = false;
  std::vector<std::size_t> orphans;
  for (const auto& [client, since] : node.lines)
    orphans.push_back(client);
  for (const auto client : orphans) {
    detach(client);
    arrivals_.push(
        {time_ + 2.0 * static_cast<double>(dice_[0]->next() % 1000) / 1000, ++order_, client});
  }
}

void fleet::step() {
  const auto due = [this](double at, const std::optional<double>& when) {
    return when && at >= *when && at < *when + step_;
  };
  if (due(time_, options_.add_at)) {
    add_node(1);
    added_ = nodes_.size() - 1;
    meet();
  }
  if (due(time_, options_.kill_at)) kill();
  const auto every = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(
             std::llround(seconds_of(options_.settings.peers.exchange) / step_)));
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].up) continue;
    sample(nodes_[i]);
    if ((steps_ + i) % every == 0) exchange(nodes_[i]);
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].up) rebalance(i);
  measure();
  ++steps_;
}

fleet_figures fleet::run() {
  for (double tick = step_; tick < options_.seconds; tick += step_) {
    const auto next = [&] {
      const auto arrival = arrivals_.empty() ? 1e18 : arrivals_.top().at;
      return std::min(arrival, ends_.empty() ? 1e18 : ends_.top().at);
    };
    while (next() < tick) {
      const auto ending =
          !ends_.empty() && (arrivals_.empty() || ends_.top().at <= arrivals_.top().at);
      auto& from = ending ? ends_ : arrivals_;
      const auto event = from.top();
      from.pop();
      time_ = std::max(time_, event.at);
      if (ending) {
        detach(event.client);
      } else {
        // One that was orphaned or refused comes again; its end is known already.
        if (event.at == load_.clients()[event.client].begins)
          ends_.push({load_.clients()[event.client].ends, ++order_, event.client});
        if (event.at < load_.clients()[event.client].ends) connect(event.client);
      }
    }
    time_ = tick;
    step();
  }
  return finish();
}

}  // namespace dunlin::balance_model
