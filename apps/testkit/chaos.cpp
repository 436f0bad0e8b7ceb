#include "apps/testkit/chaos.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dunlin::testkit {

using namespace std::chrono_literals;

namespace {

constexpr std::array<std::string_view, 31> names = {
    "crash",      "silent_crash", "crash_at_call", "crash_leader", "crash_all",   "crash_staggered",
    "crash_loop", "away_long",    "pause",         "cut_one_way",  "cut_both",    "isolate_leader",
    "halves",     "bridge",       "sees_some",     "flapping",     "swizzle",     "break_wires",
    "slow_node",  "loss",         "adversary",     "narrow",       "clock_jump",  "clock_drift",
    "full_disk",  "full_disks",   "last_byte",     "disk_error",   "disk_errors", "slow_disk",
    "flip_bits"};
static_assert(names.size() == static_cast<std::size_t>(fault::flip_bits) + 1);

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
      network_(cluster.network()),
      options_(std::move(options)),
      random_(cluster.seed() * 6364136223846793005ull + 1442695040888963407ull),
      nodes_(cluster.nodes()) {
  // Damage is about pages, and whoever stores none has none.
  side storing;
  for (const auto& node : cluster.topology().nodes)
    if (node.roles.contains(topology::role::storage)) storing.push_back(node.name);
  unlucky_ = storing[random_() % storing.size()];
}

// ---- when ----

void chaos::begin() {
  later(between(options_.pause_min, options_.pause_max), [this] { next(); });
  later(1s, [this] { look_after(); });
}

void chaos::next() {
  strike(options_.faults[random_() % options_.faults.size()]);
  later(between(options_.pause_min, options_.pause_max), [this] { next(); });
}

/// As a supervisor does: a node that ended itself is started again.
void chaos::look_after() {
  for (const auto& name : nodes_)
    if (!cluster_.runs(name) && !dark_.contains(name)) revive(name);
  later(1s, [this] { look_after(); });
}

void chaos::end() {
  *std::exchange(alive_, std::make_shared<bool>(true)) = false;
  tell("the end of all faults");
  network_.heal_all();
  network_.set_faults(cluster_.shape().weather);
  for (const auto& name : nodes_) {
    network_.slow(name, {});
    cluster_.resume(name);
    cluster_.set_clock(name, {});
    cluster_.mend_disk(name);
    cluster_.disk(name).cancel_crash();
  }
  dark_.clear();
  cluster_.start_all();
}

void chaos::later(milliseconds wait, std::function<void()> what) {
  cluster_.time().events().after(wait, [alive = alive_, what = std::move(what)] {
    if (*alive) what();
  });
}

// ---- what ----

void chaos::strike(fault what) {
  const auto told = story_.size();
  dispatch(what);
  if (story_.size() == told) return;
  ++counts_[std::string(to_string(what))];
  if (on_strike_) on_strike_(what);
}

void chaos::dispatch(fault what) {
  const auto victim = draw();
  const auto between_nodes = what >= fault::cut_one_way && what <= fault::break_wires;
  if (between_nodes && nodes_.size() < 2) return;
  switch (what) {
    case fault::crash: return crash(victim, false, length());
    case fault::silent_crash: return crash(victim, true, length());
    case fault::crash_at_call: return crash_at_call(victim);
    case fault::crash_leader: return crash_leader();
    case fault::crash_all: return crash_everywhere(0ms);
    case fault::crash_staggered: return crash_everywhere(between(20ms, 1500ms));
    case fault::crash_loop: return crash_again(victim, 2 + up_to(3));
    case fault::away_long: return stay_away(victim);
    case fault::pause: return pause(victim);
    case fault::cut_one_way: return cut(victim, false);
    case fault::cut_both: return cut(victim, true);
    case fault::isolate_leader: return isolate_leader();
    case fault::halves: return split(false);
    case fault::bridge: return split(true);
    case fault::sees_some: return hide_some(victim);
    case fault::flapping: return start_flapping(victim);
    case fault::swizzle: return swizzle();
    case fault::break_wires: return break_wires(victim);
    case fault::slow_node: return slow(victim);
    case fault::loss: return lose();
    case fault::adversary: return disturb();
    case fault::narrow: return narrow();
    case fault::clock_jump: return jump_clock(victim, false);
    case fault::clock_drift: return jump_clock(victim, true);
    case fault::full_disk: return fill({victim});
    case fault::full_disks: return fill(shuffled());
    case fault::last_byte: return fill_up(victim);
    case fault::disk_error: return fail_disk(victim, true);
    case fault::disk_errors: return fail_disk(victim, false);
    case fault::slow_disk: return slow_disk(victim);
    case fault::flip_bits: return flip_bits();
  }
}

// ---- who and how long ----

const node_id& chaos::draw() { return nodes_[random_() % nodes_.size()]; }

node_id chaos::draw_other(const node_id& than) {
  auto other = draw();
  while (other == than)
    other = draw();
  return other;
}

node_id chaos::draw_leader() {
  const auto partition =
      static_cast<partition_id>(random_() % (cluster_.topology().options.partitions + 1));
  for (const auto& name : nodes_)
    if (cluster_.leads(name, partition)) return name;
  return {};
}

chaos::side chaos::shuffled() {
  // Not std::shuffle, which may differ between libraries.
  auto all = nodes_;
  for (auto i = all.size(); i > 1; --i)
    std::swap(all[i - 1], all[random_() % i]);
  return all;
}

chaos::milliseconds chaos::between(milliseconds min, milliseconds max) {
  return min + milliseconds(up_to(static_cast<std::uint64_t>((max - min).count())));
}

void chaos::tell(const std::string& what) {
  story_.push_back(
      fmt::format("{:.3f} s: {}", static_cast<double>(cluster_.time().now().count()) / 1e9, what));
  cluster_.tell("FAULT " + what);
}

}  // namespace dunlin::testkit
