#include "actors/partition/log_writer.hpp"

#include "messages/error.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/planted.hpp"

#include <utility>

namespace dunlin {

using self_pointer = log_writer_actor::stateful_pointer<log_writer_state>;

static void stop(self_pointer self, const char* step, ec reason) {
  log::error("log_writer.failed", {{"step", step}, {"reason", to_string(reason)}});
  self->quit(make_error(reason, step));
}

static std::vector<wal::entry> to_log(const std::vector<raft::entry>& entries) {
  std::vector<wal::entry> out;
  out.reserve(entries.size());
  for (const auto& e : entries)
    out.push_back({e.term, e.index, static_cast<std::uint8_t>(e.kind), e.data});
  return out;
}

static result<void> append(wal::log& log, const log_append& step) {
  if (step.hard) {
    const auto vote = planted(bug::vote_forgotten) ? node_id() : step.hard->vote;
    if (auto done = log.append_hard(step.group, step.hard->term, vote); !done) return done;
  }
  if (step.reset)
    if (auto done = log.compact(step.group, step.reset->index, step.reset->term); !done)
      return done;
  if (step.entries.empty()) return {};
  return log.append_entries(step.group, to_log(step.entries));
}

/// Whether the step must wait for an earlier one of its group that the log had no room for.
static bool held_back(log_writer_state& state, const log_append& step) {
  const auto found = state.refused.find(step.group);
  if (found == state.refused.end() || step.token == 0) return false;
  if (step.token != found->second) return true;
  state.refused.erase(found);
  return false;
}

using answers = std::map<partition_id, log_writer_state::answer>;

/// The error that stops the log, if any.
static result<void> take(log_writer_state& state, log_append& step, answers& stored,
                         answers& refused) {
  if (held_back(state, step)) return {};
  const auto done = append(*state.log, step);
  if (done) {
    stored[step.group] = {std::move(step.from), step.token};
  } else if (done.error() == ec::disk_full) {
    state.refused[step.group] = step.token;
    refused[step.group] = {std::move(step.from), step.token};
  } else {
    return done;
  }
  return {};
}

static void flush(self_pointer self) {
  auto& state = self->state;
  state.flush_sent = false;
  answers stored, refused;
  for (auto& each : std::exchange(state.waiting, {})) {
    const auto* cut = std::get_if<log_compact>(&each);
    const auto done = cut ? state.log->compact(cut->group, cut->index, cut->term)
                          : take(state, std::get<log_append>(each), stored, refused);
    if (!done) return stop(self, cut ? "compact" : "append", done.error());
  }
  if (const auto done = state.log->flush(); !done) return stop(self, "flush", done.error());
  const auto full = state.log->full();
  for (const auto& [group, answer] : stored)
    self->send(answer.to, log_stored{answer.token, full});
  for (const auto& [group, answer] : refused)
    self->send(answer.to, log_refused{answer.token});
  self->send(self, caf::update_atom_v);
}

/// Mailboxes are first in, first out: what is already here joins this flush.
static void flush_soon(self_pointer self) {
  if (std::exchange(self->state.flush_sent, true)) return;
  self->send(self, caf::flush_atom_v);
}

static void tidy(self_pointer self) {
  if (self->state.flush_sent) return;  // comes again after it
  const auto more = self->state.log->tidy();
  if (!more) return stop(self, "tidy", more.error());
  if (*more) self->send(self, caf::update_atom_v);
}

log_writer_actor::behavior_type log_writer(self_pointer self, std::shared_ptr<wal::log> log) {
  self->state.log = std::move(log);
  return {
      [self](const log_append& step) {
        self->state.waiting.push_back(step);
        flush_soon(self);
      },
      [self](const log_compact& cut) {
        self->state.waiting.push_back(cut);
        flush_soon(self);
      },
      [self](caf::flush_atom) { flush(self); },
      [self](caf::update_atom) { tidy(self); },
  };
}

raft::restored restored_from(wal::group_state group, raft::index_t applied) {
  raft::restored out;
  out.hard = {group.term, std::move(group.vote)};
  out.snapshot_index = group.compacted_index;
  out.snapshot_term = group.compacted_term;
  out.applied = applied;
  out.entries.reserve(group.entries.size());
  for (auto& e : group.entries) {
    const auto kind = static_cast<raft::entry_kind>(e.kind);
    // The log keeps no difference between empty and none.
    if (kind != raft::entry_kind::noop && !e.data) e.data = std::make_shared<const std::string>();
    out.entries.push_back({e.term, e.index, kind, std::move(e.data)});
  }
  return out;
}

}  // namespace dunlin
