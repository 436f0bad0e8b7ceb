// How a replica keeps its log short, gives its state to those who need what the log has forgotten,
// and takes such a state itself (decision 9, docs/decisions/0009).
#include "actors/partition/replica_turns.hpp"

#include "messages/error.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

static constexpr std::size_t identity_bytes = 16;

// ---- starting ----

void replica_turns::open_state() {
  machine_ = std::make_unique<partition_machine>(*options_.store, options_.id, options_.first_hash,
                                                 options_.last_hash);
  remember_changes();
}

// An applied entry is in the log, or was, in every life but one that a crash ended between
// installing a state and telling the log; the mark beside the state tells that one from a log that
// has lost entries.
bool replica_turns::begin_where_log_and_state_agree(raft::restored& from) {
  const raft::position at{machine_->applied_term(), machine_->applied()};
  auto known = at == raft::position{from.snapshot_term, from.snapshot_index};
  for (const auto& e : from.entries)
    known = known || at == raft::position{e.term, e.index};
  if (known) return true;
  if (options_.installed == at && at.index >= from.snapshot_index) {
    DUNLIN_REACHED("partition.started_from_installed_state");
    begin_at(from, at);
    checkpointed_ = at.index;
    self_->send(options_.writer, log_compact{options_.id, at.index, at.term});
    return true;
  }
  stop("start", ec::damaged,
       "the store has applied " + std::to_string(at.index) + ", the log holds " +
           std::to_string(from.snapshot_index + 1) + " to " +
           std::to_string(from.snapshot_index + from.entries.size()));
  return false;
}

// ---- the log ----

void replica_turns::cut_log(bool force) try {
  if (installing_) return;
  if (force || bytes_since_checkpoint_ >= options_.checkpoint_bytes) checkpoint();
  if (stopped_) return;
  const auto through = cut_index(force);
  if (through < core_->first_index()) return;
  if (through > core_->settled()) DUNLIN_REACHED("partition.log_cut_past_a_laggard");
  const auto term = *core_->term_at(through);
  core_->compact(through);
  self_->send(options_.writer, log_compact{options_.id, through, term});
} catch (const store_error& error) {
  stop("checkpoint", error.code(), error.what());
}

void replica_turns::checkpoint() {
  if (checkpointing_) return;
  commit();
  const auto applied = machine_->applied();
  if (stopped_ || applied == checkpointed_) return;
  bytes_since_checkpoint_ = 0;
  if (options_.keeper) {
    checkpointing_ = true;
    self_->send(options_.keeper, checkpoint_state{options_.id, applied});
    return;
  }
  options_.store->checkpoint();
  checkpointed_ = applied;
}

void replica_turns::on_checkpointed(const state_checkpointed& done) {
  checkpointing_ = false;
  if (done.failure) return stop("checkpoint", *done.failure, "in the background");
  checkpointed_ = std::max(checkpointed_, done.through);
  cut_log(false);
}

// Up to what every voter has, else a tail for those who were away for a moment, else, when the log
// is full, no more than must be. A snapshot under way keeps the log that follows it for a while, or
// it would be of no use when it arrives.
raft::index_t replica_turns::cut_index(bool force) const {
  const auto settled = std::min(checkpointed_, core_->settled());
  if (!options_.keeper) return settled;
  const auto bytes_max = force ? 0 : options_.laggard_bytes_max;
  if (core_->log_bytes() <= bytes_max) return settled;
  auto through = std::max(settled, std::min(checkpointed_, core_->index_keeping(bytes_max / 2)));
  const auto needed = copy_floor_ > 0 && (copy_.empty() || core_->snapshot_in_use());
  if (needed && core_->log_bytes() <= 2 * options_.laggard_bytes_max)
    through = std::min(through, std::max(settled, copy_floor_));
  return through;
}

// ---- giving ----

