#include "apps/testkit/chaos.hpp"

#include <fmt/format.h>

#include <array>

namespace dunlin::testkit {

using namespace std::chrono_literals;

namespace {

constexpr std::array<std::string_view, 12> names = {
    "crash",          "silent_crash", "crash_at_call", "crash_leader", "cut_one_way", "cut_both",
    "isolate_leader", "break_wires",  "slow_node",     "loss",         "full_disk",   "flip_bits"};

}  // namespace

std::string_view to_string(fault what) { return names[static_cast<std::size_t>(what)]; }

std::vector<fault> all_faults() {
  std::vector<fault> all;
  for (std::size_t i = 0; i < names.size(); ++i)
    all.push_back(static_cast<fault>(i));
  return all;
}

chaos::chaos(virtual_cluster& cluster, chaos_options options)
    : cluster_(cluster),
      options_(std::move(options)),
      random_(cluster.seed() * 6364136223846793005ull + 1442695040888963407ull),
      nodes_(cluster.nodes()) {
  unlucky_ = draw();
}

const node_id& chaos::draw() { return nodes_[random_() % nodes_.size()]; }

std::chrono::milliseconds chaos::between(std::chrono::milliseconds min,
                                         std::chrono::milliseconds max) {
  const auto span = static_cast<std::uint64_t>((max - min).count()) + 1;
  return min + std::chrono::milliseconds(random_() % span);
}

void chaos::tell(const std::string& what) {
  story_.push_back(fmt::format("{:.3f} s: {}", cluster_.time().now().count() / 1e9, what));
  cluster_.tell("FAULT " + what);
}

void chaos::later(std::chrono::milliseconds wait, std::function<void()> what) {
  cluster_.time().events().after(wait, [alive = alive_, what = std::move(what)] {
    if (*alive) what();
  });
}

void chaos::begin() {
  later(between(options_.pause_min, options_.pause_max), [this] { next(); });
}

void chaos::next() {
  const auto what = options_.faults[random_() % options_.faults.size()];
  const auto told = story_.size();
  strike(what);
  if (story_.size() > told) ++counts_[std::string(to_string(what))];
  begin();
}

void chaos::end() {
  *std::exchange(alive_, std::make_shared<bool>(true)) = false;
  tell("the end of all faults");
  cluster_.network().heal_all();
  cluster_.network().set_faults({});
  for (const auto& name : nodes_) {
    cluster_.network().slow(name, {});
    cluster_.disk(name).give_back();
    cluster_.disk(name).cancel_crash();
  }
  cluster_.start_all();
}

void chaos::strike(fault what) {
  const auto& victim = draw();
  switch (what) {
    case fault::crash_leader:
    case fault::isolate_leader: {
      const auto leader = draw_leader();
      if (leader.empty()) return;
      return what == fault::crash_leader ? crash(leader, random_() % 2 == 0) : isolate(leader);
    }
    case fault::full_disk:
    case fault::flip_bits: return strike_node(what, unlucky_);
    case fault::loss: {
      simulation::network_faults faults;
      faults.delay_max = std::chrono::milliseconds(1 + random_() % 30);
      faults.lost_per_million = static_cast<std::uint32_t>(random_() % 50'000);
      faults.broken_per_million = static_cast<std::uint32_t>(random_() % 2'000);
      tell("loss on all ways");
      cluster_.network().set_faults(faults);
      return later(length(), [this] { cluster_.network().set_faults({}); });
    }
    default: return strike_node(what, victim);
  }
}

void chaos::strike_node(fault what, const node_id& victim) {
  auto& network = cluster_.network();
  auto other = draw();
  while (other == victim)
    other = draw();
  switch (what) {
    case fault::crash: return crash(victim, false);
    case fault::silent_crash: return crash(victim, true);
    case fault::crash_at_call: {
      if (!cluster_.runs(victim)) return;
      const auto call = 1 + random_() % 200;
      tell(fmt::format("power fails at {} in call {}", victim, call));
      cluster_.crash_at_call(victim, call);
      return later(5s + length(), [this, victim] { revive(victim); });
    }
    case fault::cut_one_way:
    case fault::cut_both: {
      const auto both = what == fault::cut_both;
      tell(fmt::format("{} cut from {}{}", victim, other, both ? ", both ways" : ""));
      network.cut(victim, other);
      if (both) network.cut(other, victim);
      return later(length(), [&network, victim, other] {
        network.heal(victim, other);
        network.heal(other, victim);
      });
    }
    case fault::break_wires:
      tell(fmt::format("wires of {} and {} break", victim, other));
      return network.break_wires(victim, other);
    case fault::slow_node:
      tell("slow: " + victim);
      network.slow(victim, std::chrono::milliseconds(1 + random_() % 300));
      return later(length(), [&network, victim] { network.slow(victim, {}); });
    case fault::full_disk: {
      auto& disk = cluster_.disk(victim);
      tell("full disk: " + victim);
      disk.leave_free(48u << 20);  // within the reserve
      return later(2 * length(), [&disk] { disk.give_back(); });
    }
    case fault::flip_bits: return flip_bits(victim);
    default: return;
  }
}

void chaos::crash(const node_id& victim, bool silent) {
  if (!cluster_.runs(victim)) return;
  tell(fmt::format("power fails at {}{}", victim, silent ? ", silently" : ""));
  cluster_.crash(victim, silent);
  later(length(), [this, victim] { revive(victim); });
}

node_id chaos::draw_leader() {
  const auto partition =
      static_cast<partition_id>(random_() % (cluster_.topology().options.partitions + 1));
  for (const auto& name : nodes_)
    if (cluster_.leads(name, partition)) return name;
  return {};
}

void chaos::isolate(const node_id& victim) {
  tell(fmt::format("{} cut from everybody", victim));
  const auto others = [this, victim] {
    auto all = nodes_;
    std::erase(all, victim);
    return all;
  }();
  for (const auto& other : others)
    cluster_.network().cut_both(victim, other);
  later(length(), [this, victim, others] {
    for (const auto& other : others) {
      cluster_.network().heal(victim, other);
      cluster_.network().heal(other, victim);
    }
  });
}

void chaos::revive(const node_id& victim) {
  if (cluster_.runs(victim)) return;
  tell("power is back at " + victim);
  // Now and then it fails again while the node starts.
  if (random_() % 4 == 0) cluster_.crash_at_call(victim, 1 + random_() % 400);
  if (!cluster_.start(victim)) later(200ms, [this, victim] { revive(victim); });
}

void chaos::flip_bits(const node_id& victim) {
  auto& disk = cluster_.disk(victim);
  for (const auto& [path, size] : disk.durable_files("extents")) {
    if (size == 0) continue;
    const auto offset = random_() % size;
    tell(fmt::format("a bit of {} flips at {}, offset {}", path, victim, offset));
    disk.flip_bit(path, offset, static_cast<int>(random_() % 8));
  }
}

}  // namespace dunlin::testkit
