#include "actors/partition/partition_leader.hpp"

#include "messages/error.hpp"
#include "runtime/observe/reached.hpp"

#include <utility>

namespace dunlin {

using self_pointer = partition_leader_actor::stateful_pointer<partition_leader_state>;
using state_t = partition_leader_state;

static leader_desk::time now(self_pointer self) {
  return std::chrono::duration_cast<leader_desk::time>(self->clock().now().time_since_epoch());
}

static state_t::request take(state_t& state, leader_desk::request_id id) {
  auto node = state.requests.extract(id);
  DUNLIN_ASSERT(!node.empty());
  return std::move(node.mapped());
}

static void fail(state_t& state, const leader_desk::requests& ids, ec reason,
                 const std::string& detail = {}) {
  for (const auto id : ids)
    if (auto one = take(state, id); one.promise.pending())
      one.promise.deliver(make_error(reason, detail));
}

static void fail(state_t& state, const leader_desk::ending& ended, ec unsent,
                 const std::string& leader) {
  if (!ended.in_flight.empty()) DUNLIN_REACHED("leader.ended_with_rounds_in_flight");
  fail(state, ended.unsent, unsent, leader);
  fail(state, ended.in_flight, ec::timed_out, leader);
}

// What the batch's own fields and the frame of one command in it take, at most; together with the
// whole batch within bytes_max for every command alone.
static constexpr std::size_t frame_bytes = 64;

static result<void> add(self_pointer self, state_t::request request) {
  auto& state = self->state;
  const auto id = ++state.last_request;
  const auto bytes = request.command.ByteSizeLong() + frame_bytes;
  if (const auto taken = state.desk.add(id, bytes, now(self)); !taken) return taken;
  state.requests.emplace(id, std::move(request));
  // Mailboxes are first in, first out: what is already here joins the round.
  if (!std::exchange(state.flush_sent, true)) self->send(self, caf::flush_atom_v);
  return {};
}

/// Protobuf writes text that is not UTF-8 but does not read it: such a command would make the whole
/// entry unreadable everywhere.
static bool reads_back(const google::protobuf::MessageLite& what) {
  const auto bytes = what.SerializeAsString();
  const std::unique_ptr<google::protobuf::MessageLite> copy{what.New()};
  return copy->ParseFromString(bytes);
}

/// What every batch says besides its commands.
static v1::CommandBatch new_batch(const state_t& state) {
  v1::CommandBatch batch;
  batch.set_leader_time_ms(state.options.clock->now_ms());
  batch.set_announced_through(state.announced_through);
  return batch;
}

static void send_round(self_pointer self, leader_desk::round_id id, buffer batch) {
  auto& state = self->state;
  state.announced_told = state.announced_through;
  state.trim_next = now(self) + state.options.trim_interval;
  self->send(state.options.replica, propose_round{state.options.term, id, std::move(batch)});
}

static void propose(self_pointer self, const leader_desk::round& round) {
  auto& state = self->state;
  auto batch = new_batch(state);
  for (const auto id : round.members)
    *batch.add_commands() = state.requests.at(id).command;
  auto bytes = std::make_shared<std::string>();
  if (batch.SerializeToString(bytes.get()) && v1::CommandBatch{}.ParseFromString(*bytes))
    return send_round(self, round.id, std::move(bytes));
  for (const auto id : state.desk.finish(round.id)) {
    auto one = take(state, id);
    auto promise = one.promise;
    auto reason = ec::invalid_argument;
    if (reads_back(one.command)) {
      const auto again = add(self, std::move(one));
      if (again) continue;
      reason = again.error();
    }
    if (promise.pending()) promise.deliver(make_error(reason));
  }
}

static void flush(self_pointer self) {
  self->state.flush_sent = false;
  for (;;) {
    const auto round = self->state.desk.next_round();
    if (round.members.empty()) return;
    propose(self, round);
  }
}

static void applied(self_pointer self, const round_applied& done) {
  auto& state = self->state;
  const auto members = state.desk.finish(done.round);
  if (members.size() != done.replies.size()) {
    fail(state, members, ec::bad_message);
  } else {
    for (std::size_t i = 0; i < members.size(); ++i)
      if (auto one = take(state, members[i]); one.promise.pending())
        one.promise.deliver(done.replies[i]);
  }
  flush(self);
}

/// Nobody has asked for anything in a while: a batch of no commands takes the announced rows away.
/// It belongs to no round of the desk, whose numbers begin at 1: nobody waits for it.
static void trim_outbox(self_pointer self) {
  const auto& state = self->state;
  if (state.announced_through == state.announced_told || now(self) < state.trim_next) return;
  send_round(self, 0, std::make_shared<const std::string>(new_batch(state).SerializeAsString()));
}

static void look(self_pointer self) {
  auto& state = self->state;
  const auto& options = state.options;
  self->delayed_send(self, options.look_interval, caf::tick_atom_v);
  fail(state, state.desk.expire(now(self) - options.answer_timeout), ec::overloaded, {});
  trim_outbox(self);
  if (now(self) < state.expire_next) return;
  state.expire_next = now(self) + options.client_lifetime / 4;
  v1::Command expire;
  expire.mutable_expire_clients()->set_unheard_for_ms(options.client_lifetime.count());
  // Too much else waits: at the next look after the next interval.
  (void)add(self, {{}, std::move(expire)});
}

/// The term is over: who waits is told now, since a broken promise tells nobody.
static void close(self_pointer self, ec unsent, const std::string& leader) {
  fail(self->state, self->state.desk.close(), unsent, leader);
}

partition_leader_actor::behavior_type partition_leader(self_pointer self, leader_options options) {
  self->state.options = std::move(options);
  self->state.desk = leader_desk{self->state.options.limits};
  self->state.expire_next = now(self) + self->state.options.client_lifetime;
  self->delayed_send(self, self->state.options.look_interval, caf::tick_atom_v);
  self->set_exit_handler([self](const caf::exit_msg& end) {
    close(self, ec::stopping, {});
    self->quit(end.reason);
  });
  return {
      [self](const v1::PartitionCommand& wish) -> caf::result<v1::CommandReply> {
        auto promise = self->make_response_promise<v1::CommandReply>();
        if (const auto taken = add(self, {promise, wish.command()}); !taken)
          promise.deliver(make_error(taken.error()));
        return promise;
      },
      [self](const round_refused& no) {
        DUNLIN_REACHED("leader.round_refused");
        fail(self->state, self->state.desk.finish(no.round), no.reason);
        self->state.announced_told = 0;  // it may have been this one that told it
        flush(self);
      },
      [self](const round_applied& done) { applied(self, done); },
      [self](const leadership_lost& to) {
        close(self, ec::not_leader, to.leader);
        self->quit();
      },
      [self](const rows_announced& done) { self->state.announced_through = done.through; },
      [self](caf::flush_atom) { flush(self); },
      [self](caf::tick_atom) { look(self); },
  };
}

}  // namespace dunlin
