#include "actors/near_cache/near_cache.hpp"

#include "messages/error.hpp"
#include "runtime/ask.hpp"
#include "runtime/observe/log.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

namespace {

using self_pointer = near_cache_shell::stateful_pointer<near_cache_state>;
using core = near_cache_core;
using reader_type = near_cache_state::reader;

/// The router gives up first, so that its more precise error is heard.
constexpr std::chrono::milliseconds grace{1000};

/// A pending timer keeps its actor: no wait is longer, so that one that was ended goes soon.
constexpr core::time wait_max{1000};

void perform_all(self_pointer self, const core::effects& all);
void start_listing(self_pointer self);

/// After a listing that failed.
constexpr core::time list_pause{1000};

core::time now(self_pointer self) { return cache_time(self); }

std::chrono::microseconds exact_time(self_pointer self) {
  return std::chrono::duration_cast<std::chrono::microseconds>(
      self->clock().now().time_since_epoch());
}

// ---- effects ----

std::optional<reader_type> take_reader(self_pointer self, std::uint64_t id) {
  auto found = self->state.readers.extract(id);
  if (found.empty()) return {};
  return std::move(found.mapped());
}

/// Of some of those for which nobody was asked the sampler asks the leader (X2).
void sample(self_pointer self, const reader_type& reader, const core::serve& what) {
  auto& state = self->state;
  const auto& set = state.core->parameters();
  if (!state.options.sampler || set.mode == cache_mode::validated || !state.gate.passes(now(self)))
    return;
  self->send(state.options.sampler,
             cache_sample{std::string(state.options.type->name), state.options.service, reader.key,
                          what.partition, what.item.tick, exact_time(self), set.staleness_max});
}

void perform(self_pointer self, const core::serve& what) {
  auto reader = take_reader(self, what.reader);
  if (!reader) return;
  cache_answer answer{what.item.tick,  nullptr,        what.partition,
                      what.from_cache, what.confirmed, what.age};
  if (what.item.value) answer.record = to_record(*what.item.value);
  const auto& state = self->state;
  if (what.from_cache) {
    self->state.ages.note(what.age);
    sample(self, *reader, what);
  }
  if (state.options.watch) {
    const auto& set = state.core->parameters();
    const auto bound = set.mode == cache_mode::validated ? core::time{0} : set.staleness_max;
    state.options.watch(cache_served{reader->key, answer, now(self) - reader->asked, bound});
  }
  reader->promise.deliver(std::move(answer));
}

void perform(self_pointer self, const core::fail& what) {
  if (auto reader = take_reader(self, what.reader)) reader->promise.deliver(make_error(what.why));
}

void perform(self_pointer self, const core::ask& what) {
  const auto& options = self->state.options;
  auto query = options.type->ask(what.key, what.known);
  query.mutable_query()->set_trace_id(self->state.trace_id);
  query.set_timeout_ms(static_cast<std::uint32_t>(options.fetch_timeout.count()));
  ask(
      self, options.router, options.fetch_timeout + grace, std::move(query),
      [self, ticket = what.ticket](const v1::QueryReply& reply) {
        auto& state = self->state;
        perform_all(self,
                    state.core->on_answer(now(self), ticket, state.options.type->read(reply)));
      },
      [self, ticket = what.ticket](const caf::error& why) {
        perform_all(self, self->state.core->on_answer(now(self), ticket, code_of(why)));
      });
}

void perform(self_pointer self, core::mirror_refused) {
  log::warn("near_cache.mirror_refused", {{"type", self->state.options.type->name}});
}

void arm(self_pointer self) {
  auto& state = self->state;
  auto wake = state.core->next_wake();
  if (!state.writes.empty())
    wake = std::min(wake.value_or(core::time::max()), state.writes.front().until);
  if (state.list.wanted && !state.list.running && state.list.not_before > now(self))
    wake = std::min(wake.value_or(core::time::max()), state.list.not_before);
  state.timer.arm(self, now(self), wake, wait_max);
}

void perform_all(self_pointer self, const core::effects& all) {
  for (const auto& one : all)
    std::visit([&](const auto& effect) { perform(self, effect); }, one);
  self->state.trace_id.clear();
  arm(self);
}

// ---- a full mirror ----

void next_page(self_pointer self);

/// Of what has failed the whole is begun anew, a little later.
void leave_listing(self_pointer self, ec why) {
  auto& list = self->state.list;
  log::debug("near_cache.listing_left",
             {{"type", self->state.options.type->name}, {"reason", to_string(why)}});
  self->state.core->give_up_page();
  list.running = false;
  list.wanted = true;
  list.not_before = now(self) + list_pause;
  arm(self);
}

void take_page(self_pointer self, const v1::QueryReply& reply) {
  auto& state = self->state;
  auto page = find_mirror_listing(state.options.type->name)->read(state.list.at, reply);
  if (!page) return leave_listing(self, page.error());
  perform_all(self,
              state.core->on_page(now(self), page->partition, page->read, std::move(page->items)));
  if (!page->done && state.core->mirroring()) return next_page(self);
  state.list.running = false;
  start_listing(self);
}

void next_page(self_pointer self) {
  auto& state = self->state;
  state.core->begin_page(now(self));
  auto query = find_mirror_listing(state.options.type->name)->ask(state.list.at);
  query.set_timeout_ms(static_cast<std::uint32_t>(state.options.fetch_timeout.count()));
  ask(
      self, state.options.router, state.options.fetch_timeout + grace, std::move(query),
      [self](const v1::QueryReply& reply) { take_page(self, reply); },
      [self](const caf::error& why) { leave_listing(self, code_of(why)); });
}

/// If one is wanted and may be.
void start_listing(self_pointer self) {
  auto& list = self->state.list;
  if (!list.wanted || !list.allowed || list.running || now(self) < list.not_before) return;
  if (!self->state.core->mirroring() || !find_mirror_listing(self->state.options.type->name))
    return;
  list.wanted = false;
  list.running = true;
  list.at = {};
  next_page(self);
}

// ---- readers and writers ----

caf::result<cache_answer> look_up(self_pointer self, const cache_look_up& wish) {
  auto& state = self->state;
  auto promise = self->make_response_promise<cache_answer>();
  const auto reader = ++state.last_reader;
  state.readers.emplace_hint(
      state.readers.end(), reader,
      reader_type{promise, state.options.watch || state.options.sampler ? wish.key : std::string(),
                  now(self)});
  state.trace_id = wish.trace_id;
  perform_all(self,
              state.core->look_up(now(self), wish.key, reader,
                                  wish.confirmed ? core::wants::confirmed : core::wants::served));
  return promise;
}

cache_ticket begin_write(self_pointer self, const cache_begin_write& wish) {
  auto& state = self->state;
  if (state.options.watch) state.options.watch(wish);
  const auto ticket = state.core->begin_write(now(self), wish.key);
  if (ticket != 0)
    state.writes.push_back({ticket, wish.key, now(self) + state.options.write_patience});
  arm(self);
  return {ticket};
}

core::effects end_write(self_pointer self, const cache_written& what) {
  auto& state = self->state;
  auto& cache = *state.core;
  switch (what.outcome) {
    case cache_outcome::lost: return cache.on_write_lost(now(self), what.ticket, what.key);
    case cache_outcome::refused: return cache.on_write_refused(now(self), what.ticket);
    case cache_outcome::removed:
    case cache_outcome::changed: break;
  }
  change_content content = changed{};
  if (what.outcome == cache_outcome::removed)
    content = removed{};
  else if (what.record && state.options.type->holds(*what.record))
    content = to_value(what.record);
  return cache.on_written(now(self), what.ticket, what.key, what.partition, what.tick, content);
}

void forget_write(near_cache_state& state, std::uint64_t ticket) {
  const auto found = std::find_if(state.writes.begin(), state.writes.end(),
                                  [&](const auto& one) { return one.ticket == ticket; });
  if (found != state.writes.end()) state.writes.erase(found);
}

void give_up_writes(self_pointer self) {
  auto& writes = self->state.writes;
  while (!writes.empty() && writes.front().until <= now(self)) {
    const auto gone = std::move(writes.front());
    writes.pop_front();
    log::warn("near_cache.write_given_up", {{"type", self->state.options.type->name}});
    perform_all(self, self->state.core->on_write_lost(now(self), gone.ticket, gone.key));
  }
}

// ---- the subscription ----

void hear(self_pointer self, const cache_changes& what) {
  auto& state = self->state;
  for (const auto& one : what.all) {
    change_content content = changed{};
    if (one.removed)
      content = removed{};
    else if (one.record && state.options.type->holds(*one.record))
      content = to_value(one.record);
    perform_all(self, state.core->on_update(now(self), what.partition, one.key, one.tick, content));
    if (state.options.heard) state.options.heard(one.key, one.tick);
  }
}

core::effects drop(self_pointer self, const cache_dropped& what) {
  auto& cache = *self->state.core;
  if (what.whole) return cache.on_whole(now(self), what.partition, what.base_tick);
  return cache.on_drop(now(self), what.partition, what.base_tick, cache_death::gap);
}

// ---- operators ----

bool sensible(const set_cache& wish) {
  const auto negative = [](const auto& given) { return given && *given < core::time{0}; };
  return !negative(wish.time_to_live) && !negative(wish.staleness_max) &&
         !negative(wish.invalidation_interval);
}

near_cache_parameters changed_by(near_cache_parameters parameters, const set_cache& wish) {
  const auto take = [](auto& into, const auto& given) {
    if (given) into = *given;
  };
  if (wish.validated)
    parameters.mode = *wish.validated ? cache_mode::validated : cache_mode::bounded;
  take(parameters.time_to_live, wish.time_to_live);
  take(parameters.staleness_max, wish.staleness_max);
  take(parameters.invalidation_interval, wish.invalidation_interval);
  take(parameters.items_max, wish.items_max);
  take(parameters.bytes_max, wish.bytes_max);
  take(parameters.carry_values, wish.carry_values);
  return parameters;
}

result<void> set(self_pointer self, const set_cache& wish) {
  if (!sensible(wish)) return ec::invalid_argument;
  auto& cache = *self->state.core;
  // A mirror that was refused may fit now.
  if (!cache.mirroring()) self->state.list.wanted = true;
  perform_all(self, cache.set_parameters(now(self), changed_by(cache.parameters(), wish)));
  start_listing(self);
  return {};
}

void drop_everything(self_pointer self) {
  self->state.list.wanted = true;
  perform_all(self, self->state.core->on_drop_all(now(self), cache_death::command));
  start_listing(self);
}

caches_changed change(self_pointer self, const change_caches& wish) {
  const auto& options = self->state.options;
  const auto type = std::string(options.type->name);
  if (!wish.concerns(type, options.service)) return {};
  caches_changed::one done{options.service, type, {}};
  if (!wish.set)
    drop_everything(self);
  else if (const auto outcome = set(self, *wish.set); !outcome)
    done.error = to_string(outcome.error());
  log::info("near_cache.instructed", {{"type", type},
                                      {"service", options.service},
                                      {"what", wish.set ? "set" : "drop"},
                                      {"error", done.error}});
  return {{std::move(done)}};
}

}  // namespace

