#include "actors/partition/announcer.hpp"

#include "actors/partition/gathered_updates.hpp"
#include "messages/error.hpp"
#include "runtime/ask.hpp"
#include "runtime/observe/log.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

namespace {

using self_pointer = announcer_actor::stateful_pointer<announcer_state>;
using core = announcer_core;

core::time now(self_pointer self) {
  return std::chrono::duration_cast<core::time>(self->clock().now().time_since_epoch());
}

void perform_all(self_pointer self, const core::effects& all);

void fail(self_pointer self, const node_id& queue, std::uint64_t message, const caf::error& why) {
  auto& core = *self->state.core;
  const auto reason = code_of(why);
  if (reason != ec::bad_message && reason != ec::invalid_argument) {
    self->state.figures->on_failed();
    log::debug("announcer.queue_failed", {{"queue", queue}, {"reason", render(why)}});
    return perform_all(self, core.on_failed(now(self), message));
  }
  self->state.figures->on_refused();
  const auto before = core.given_up();
  const auto effects = core.on_refused(now(self), message);
  if (core.given_up() > before)
    log::error("announcer.row_given_up", {{"queue", queue}, {"reason", render(why)}});
  perform_all(self, effects);
}

void perform(self_pointer self, const core::send& out) {
  const auto& how = self->state.options.how;
  self->state.figures->on_sent(out.queue, out.rows);
  const auto queue = how.find(out.queue);
  if (!queue) return fail(self, out.queue, out.message, make_error(ec::unavailable));
  gathered_updates gathered;
  for (const auto tick : out.rows)
    for (const auto& change : self->state.rows.at(tick))
      gathered.add(change);
  auto updates = gathered.finish();
  updates.set_time_to_live_ms(how.time_to_live_ms);
  ask(
      self, queue, how.limits.answer_timeout, std::move(updates),
      [self, message = out.message](const v1::EnqueueReply&) {
        perform_all(self, self->state.core->on_durable(now(self), message));
      },
      [self, message = out.message, name = out.queue](const caf::error& why) {
        fail(self, name, message, why);
      });
}

void perform(self_pointer self, const core::announced& news) {
  auto& rows = self->state.rows;
  rows.erase(rows.begin(), rows.upper_bound(news.through));
  self->state.figures->on_announced(news.through);
  const auto& options = self->state.options;
  const rows_announced done{options.term, news.through, news.rows};
  self->send(options.replica, done);
  self->send(options.leader, done);
}

void perform_all(self_pointer self, const core::effects& all) {
  for (const auto& one : all)
    std::visit([&](const auto& effect) { perform(self, effect); }, one);
  self->state.figures->show(now(self));
  self->state.timer.arm(self, now(self), self->state.core->next_wake());
}

/// What the core needs to know of a row.
core::row described(const outbox_rows::row& from) {
  core::row made{from.tick, {}, 0};
  for (const auto& change : from.changes) {
    if (made.item.empty() && change.updates_size() > 0)
      made.item = change.type() + '\0' + change.updates(0).key();
    made.bytes += change.ByteSizeLong();
  }
  return made;
}

void take(self_pointer self, outbox_rows& fresh) {
  auto& state = self->state;
  std::vector<core::row> rows;
  for (auto& one : fresh.rows) {
    rows.push_back(described(one));
    if (rows.back().bytes > 0) state.figures->on_row(now(self), one.tick);
    state.rows.emplace_hint(state.rows.end(), one.tick, std::move(one.changes));
  }
  perform_all(self, state.core->on_rows(now(self), std::move(rows)));
}

}  // namespace

announcer_actor::behavior_type announcer(self_pointer self, announcer_options options) {
  auto& state = self->state;
  const auto& how = options.how;
  state.core = std::make_unique<core>(how.limits, how.queues,
                                      select_queues(how.choice, options.self, *options.random));
  state.figures = std::make_unique<announcer_figures>(how.counts, options.partition);
  state.options = std::move(options);
  return {
      [self](outbox_rows& fresh) { take(self, fresh); },
      [self](const leadership_lost&) { self->quit(); },
      [self](caf::tick_atom, std::int64_t armed_for) {
        if (!self->state.timer.fires(armed_for)) return;
        perform_all(self, self->state.core->on_timer(now(self)));
      },
  };
}

}  // namespace dunlin
