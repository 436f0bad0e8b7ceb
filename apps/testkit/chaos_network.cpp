// What chaos does between machines.
#include "apps/testkit/chaos.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dunlin::testkit {

using namespace std::chrono_literals;

// ---- cuts ----

void chaos::part(const side& one, const side& other) {
  for (const auto& a : one)
    for (const auto& b : other)
      if (a != b) network_.cut_both(a, b);
}

void chaos::join(const side& one, const side& other) {
  for (const auto& a : one)
    for (const auto& b : other) {
      network_.heal(a, b);
      network_.heal(b, a);
    }
}

void chaos::isolate(const node_id& victim) { part({victim}, nodes_); }
void chaos::rejoin(const node_id& victim) { join({victim}, nodes_); }

void chaos::cut(const node_id& victim, bool both) {
  const auto other = draw_other(victim);
  tell(fmt::format("{} cut from {}{}", victim, other, both ? ", both ways" : ""));
  network_.cut(victim, other);
  if (both) network_.cut(other, victim);
  later(length(), [this, victim, other] { join({victim}, {other}); });
}

void chaos::isolate_leader() {
  const auto leader = draw_leader();
  if (leader.empty()) return;
  const auto way = random_() % 4;
  const auto hears = way == 0, is_heard = way == 1;
  tell(fmt::format("{}, a leader, {}", leader,
                   hears      ? "hears everybody, but is not heard"
                   : is_heard ? "is heard, but hears nobody"
                              : "is cut from everybody"));
  for (const auto& other : nodes_) {
    if (other == leader) continue;
    if (!is_heard) network_.cut(leader, other);
    if (!hears) network_.cut(other, leader);
  }
  later(length(), [this, leader] { rejoin(leader); });
}

/// Somewhere, so that the majority may be on either side, or on none: the bridge belongs to
/// neither.
void chaos::split(bool bridged) {
  auto all = shuffled();
  if (bridged) all.pop_back();
  if (all.size() < 2) return;
  const auto border = all.begin() + 1 + static_cast<std::ptrdiff_t>(up_to(all.size() - 2));
  const side one(all.begin(), border), other(border, all.end());
  tell(fmt::format("cut into {} | {}{}", fmt::join(one, " "), fmt::join(other, " "),
                   bridged ? ", but for one that hears both" : ""));
  part(one, other);
  later(length(), [this, one, other] { join(one, other); });
}

void chaos::hide_some(const node_id& victim) {
  side hidden;
  for (const auto& name : nodes_)
    if (name != victim && random_() % 2 == 0) hidden.push_back(name);
  if (hidden.empty()) return;
  tell(fmt::format("{} does not hear {}, and is not heard", victim, fmt::join(hidden, " ")));
  part({victim}, hidden);
  later(length(), [this, victim, hidden] { join({victim}, hidden); });
}

void chaos::start_flapping(const node_id& victim) {
  const auto other = draw_other(victim);
  tell(fmt::format("the way between {} and {} flaps", victim, other));
  flap(victim, other, 4 + up_to(16));
}

void chaos::flap(const node_id& victim, const node_id& other, std::uint64_t times) {
  network_.cut_both(victim, other);
  later(between(5ms, 300ms), [this, victim, other, times] {
    join({victim}, {other});
    if (times > 1)
      later(between(5ms, 300ms), [this, victim, other, times] { flap(victim, other, times - 1); });
  });
}

void chaos::swizzle() {
  auto some = shuffled();
  some.resize(1 + up_to(some.size() - 1));
  tell(fmt::format("cut off one by one: {}", fmt::join(some, " ")));
  auto wait = milliseconds{0};
  for (const auto& name : some) {
    later(wait, [this, name] { isolate(name); });
    wait += between(20ms, 700ms);
  }
  wait += length();
  std::rotate(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(random_() % some.size()),
              some.end());
  for (const auto& name : some) {
    later(wait, [this, name] { rejoin(name); });
    wait += between(20ms, 700ms);
  }
}

// ---- ways that are open, but bad ----

void chaos::break_wires(const node_id& victim) {
  const auto other = draw_other(victim);
  tell(fmt::format("wires of {} and {} break", victim, other));
  network_.break_wires(victim, other);
}

void chaos::slow(const node_id& victim) {
  const auto extra = milliseconds(1 + up_to(299));
  tell(fmt::format("{} is {} ms away", victim, extra.count()));
  network_.slow(victim, extra);
  later(length(), [this, victim] { network_.slow(victim, {}); });
}

/// Several such faults may be on at once. The first to end takes what it knows of the weather back,
/// and no more.
void chaos::spoil(const std::function<void(simulation::network_faults&)>& change) {
  auto now = network_.faults();
  change(now);
  network_.set_faults(now);
}

void chaos::lose() {
  tell("loss on all ways");
  spoil([this](auto& now) {
    now.delay_max = std::max<std::chrono::microseconds>(now.delay_min, milliseconds(1 + up_to(29)));
    now.lost_per_million = static_cast<std::uint32_t>(up_to(50'000));
    now.broken_per_million = static_cast<std::uint32_t>(up_to(2'000));
  });
  later(length(), [this] {
    spoil([&usual = cluster_.shape().weather](auto& now) {
      now.delay_max = usual.delay_max;
      now.lost_per_million = usual.lost_per_million;
      now.broken_per_million = usual.broken_per_million;
    });
  });
}

void chaos::disturb() {
  tell("an adversary drops, repeats and reorders");
  spoil([this](auto& now) {
    now.dropped_per_million = static_cast<std::uint32_t>(up_to(5'000));
    now.repeated_per_million = static_cast<std::uint32_t>(up_to(100'000));
    now.overtaken_per_million = static_cast<std::uint32_t>(up_to(100'000));
    now.overtake_max = milliseconds(1 + up_to(random_() % 4 == 0 ? 3000 : 300));
  });
  later(2 * length(), [this] {
    spoil([](auto& now) {
      now.dropped_per_million = now.repeated_per_million = now.overtaken_per_million = 0;
    });
  });
}

void chaos::narrow() {
  const auto speed = 200'000 + up_to(5'000'000);
  tell(fmt::format("{} bytes a second on all ways", speed));
  spoil([speed](auto& now) { now.bytes_per_second = speed; });
  later(length(), [this] {
    spoil([&usual = cluster_.shape().weather](auto& now) {
      now.bytes_per_second = usual.bytes_per_second;
    });
  });
}

}  // namespace dunlin::testkit
