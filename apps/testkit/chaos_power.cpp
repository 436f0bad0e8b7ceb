// What chaos does to single machines: power, pauses, clocks and disks.
#include "apps/testkit/chaos.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dunlin::testkit {

using namespace std::chrono_literals;

// ---- power ----

void chaos::crash(const node_id& victim, bool silent, milliseconds off) {
  if (!cluster_.runs(victim)) return;
  tell(fmt::format("power fails at {}{} for {} ms", victim, silent ? ", silently," : "",
                   off.count()));
  dark_.insert(victim);
  cluster_.crash(victim, silent);
  later(off, [this, victim] { revive(victim); });
}

void chaos::crash_at_call(const node_id& victim) {
  if (!cluster_.runs(victim)) return;
  // In the middle of what it does next, or by and by.
  const auto call = 1 + random_() % (random_() % 2 == 0 ? 12 : 200);
  tell(fmt::format("power fails at {} in call {}", victim, call));
  cluster_.crash_at_call(victim, call);
}

void chaos::crash_leader() {
  const auto leader = draw_leader();
  if (leader.empty()) return;
  if (random_() % 2 == 0) return crash_at_call(leader);  // only then is something half written
  crash(leader, random_() % 2 == 0, length());
}

void chaos::stay_away(const node_id& victim) {
  const auto off = between(options_.away_max / 2, options_.away_max);
  crash(victim, false, off);
  if (random_() % 2 == 0) later(off + between(20ms, 1500ms), [this, victim] { hinder(victim); });
}

/// Whoever comes back has much to catch up with: what ends that half way must not end it for good.
void chaos::hinder(const node_id& newcomer) {
  switch (random_() % 4) {
    case 0: return crash_leader();
    case 1: return crash_at_call(newcomer);
    default:
      if (nodes_.size() < 2) return;
      tell(newcomer + ", hardly back, is cut from everybody");
      isolate(newcomer);
      later(length(), [this, newcomer] { rejoin(newcomer); });
  }
}

void chaos::crash_everywhere(milliseconds apart) {
  const auto silent = random_() % 2 == 0;
  auto wait = milliseconds{0};
  for (const auto& name : shuffled()) {
    if (wait.count() == 0)
      crash(name, silent, length());
    else
      later(wait, [this, name, silent] { crash(name, silent, length()); });
    wait += apart;
  }
}

void chaos::crash_again(const node_id& victim, std::uint64_t times) {
  crash(victim, random_() % 2 == 0, between(0ms, 500ms));
  if (times > 1)
    later(between(600ms, 2500ms), [this, victim, times] { crash_again(victim, times - 1); });
}

void chaos::revive(const node_id& victim) {
  dark_.erase(victim);
  if (cluster_.runs(victim)) return;
  tell(victim + " is started");
  // Now and then the power fails again while the node starts.
  if (random_() % 4 == 0) cluster_.crash_at_call(victim, 1 + random_() % 400);
  cluster_.start(victim);  // if it does not start, look_after() tries again
}

void chaos::pause(const node_id& victim) {
  auto chosen = random_() % 2 == 0 ? draw_leader() : victim;
  if (chosen.empty() || !cluster_.runs(chosen) || cluster_.is_paused(chosen)) return;
  const auto still = random_() % 4 == 0 ? between(5s, 15s) : length();
  tell(fmt::format("{} stands still for {} ms", chosen, still.count()));
  cluster_.pause(chosen);
  later(still, [this, chosen] { cluster_.resume(chosen); });
}

// ---- clocks ----

void chaos::jump_clock(const node_id& victim, bool drifts) {
  // Within the 15 minutes for which a signature holds: beyond them requests are refused, rightly.
  // What is stamped ahead of time is collected that much later, which the end of a trial waits for.
  const auto ahead = drifts ? milliseconds{0} : between(-10min, 2min);
  const auto gains = drifts ? static_cast<std::int64_t>(up_to(200'000)) - 100'000 : 0;
  tell(fmt::format("the clock of {} is {} ms ahead and gains {} millionths", victim, ahead.count(),
                   gains));
  cluster_.set_clock(victim, ahead, gains);
  later(3 * length(), [this, victim] { cluster_.set_clock(victim, {}); });
}

// ---- disks ----

void chaos::fill(const side& victims) {
  const auto count = victims.size() == 1 ? 1 : 2 + up_to(victims.size() - 2);
  const auto reserve = std::min<std::uint64_t>(64u << 20, cluster_.shape().disk_bytes / 20);
  // Pages are refused below the reserve, commands below half of it (apps/assembly).
  const auto free = reserve / 8 + up_to(reserve * 5 / 8);
  const auto long_enough = 2 * length();
  for (std::size_t i = 0; i < count; ++i) {
    const auto name = victims[i];
    tell(fmt::format("the disk of {} is full but for {} bytes", name, free));
    cluster_.fill_disk(name, free);
    later(long_enough, [this, name] { cluster_.empty_disk(name); });
  }
}

void chaos::fill_up(const node_id& victim) {
  tell(fmt::format("the disk of {} is full to the last byte", victim));
  cluster_.fill_disk(victim, 0);
  later(length(), [this, victim] { cluster_.mend_disk(victim); });
}

void chaos::fail_disk(const node_id& victim, bool once) {
  if (once) {
    const auto call = 1 + up_to(300);
    tell(fmt::format("the disk of {} fails in call {}", victim, call));
    cluster_.fail_disk_call(victim, call);
  } else {
    const auto part =
        static_cast<std::uint32_t>(1000 + up_to(random_() % 2 == 0 ? 20'000 : 500'000));
    tell(fmt::format("the disk of {} fails in {} of a million calls", victim, part));
    cluster_.break_disk(victim, part);
  }
  later(2 * length(), [this, victim] { cluster_.mend_disk(victim); });
}

void chaos::slow_disk(const node_id& victim) {
  const auto turn = std::chrono::microseconds(1000 + up_to(random_() % 4 == 0 ? 500'000 : 50'000));
  tell(fmt::format("the disk of {} takes {} ms", victim, turn.count() / 1000.0));
  cluster_.slow_disk(victim, turn);
  later(2 * length(), [this, victim] { cluster_.slow_disk(victim, {}); });
}

void chaos::flip_bits() {
  auto& disk = cluster_.disk(unlucky_);
  for (const auto& [path, size] : disk.durable_files("extents")) {
    if (size == 0) continue;
    const auto offset = random_() % size;
    tell(fmt::format("a bit of {} flips at {}, offset {}", path, unlucky_, offset));
    disk.flip_bit(path, offset, static_cast<int>(random_() % 8));
  }
}

}  // namespace dunlin::testkit