void replica_turns::follow_snapshots() {
  if (!options_.keeper) return;
  if (fetching_ && core_->wanted() != fetching_ && !installing_) {
    DUNLIN_REACHED("partition.snapshot_not_wanted_any_more");
    fetching_ = nullptr;
    self_->send(options_.keeper, drop_fetch{options_.id});
  }
  const auto needed = [&](const node_id& peer) { return core_->needs_snapshot(peer); };
  const auto& voters = core_->voters();
  const auto anybody = std::any_of(voters.begin(), voters.end(), needed);
  if (!copy_.empty() && (!core_->offered() || !anybody)) {
    copy_.clear();
    copy_floor_ = 0;
    core_->withdraw_snapshot();
    self_->send(options_.keeper, drop_copy{options_.id});
  }
  const auto making = copy_floor_ > 0 && copy_.empty();
  if (core_->wants_snapshot() && !making && now() >= copy_next_) make_copy();
}

void replica_turns::make_copy() {
  commit();
  if (stopped_ || installing_) return;
  copy_next_ = now() + options_.copy_interval;
  copy_.clear();
  copy_floor_ = std::max<raft::index_t>(machine_->applied(), 1);
  self_->send(options_.keeper, copy_state{options_.id, options_.random->bytes(identity_bytes)});
}

void replica_turns::on_copied(const state_copied& done) {
  if (!done.copy) {
    copy_floor_ = 0;
    return;
  }
  copy_ = done.copy->identity;
  auto offer = std::make_shared<raft::snapshot>(*done.copy);
  offer->voters = core_->voters();
  core_->offer_snapshot(std::move(offer));
  copy_next_ = now();
  if (core_->offered()) DUNLIN_REACHED("partition.snapshot_offered");
  turn();
}

// ---- taking ----

void replica_turns::fetch(const raft::ready& work) {
  // Membership does not change yet: another one means another cluster, or a release that this one
  // does not understand.
  if (!options_.keeper || work.fetch->voters != core_->voters()) return refuse_fetch(*work.fetch);
  fetching_ = work.fetch;
  self_->send(options_.keeper, fetch_state{options_.id, work.fetch_from, work.fetch});
}

void replica_turns::refuse_fetch(const raft::snapshot& offered) {
  DUNLIN_REACHED("partition.snapshot_refused");
  core_->on_snapshot_failed(offered.identity);
}

void replica_turns::on_fetched(const state_fetched& done) {
  if (!fetching_ || fetching_->identity != done.identity) return;
  if (done.refusal) {
    fetching_ = nullptr;
    refuse_fetch({{}, {}, 0, 0, {}, done.identity});
    return turn();
  }
  if (!core_->begin_install(done.identity)) {
    fetching_ = nullptr;
    self_->send(options_.keeper, drop_fetch{options_.id});
    return;
  }
  installing_ = true;
  commit();  // it may be opened again
  if (stopped_) return;
  // Confirmed in a former leadership: the state that they wait for will not pass here.
  for (auto& [id, one] : reads_)
    one.promise.deliver(make_error(ec::unavailable, "takes a snapshot"));
  reads_.clear();
  reads_to_serve_.clear();
  machine_ = nullptr;
  options_.store = nullptr;
  if (options_.store_changed) options_.store_changed(nullptr);
  self_->send(options_.keeper, install_state{options_.id});
}

void replica_turns::on_installed(const state_installed& done) try {
  DUNLIN_ASSERT(installing_ && fetching_);
  if (!done.store) return stop("install", done.refusal.value_or(ec::io_error), "a snapshot");
  options_.store = done.store;
  if (options_.store_changed) options_.store_changed(options_.store);
  open_state();
  installing_ = false;
  const auto at = std::exchange(fetching_, nullptr)->at;
  if (done.refusal) {
    refuse_fetch({{}, {}, 0, 0, {}, done.identity});
    return turn();
  }
  if (raft::position{machine_->applied_term(), machine_->applied()} != at)
    return stop("install", ec::damaged, "the state is not at its place");
  DUNLIN_REACHED("partition.snapshot_installed");
  log::info("partition.snapshot_installed", {{"partition", options_.id}, {"index", at.index}});
  uncommitted_entries_ = 0;
  bytes_since_checkpoint_ = 0;
  checkpointed_ = at.index;
  checkpointing_ = false;
  core_->on_snapshot_installed();
  turn();
} catch (const store_error& error) {
  stop("install", error.code(), error.what());
}

}  // namespace dunlin
