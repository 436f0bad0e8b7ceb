// The verbs of a virtual cluster that concern one machine: pauses, clocks, disks; and the trace.
#include "apps/testkit/node_clock.hpp"
#include "apps/testkit/virtual_cluster.hpp"

#include <fmt/format.h>
#include <caf/atom.hpp>
#include <caf/event_based_actor.hpp>

#include <cstring>

namespace dunlin::testkit {

// ---- pauses ----

void virtual_cluster::pause(const node_id& name) {
  tell(name, "stands still");
  if (!is_paused(name)) machines_.at(name).still_since = time_.now();
  time_.driver().pause(machines_.at(name).group);
  network_.pause(name);
}

void virtual_cluster::resume(const node_id& name) {
  if (!is_paused(name)) return;
  tell(name, "goes on");
  auto& machine = machines_.at(name);
  machine.stood_still += time_.now() - machine.still_since;
  time_.driver().resume(machines_.at(name).group);
  network_.resume(name);
}

bool virtual_cluster::is_paused(const node_id& name) const {
  return time_.driver().is_paused(machines_.at(name).group);
}

std::chrono::nanoseconds virtual_cluster::stood_still(const node_id& name) const {
  const auto& machine = machines_.at(name);
  return machine.stood_still +
         (is_paused(name) ? time_.now() - machine.still_since : std::chrono::nanoseconds{0});
}

// ---- clocks ----

void virtual_cluster::set_clock(const node_id& name, std::chrono::milliseconds ahead,
                                std::int64_t gains_per_million) {
  machines_.at(name).clock->set(ahead, gains_per_million);
}

std::int64_t virtual_cluster::wall_ms() const { return node_clock(time_).now_ms(); }

std::int64_t virtual_cluster::wall_ms(const node_id& name) const {
  return machines_.at(name).clock->now_ms();
}

// ---- disks ----

namespace {

/// Whether the turn waits for a disk. In production these actors have threads of their own, because
/// they do; what else they do in a turn takes no time (log_writer.hpp, extent_actors.hpp).
bool waits_for_disk(caf::scheduled_actor& next) {
  const auto is = [&](const char* name) { return std::strcmp(next.name(), name) == 0; };
  if (is("extent_reader")) return true;
  if (!is("log_writer") && !is("extent_writer")) return false;
  const auto* mail = next.mailbox().peek();
  return mail && mail->content().match_elements<caf::flush_atom>();
}

}  // namespace

void virtual_cluster::slow_disk(const node_id& name, std::chrono::microseconds a_turn) {
  machines_.at(name).disk_turn = a_turn;
  set_services();
}

/// Asked for only while some disk is slow: it costs a little at every turn.
void virtual_cluster::set_services() {
  std::map<simulation::virtual_time::group, std::chrono::microseconds> slow;
  for (const auto& [name, one] : machines_)
    if (one.disk_turn.count() > 0) slow[one.group] = one.disk_turn;
  if (slow.empty() || crashing_) return time_.driver().set_service(nullptr);
  time_.driver().set_service([slow = std::move(slow)](auto whose, caf::scheduled_actor& next) {
    const auto found = slow.find(whose);
    if (found == slow.end() || !waits_for_disk(next)) return simulation::event_loop::time{0};
    return simulation::event_loop::time{found->second};
  });
}

void virtual_cluster::break_disk(const node_id& name, std::uint32_t fails_per_million) {
  auto& machine = machines_.at(name);
  machine.disk_excuses = true;
  machine.disk_fails_per_million = fails_per_million;
  set_disk_fault(machine);
}

void virtual_cluster::fail_disk_call(const node_id& name, std::uint64_t calls) {
  auto& machine = machines_.at(name);
  machine.disk_excuses = true;
  machine.disk->fail_call(calls);
}

void virtual_cluster::fill_disk(const node_id& name, std::uint64_t leave_free) {
  auto& machine = machines_.at(name);
  // What nobody has room for at all may end the node; within the reserve it must not.
  if (leave_free == 0) machine.disk_excuses = true;
  machine.disk->leave_free(leave_free);
}

void virtual_cluster::empty_disk(const node_id& name) { machines_.at(name).disk->give_back(); }

void virtual_cluster::mend_disk(const node_id& name) {
  auto& machine = machines_.at(name);
  machine.disk->give_back();
  machine.disk->cancel_failure();
  machine.disk_fails_per_million = 0;
  set_disk_fault(machine);
  slow_disk(name, {});
  if (!machine.disk_excuses) return;
  machine.disk_excuses = false;
  // Some errors are met when somebody looks, not when they happen.
  machine.disk_excuses_until = time_.now() + std::chrono::seconds(2);
}

void virtual_cluster::set_disk_fault(machine& of) {
  if (of.disk_fails_per_million == 0 && !traces_) return of.disk->set_fault(nullptr);
  of.disk->set_fault([this, &of](simulation::disk_call what, const std::string& path) {
    const auto fails =
        of.disk_fails_per_million > 0 && of.disk_luck() % 1'000'000 < of.disk_fails_per_million;
    if (traces_)
      tell(current_name(),
           fmt::format("disk {} {}{}", static_cast<int>(what), path, fails ? " fails" : ""));
    return fails ? std::optional<ec>(ec::io_error) : std::nullopt;
  });
}

bool virtual_cluster::disk_fails(const machine& of) const {
  return of.disk_excuses || time_.now() < of.disk_excuses_until;
}

// ---- messages ----

void virtual_cluster::lose_cache_updates(const node_id& name, double fraction) {
  tell(name, fmt::format("loses {} of the cache updates", fraction));
  if (runs(name)) machines_.at(name).node->loss()->set(fraction);
}

std::vector<staleness> virtual_cluster::sampled(const node_id& name) {
  if (!runs(name)) return {};
  const auto sampler = machines_.at(name).node->sampler();
  if (!sampler) return {};
  const auto heard = std::make_shared<std::optional<staleness_report>>();
  time_.system().spawn([heard, sampler](caf::event_based_actor* self) {
    self->request(sampler, std::chrono::seconds(5), get_staleness{})
        .then([heard](const staleness_report& report) { *heard = report; },
              [heard](const caf::error&) { *heard = staleness_report{}; });
  });
  time_.run_until([&] { return heard->has_value(); }, std::chrono::seconds(10));
  return heard->value_or(staleness_report{}).all;
}

caches_changed virtual_cluster::instruct(const node_id& name, const change_caches& wish) {
  if (!runs(name)) return {};
  const auto heard = std::make_shared<std::optional<caches_changed>>();
  time_.system().spawn(
      [heard, wish, caches = machines_.at(name).node->caches()](caf::event_based_actor* self) {
        self->request(caches, std::chrono::seconds(5), wish)
            .then([heard](const caches_changed& done) { *heard = done; },
                  [heard](const caf::error&) { *heard = caches_changed{}; });
      });
  time_.run_until([&] { return heard->has_value(); }, std::chrono::seconds(10));
  return heard->value_or(caches_changed{});
}

// ---- the trace ----

const virtual_cluster::machine* virtual_cluster::current_machine() const {
  const auto group = time_.driver().current();
  for (const auto& [name, one] : machines_)
    if (group != 0 && one.group == group) return &one;
  return nullptr;
}

const std::string& virtual_cluster::current_name() const {
  static const std::string world = "world";
  const auto* current = current_machine();
  for (const auto& [name, one] : machines_)
    if (&one == current) return name;
  return world;
}

void virtual_cluster::trace_everything() {
  traces_ = true;
  for (auto& [name, one] : machines_)
    set_disk_fault(one);
  network_.set_trace([this](const node_id& where, const std::string& what) { tell(where, what); });
  time_.driver().set_observer([this](auto, caf::scheduled_actor& next) { trace_turn(next); });
}

void virtual_cluster::trace_turn(caf::scheduled_actor& next) {
  const auto* mail = next.mailbox().peek();
  tell(current_name(), fmt::format("turn {}.{} {}", next.name(), next.id(),
                                   mail ? mail->content().type_token() : 0));
}

}  // namespace dunlin::testkit