near_cache_shell::behavior_type near_cache(self_pointer self, near_cache_options options) {
  DUNLIN_ASSERT(options.type && options.router);
  self->state.core = std::make_unique<core>(options.parameters, now(self));
  self->state.gate = sample_gate{options.samples_a_second};
  self->state.options = std::move(options);
  return {
      [self](const cache_look_up& wish) { return look_up(self, wish); },
      [self](const cache_begin_write& wish) { return begin_write(self, wish); },
      [self](const cache_written& what) {
        forget_write(self->state, what.ticket);
        if (self->state.options.watch) self->state.options.watch(what);
        perform_all(self, end_write(self, what));
        return accepted{};
      },
      [self](const cache_changes& what) { hear(self, what); },
      [self](const cache_dropped& what) {
        self->state.list.wanted = true;  // what came to be unheard is not known here
        perform_all(self, drop(self, what));
      },
      [self](const cache_proven& what) {
        self->state.core->on_proven(now(self), what.partition, {what.at, what.base_tick, 0});
        self->state.list.allowed = true;
        start_listing(self);
      },
      [self](const set_cache& wish) -> caf::result<accepted> {
        if (!set(self, wish)) return make_error(ec::invalid_argument, "a negative duration");
        return accepted{};
      },
      [self](const drop_cache&) {
        drop_everything(self);
        return accepted{};
      },
      [self](const change_caches& wish) { return change(self, wish); },
      [self](const v1::GetCacheStatus&) {
        const auto& state = self->state;
        return near_cache_status(*state.core, state.options.type->name, state.options.service,
                                 state.ages);
      },
      [self](caf::tick_atom, std::int64_t armed_for) {
        if (!self->state.timer.fires(armed_for)) return;
        give_up_writes(self);
        perform_all(self, self->state.core->on_timer(now(self)));
        start_listing(self);
      },
  };
}

}  // namespace dunlin
