#include "apps/replay/driver.hpp"

#include "apps/replay/percentile.hpp"
#include "messages/bucket_hash.hpp"
#include "messages/error.hpp"
#include "runtime/ask.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::replay {

namespace {

using self_pointer = driver_actor::stateful_pointer<driver_state>;
using phase = driver_state::phase;
using std::chrono::microseconds;

constexpr std::chrono::seconds patience{30};
constexpr std::size_t failures_max = 1'000;

void go_on(self_pointer self);

microseconds now(self_pointer self) {
  return std::chrono::duration_cast<microseconds>(self->clock().now().time_since_epoch());
}

void wait(self_pointer self, std::chrono::nanoseconds how_long) {
  self->delayed_send(self, how_long, caf::tick_atom_v);
}

void note_failure(self_pointer self, std::uint64_t& counter, const std::string& why) {
  ++counter;
  if (self->state.figures.first_failure.empty()) self->state.figures.first_failure = why;
}

void end(self_pointer self, const std::string& gave_up = {}) {
  auto& state = self->state;
  if (std::exchange(state.now, phase::over) == phase::over) return;
  auto& made = state.figures;
  made.gave_up = gave_up;
  made.seen = state.options.records->read([](const ledger& seen) { return seen.count(); });
  made.late_p50 = percentile(state.late, .5);
  made.late_p99 = percentile(state.late, .99);
  made.late_max = percentile(state.late, 1);
  state.options.done(std::move(made));
  self->quit();
}

// ---- figures ----

template <class Figures>
void add_all(counts& to, const std::string& prefix, const Figures& all) {
  for (const auto& one : all)
    to[prefix + one.name() + (one.label().empty() ? "" : "." + one.label())] += one.value();
}

void add_all(counts& to, const v1::NodeStatus& said) {
  for (const auto& cache : said.caches())
    add_all(to, "cache." + cache.type() + ".", cache.figures());
  for (const auto& one : said.subscribers())
    add_all(to, "subscriber.", one.figures());
  if (said.has_queue()) add_all(to, "queue.", said.queue().figures());
}

void snapshot(self_pointer self, counts run_figures::*into, std::function<void()> then) {
  const auto waiting = std::make_shared<std::size_t>(self->state.options.managers.size() + 1);
  const auto one_less = [waiting, then = std::move(then)] {
    if (--*waiting == 0 && then) then();
  };
  for (const auto& manager : self->state.options.managers)
    ask(
        self, manager, std::chrono::seconds(5), v1::GetNodeStatus{},
        [self, into, one_less](const v1::NodeStatus& said) {
          add_all(self->state.figures.*into, said);
          one_less();
        },
        [self, one_less](const caf::error& why) {
          note_failure(self, self->state.figures.failed_counts, "status: " + render(why));
          one_less();
        });
  one_less();
}

// ---- making ----

void make(self_pointer self, std::uint32_t which, std::size_t part) {
  const auto& options = self->state.options;
  auto words = making(options.what->items[which]);
  ask(
      self, options.clients[which % options.clients.size()].router, patience,
      std::move(words[part]),
      [self, which, part, last = part + 1 == words.size()](const v1::CommandReply& said) {
        if (!is_there_by(said))
          return end(self, "an item cannot be made: status " + std::to_string(said.status()));
        if (!last) return make(self, which, part + 1);
        // What was there before has a tick that this answer does not tell.
        if (said.status() == v1::CommandReply::OK) {
          const auto seen = now(self);
          self->state.options.records->write(
              [&](ledger& to) { to.acknowledged(seen, which, said.tick(), false); });
        }
        --self->state.open;
        go_on(self);
      },
      [self](const caf::error& why) { end(self, "an item cannot be made: " + render(why)); });
}

bool has_cache(self_pointer self, std::uint32_t item) {
  const auto& [what, clients] = std::tie(self->state.options.what, self->state.options.clients);
  return clients.front().caches.contains(std::string(type_of(what->items[item].kind)));
}

/// Begins with items as far as there is room, each once; true when all are through.
bool all_through(self_pointer self, void (*begin)(self_pointer, std::uint32_t)) {
  auto& state = self->state;
  const auto& items = state.options.what->items;
  for (; state.next < items.size() && state.open < state.options.making_max; ++state.next) {
    const auto which = static_cast<std::uint32_t>(state.next);
    if (!has_cache(self, which)) continue;
    ++state.open;
    begin(self, which);
  }
  return state.open == 0 && state.next >= items.size();
}

void make_more(self_pointer self) {
  const auto begin = [](self_pointer by, std::uint32_t which) { make(by, which, 0); };
  if (!all_through(self, begin)) return;
  self->state.now = phase::settling;
  wait(self, self->state.options.settling);
}

void find_map(self_pointer self) {
  ask(
      self, self->state.options.clients.front().router, patience, v1::GetMap{},
      [self](const v1::ClusterMap& map) {
        self->state.map.push_back(map);
        make_more(self);
      },
      [self](const caf::error& why) { end(self, "no cluster map: " + render(why)); });
}

// ---- playing ----

struct place {
  std::uint32_t item;
  std::uint16_t node;
  bool counted;
};

const item& item_at(self_pointer self, const place& at) {
  return self->state.options.what->items[at.item];
}
const near_cache_actor& cache_at(self_pointer self, const place& at) {
  return self->state.options.clients[at.node].caches.at(
      std::string(type_of(item_at(self, at).kind)));
}

partition_id partition_of(self_pointer self, const item& what) {
  if (what.kind != item_kind::object) return 0;
  const auto hash = bucket_hash(bucket_id_of(what.bucket));
  for (const auto& one : self->state.map.front().partitions())
    if (one.first_hash() <= hash && hash <= one.last_hash()) return one.id();
  return 0;
}

void look_up(self_pointer self, const place& at) {
  const auto began = now(self);
  ask(
      self, cache_at(self, at), patience, cache_look_up{key_of(item_at(self, at)), false, {}},
      [self, at, began](const cache_answer& said) {
        const auto ended = now(self);
        self->state.options.records->write([&](ledger& to) {
          to.looked_up(began, ended, at.item, at.node, said.record ? said.tick : 0, said.from_cache,
                       at.counted);
        });
        --self->state.open;
        go_on(self);
      },
      [self](const caf::error& why) {
        note_failure(self, self->state.figures.failed_lookups, "look-up: " + render(why));
        --self->state.open;
        go_on(self);
      });
}

void end_write(self_pointer self, const place& at, cache_written what, std::string failure) {
  const auto tick = what.tick;
  const auto finished = [self, at, tick, failure = std::move(failure)](const std::string& why) {
    if (failure.empty() && why.empty()) {
      const auto seen = now(self);
      self->state.options.records->write(
          [&](ledger& to) { to.acknowledged(seen, at.item, tick, at.counted); });
    } else {
      note_failure(self, self->state.figures.failed_writes, "write: " + failure + why);
    }
    --self->state.open;
    go_on(self);
  };
  ask(
      self, cache_at(self, at), patience, std::move(what),
      [finished](const accepted&) { finished({}); },
      [finished](const caf::error& why) { finished(render(why)); });
}

void send_write(self_pointer self, const place& at, std::uint64_t ticket) {
  cache_written end;
  end.ticket = ticket;
  end.key = key_of(item_at(self, at));
  auto command = change_of(item_at(self, at), ++self->state.changes[at.item]);
  ask(
      self, self->state.options.clients[at.node].router, patience, std::move(command),
      [self, at, end](const v1::CommandReply& said) mutable {
        if (said.status() != v1::CommandReply::OK) {
          end.outcome = cache_outcome::refused;
          return end_write(self, at, std::move(end), "status " + std::to_string(said.status()));
        }
        end.outcome = cache_outcome::changed;
        end.partition = partition_of(self, item_at(self, at));
        end.tick = said.tick();
        end.record = record_in(item_at(self, at), said);
        end_write(self, at, std::move(end), {});
      },
      [self, at, end](const caf::error& why) mutable {
        end_write(self, at, std::move(end), render(why));
      });
}

void write(self_pointer self, const place& at) {
  ask(
      self, cache_at(self, at), patience, cache_begin_write{key_of(item_at(self, at))},
      [self, at](const cache_ticket& ticket) { send_write(self, at, ticket.id); },
      [self, at](const caf::error&) { send_write(self, at, 0); });
}

void begin_counting(self_pointer self) {
  if (std::exchange(self->state.counting, true)) return;
  snapshot(self, &run_figures::before, {});
}

void play(self_pointer self) {
  auto& state = self->state;
  const auto& steps = state.options.what->steps;
  for (; state.next < steps.size(); ++state.next) {
    const auto& step = steps[state.next];
    const auto due = state.began + microseconds(static_cast<std::int64_t>(step.due_ms * 1000));
    const auto behind = now(self) - due;
    if (behind.count() < 0) return wait(self, -behind);
    if (!has_cache(self, step.item)) {
      ++state.figures.left_out;
      continue;
    }
    if (step.counted) begin_counting(self);
    state.late.push_back(behind);
    ++state.open;
    ++state.figures.steps;
    const place at{step.item, step.node, step.counted};
    if (step.write)
      write(self, at);
    else
      look_up(self, at);
  }
  state.figures.seconds = static_cast<double>((now(self) - state.began).count()) / 1e6;
  state.now = phase::draining;
  wait(self, state.options.draining);
}

// ---- the audit ----

/// What is served of one item without asking; then what its leader has.
struct held_item {
  std::uint32_t item = 0;
  std::uint16_t node = 0;  ///< whose turn it is
  std::vector<std::uint64_t> ticks;
};

void judge(self_pointer self, const held_item& held, std::uint64_t newest) {
  auto& found = self->state.figures.audit;
  const auto known =
      self->state.options.records->read([&](const ledger& seen) { return seen.newest(held.item); });
  if (newest < known) ++found.lost;
  for (const auto tick : held.ticks)
    if (tick < newest) ++found.old;
  found.held += held.ticks.size();
}

void audit(self_pointer self, held_item held) {
  const auto last = held.node == self->state.options.clients.size();
  const place at{held.item, last ? std::uint16_t{0} : held.node, false};
  ask(
      self, cache_at(self, at), patience, cache_look_up{key_of(item_at(self, at)), last, {}},
      [self, last, held = std::move(held)](const cache_answer& said) mutable {
        if (!last) {
          if (said.from_cache) held.ticks.push_back(said.tick);
          ++held.node;
          return audit(self, std::move(held));
        }
        judge(self, held, said.tick);
        --self->state.open;
        go_on(self);
      },
      [self](const caf::error&) {
        ++self->state.figures.audit.failures;
        --self->state.open;
        go_on(self);
      });
}

void audit_more(self_pointer self) {
  const auto begin = [](self_pointer by, std::uint32_t which) { audit(by, {which, 0, {}}); };
  if (!all_through(self, begin)) return;
  self->state.figures.audit.done = true;
  end(self);
}

// ---- turns ----

void begin_playing(self_pointer self) {
  auto& state = self->state;
  state.now = phase::playing;
  state.next = 0;
  state.began = now(self);
  play(self);
}

void after_draining(self_pointer self) {
  snapshot(self, &run_figures::after, [self] {
    auto& state = self->state;
    if (!state.options.audit) return end(self);
    state.now = phase::auditing;
    state.next = 0;
    audit_more(self);
  });
}

void go_on(self_pointer self) {
  const auto& state = self->state;
  if (state.figures.failed_lookups + state.figures.failed_writes > failures_max)
    return end(self, "too many failures");
  if (state.now == phase::making) return make_more(self);
  if (state.now == phase::auditing) return audit_more(self);
}

}  // namespace

std::uint64_t run_figures::grown(const std::string& name) const {
  std::uint64_t sum = 0;
  for (auto at = after.lower_bound(name); at != after.end() && at->first.starts_with(name); ++at) {
    const auto old = before.find(at->first);
    sum += at->second - (old == before.end() ? 0 : old->second);
  }
  return sum;
}

driver_actor::behavior_type driver(self_pointer self, driver_options options) {
  self->state.options = std::move(options);
  self->state.changes.resize(self->state.options.what->items.size());
  find_map(self);
  return {[self](caf::tick_atom) {
    switch (self->state.now) {
      case phase::settling: return begin_playing(self);
      case phase::playing: return play(self);
      case phase::draining:
        // What is still open ends within its patience.
        return self->state.open > 0 ? wait(self, std::chrono::milliseconds(100))
                                    : after_draining(self);
      default: return;
    }
  }};
}

}  // namespace dunlin::replay
