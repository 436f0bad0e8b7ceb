#include "actors/partition/state_keeper.hpp"

#include "messages/error.hpp"
#include "messages/state_transfer.hpp"
#include "runtime/disk/crc32c.hpp"
#include "runtime/disk/path.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>

namespace dunlin {

using self_pointer = state_keeper_actor::stateful_pointer<state_keeper_state>;
using kept = state_keeper_state::kept;

std::string mark_of(const std::string& path) { return path + "-installed"; }

static std::string file_of(self_pointer self, const char* kind, partition_id id) {
  return self->state.options.folder + "/" + kind + "-" + std::to_string(id);
}

static void say(const char* event, partition_id id, const raft::snapshot& of) {
  log::info(event, {{"partition", id}, {"index", of.at.index}, {"bytes", of.bytes}});
}

// ---- checkpoints ----

static void checkpoint(self_pointer self, const checkpoint_state& wish) {
  auto& of = self->state.states.at(wish.id);
  if (!of.background) return;  // the state is being replaced
  state_checkpointed done{wish.through, {}};
  try {
    of.background->checkpoint();
  } catch (const store_error& error) {
    done.failure = error.code();
  }
  self->send(of.owner, done);
}

// ---- copies ----

static void give_up_copy(self_pointer self, kept& of, partition_id id, ec reason) {
  DUNLIN_REACHED("partition.snapshot_not_made");
  log::warn("partition.snapshot_not_made", {{"partition", id}, {"reason", to_string(reason)}});
  of.copy.reset();
  self->send(of.owner, state_copied{});
}

static void begin_copy(self_pointer self, const copy_state& wish) {
  auto& of = self->state.states.at(wish.id);
  of.copy.reset();
  if (!of.background) return self->send(of.owner, state_copied{});
  try {
    of.copy = std::make_unique<outgoing_state>(
        *self->state.options.storage, file_of(self, "out", wish.id), wish.identity, *of.background);
  } catch (const store_error& error) {
    return give_up_copy(self, of, wish.id, error.code());
  }
  self->send(self, copy_more{wish.id, wish.identity});
}

static void continue_copy(self_pointer self, const copy_more& next) {
  auto& of = self->state.states.at(next.id);
  if (!of.copy || of.copy->descriptor().identity != next.identity) return;
  const auto& options = self->state.options;
  const auto made = of.copy->step(options.step_bytes, options.inspect);
  if (!made) return give_up_copy(self, of, next.id, made.error());
  if (!*made) return self->delayed_send(self, options.step_interval, next);
  say("partition.snapshot_made", next.id, of.copy->descriptor());
  self->send(of.owner, state_copied{std::make_shared<raft::snapshot>(of.copy->descriptor())});
}

// Whoever knows the identity was told it by a leader's replica over the control link: it is the
// ticket (decision 4), and ends with the file.
static caf::result<page_answer> serve(self_pointer self, const page_transfer& wish) {
  if (wish.head.operation() != read_snapshot) return make_error(ec::invalid_argument);
  for (auto& [id, of] : self->state.states) {
    if (!of.copy || of.copy->descriptor().identity != wish.head.ticket()) continue;
    const auto bytes = std::min(wish.head.length(), self->state.options.piece_bytes);
    auto piece = of.copy->read(wish.head.offset(), bytes);
    if (!piece) return make_error(piece.error());
    page_answer answer;
    answer.head.set_crc32c(crc32c(*piece));
    answer.head.set_page_length(of.copy->descriptor().bytes);
    answer.body = std::make_shared<const std::string>(std::move(*piece));
    return answer;
  }
  return make_error(ec::not_found, "no such snapshot");
}

// ---- fetching ----

static void start_waiting(self_pointer self) {
  auto& state = self->state;
  auto running = std::count_if(state.states.begin(), state.states.end(), [](const auto& one) {
    return one.second.incoming && one.second.incoming->running;
  });
  for (auto& [id, of] : state.states) {
    if (static_cast<std::size_t>(running) >= state.options.fetches_max) return;
    if (!of.incoming || of.incoming->running || of.incoming->failures < 0) continue;
    of.incoming->running = true;
    ++running;
    self->send(self, fetch_more{id, of.incoming->file->offered().identity});
  }
}

/// Negative: it stopped, and waits to be asked for again.
static constexpr int stopped_fetch = -1;

static void end_fetch(self_pointer self, partition_id id, std::optional<ec> refusal, bool keep) {
  auto& of = self->state.states.at(id);
  const auto identity = of.incoming->file->offered().identity;
  if (refusal) {
    DUNLIN_REACHED("partition.snapshot_not_fetched");
    log::warn("partition.snapshot_not_fetched",
              {{"partition", id}, {"from", of.incoming->from}, {"reason", to_string(*refusal)}});
  }
  of.incoming->running = false;
  of.incoming->failures = stopped_fetch;
  if (!keep) of.incoming.reset();
  self->send(of.owner, state_fetched{identity, refusal});
  start_waiting(self);
}

static void begin_fetch(self_pointer self, const fetch_state& wish) {
  auto& of = self->state.states.at(wish.id);
  const auto same = of.incoming && of.incoming->file->offered().identity == wish.offered->identity;
  if (same) {
    if (of.incoming->failures != stopped_fetch) return;
    DUNLIN_REACHED("partition.snapshot_fetch_resumed");
    of.incoming->from = wish.from;
    of.incoming->failures = 0;
  } else {
    if (of.incoming) DUNLIN_REACHED("partition.snapshot_superseded");
    of.incoming.reset();
    auto& fresh = of.incoming.emplace();
    fresh.from = wish.from;
    fresh.file = std::make_unique<incoming_state>(*self->state.options.storage,
                                                  file_of(self, "in", wish.id), wish.offered);
    say("partition.snapshot_wanted", wish.id, *wish.offered);
  }
  start_waiting(self);
}

static void take_piece(self_pointer self, const fetch_more& next, const page_answer& answer);
static void miss_piece(self_pointer self, const fetch_more& next, const caf::error& error);

/// Null: another fetch has taken its place.
static state_keeper_state::fetch* current(self_pointer self, const fetch_more& next) {
  auto& of = self->state.states.at(next.id);
  const auto same =
      of.incoming && of.incoming->running && of.incoming->file->offered().identity == next.identity;
  return same ? &*of.incoming : nullptr;
}

static void finish_fetch(self_pointer self, const fetch_more& next, state_keeper_state::fetch& at) {
  const auto whole = at.file->finish(self->state.options.inspect);
  if (!whole) return end_fetch(self, next.id, whole.error(), false);
  end_fetch(self, next.id, std::nullopt, true);
}

static void continue_fetch(self_pointer self, const fetch_more& next) {
  auto* at = current(self, next);
  if (!at) return;
  const auto& options = self->state.options;
  if (!std::exchange(at->opened, true))
    if (const auto opened = at->file->open(options.reserve_bytes); !opened)
      return end_fetch(self, next.id, opened.error(), false);
  if (at->file->received()) return finish_fetch(self, next, *at);
  exchange_page wish;
  wish.node = at->from;
  wish.timeout = options.piece_timeout;
  wish.transfer.head.set_operation(read_snapshot);
  wish.transfer.head.set_ticket(next.identity);
  wish.transfer.head.set_offset(at->file->offset());
  wish.transfer.head.set_length(options.piece_bytes);
  self->request(options.bulk, 2 * options.piece_timeout, std::move(wish))
      .then([=](const page_answer& answer) { take_piece(self, next, answer); },
            [=](const caf::error& error) { miss_piece(self, next, error); });
}

static void take_piece(self_pointer self, const fetch_more& next, const page_answer& answer) {
  auto* at = current(self, next);
  if (!at) return;
  if (at->failures > 0) DUNLIN_REACHED("partition.snapshot_fetch_resumed");
  at->failures = 0;
  const auto added = at->file->add(answer.body ? *answer.body : std::string());
  if (!added) return end_fetch(self, next.id, added.error(), false);
  continue_fetch(self, next);
}

static void miss_piece(self_pointer self, const fetch_more& next, const caf::error& error) {
  auto* at = current(self, next);
  if (!at) return;
  const auto reason = code_of(error);
  const auto gone = reason == ec::not_found || reason == ec::invalid_argument;
  if (gone) return end_fetch(self, next.id, reason, false);
  if (++at->failures > self->state.options.retries_max)
    return end_fetch(self, next.id, reason, true);
  self->delayed_send(self, self->state.options.retry_interval, next);
}

// ---- installing ----

/// Nothing has changed yet where it fails.
static result<void> mark(self_pointer self, partition_id id, const incoming_state& whole) {
  const auto& options = self->state.options;
  return write_mark(*options.storage, mark_of(options.path_of(id)), whole.offered().at);
}

static void reopen(self_pointer self, partition_id id, state_installed done) {
  auto& of = self->state.states.at(id);
  of.incoming.reset();
  if (auto opened = self->state.options.open(id)) {
    done.store = std::move(*opened);
    of.background = done.store->background();
  }
  self->send(of.owner, std::move(done));
}

static void install(self_pointer self, const install_state& wish) {
  auto& of = self->state.states.at(wish.id);
  DUNLIN_ASSERT(of.incoming && of.incoming->file->received());
  of.copy.reset();
  of.background.reset();
  const auto& file = *of.incoming->file;
  state_installed done{file.offered().identity, nullptr, {}};
  if (const auto marked = mark(self, wish.id, file); !marked) {
    done.refusal = marked.error();
    return reopen(self, wish.id, std::move(done));
  }
  const auto installed = self->state.options.install(wish.id, file.path());
  if (!installed) {
    log::warn("partition.snapshot_not_installed",
              {{"partition", wish.id}, {"reason", to_string(installed.error())}});
    done.refusal = installed.error();
    // Anything but a file that was not taken at all leaves open which state is on disk.
    const auto untouched = installed.error() == ec::damaged || installed.error() == ec::unsupported;
    if (!untouched) return self->send(of.owner, std::move(done));
  }
  reopen(self, wish.id, std::move(done));
}

static void remove_leftovers(const state_keeper_options& options) {
  (void)options.storage->make_folder(options.folder);
  const auto names = options.storage->list(options.folder);
  if (!names) return;
  for (const auto& name : *names)
    (void)options.storage->remove(options.folder + "/" + name);
}

state_keeper_actor::behavior_type state_keeper(self_pointer self, state_keeper_options options) {
  self->state.options = std::move(options);
  remove_leftovers(self->state.options);
  return {
      [self](const page_transfer& wish) { return serve(self, wish); },
      [self](const keep_state& what) {
        self->state.states[what.id] = {what.owner, what.background, nullptr, std::nullopt};
      },
      [self](const checkpoint_state& wish) { checkpoint(self, wish); },
      [self](const copy_state& wish) { begin_copy(self, wish); },
      [self](const drop_copy& wish) { self->state.states.at(wish.id).copy.reset(); },
      [self](const fetch_state& wish) { begin_fetch(self, wish); },
      [self](const drop_fetch& wish) {
        self->state.states.at(wish.id).incoming.reset();
        start_waiting(self);
      },
      [self](const install_state& wish) { install(self, wish); },
      [self](const forget_mark& wish) {
        (void)self->state.options.storage->remove(mark_of(self->state.options.path_of(wish.id)));
      },
      [self](const copy_more& next) { continue_copy(self, next); },
      [self](const fetch_more& next) { continue_fetch(self, next); },
  };
}

}  // namespace dunlin
