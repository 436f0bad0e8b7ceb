#include "actors/partition/replica_turns.hpp"

#include "actors/partition/raft_codec.hpp"
#include "messages/error.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/reached.hpp"
#include "runtime/scheduling/long_turn.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

// Applying more than this takes longer than waking another thread.
static constexpr std::size_t long_apply_bytes = 8u << 10;

// A commit writes every page that the entries touched, at worst one a command, and what comes
// meanwhile waits: about two milliseconds.
static constexpr std::size_t commit_bytes_max = 64u << 10;

replica_turns::replica_turns(self_pointer self, partition_replica_options options)
    : self_{self}, options_{std::move(options)}, changes_{{}, now_us()} {}

std::chrono::milliseconds replica_turns::now() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      self_->clock().now().time_since_epoch());
}

std::chrono::microseconds replica_turns::now_us() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(
      self_->clock().now().time_since_epoch());
}

void replica_turns::start() try {
  open_state();
  checkpointed_ = options_.recovered.compacted_index;
  auto restored = restored_from(std::exchange(options_.recovered, {}), machine_->applied());
  if (!begin_where_log_and_state_agree(restored)) return;
  raft::options config;
  config.self = options_.self;
  config.voters = options_.voters;
  config.election_ticks = std::max(2, static_cast<int>(options_.election / options_.heartbeat));
  // What comes in one message is stored under one token: a log with little room takes it piecemeal.
  config.append_bytes_max = options_.entry_bytes_max;
  if (options_.inflight_bytes_max > 0) config.inflight_bytes_max = options_.inflight_bytes_max;
  if (options_.inflight_messages_max > 0)
    config.inflight_messages_max = options_.inflight_messages_max;
  auto random = [source = options_.random] { return source->next(); };
  core_ = std::make_unique<raft::raft_core>(std::move(config), random, std::move(restored));
  for (const auto& voter : options_.voters)
    if (voter != options_.self) peers_[voter] = options_.peer(voter);
  step_aside_wait_ = options_.room_interval;
  if (options_.keeper)
    self_->send(options_.keeper, keep_state{options_.id, self_, options_.store->background()});
  arm_tick();
} catch (const store_error& error) {
  stop("start", error.code(), error.what());
}

void replica_turns::stop(const char* step, ec reason, const std::string& detail) {
  if (stopped_) return;
  log::error("partition.stopped", {{"partition", options_.id},
                                   {"step", step},
                                   {"reason", to_string(reason)},
                                   {"detail", detail}});
  end(make_error(reason, step));
}

void replica_turns::end(const caf::error& reason) {
  if (std::exchange(stopped_, true)) return;
  for (auto& [id, one] : reads_)
    one.promise.deliver(make_error(ec::stopping));
  reads_.clear();
  if (leader_) self_->send(leader_, leadership_lost{});
  stop_announcing();
  self_->quit(reason);
}

// Aligned, so that all groups of a node beat together and their messages share frames.
void replica_turns::arm_tick() {
  const auto period = options_.heartbeat;
  const auto wait = period - now() % period;
  self_->delayed_send(self_, wait, caf::tick_atom_v);
}

caf::result<v1::CommandReply> replica_turns::on_command(const v1::PartitionCommand& wish) {
  if (!leader_) return make_error(ec::not_leader, core_->leader());
  if (full()) {
    // While another takes over, a router had better wait for it than give up.
    const auto moving = !core_->transfer_target().empty();
    return make_error(moving ? ec::unavailable : ec::disk_full, "no room on disk");
  }
  return self_->delegate(leader_, wish);
}

caf::result<v1::QueryReply> replica_turns::on_query(const v1::PartitionQuery& wish) {
  const auto id = core_->read();
  if (!id) return make_error(id.error(), core_->leader());
  auto promise = self_->make_response_promise<v1::QueryReply>();
  reads_.emplace(*id, read{promise, wish});
  turn();
  return promise;
}

void replica_turns::on_message(const v1::RaftMessage& incoming) {
  if (incoming.partition() != options_.id) return;
  auto decoded = raft::decode(incoming);
  if (!decoded) return;
  core_->step(std::move(*decoded));
  turn();
}

void replica_turns::on_propose(const propose_round& wish) {
  auto refuse = [&](ec reason) {
    // A leader of an older term is being told that it is over, which answers its requests.
    if (leader_ && wish.term == led_term_) self_->send(leader_, round_refused{wish.round, reason});
  };
  if (wish.term != core_->term()) return refuse(ec::not_leader);
  const auto at = core_->propose(wish.batch);
  if (!at) return refuse(at.error());
  proposals_[at->index] = {at->term, wish.round};
  turn();
}

void replica_turns::on_stored(const log_stored& done) {
  log_full_ = done.full;
  if (done.token == 0) return;
  while (!unstored_.empty() && unstored_.front().token <= done.token)
    unstored_.pop_front();
  core_->on_stored(done.token);
  if (reset_token_ != 0 && reset_token_ <= done.token) {
    reset_token_ = 0;
    self_->send(options_.keeper, forget_mark{options_.id});
  }
  turn();
}

void replica_turns::on_refused(const log_refused& no) {
  DUNLIN_ASSERT(!unstored_.empty() && unstored_.front().token == no.token);
  DUNLIN_REACHED("partition.log_full");
  if (!log_full_) log::warn("partition.log_filled", {{"partition", options_.id}});
  log_full_ = blocked_ = true;  // sent again when it is time to look for room
}

void replica_turns::on_tick() {
  arm_tick();
  core_->tick();
  // A leader that steps down for want of a quorum may have nothing else to do.
  if (options_.observer && !core_->has_ready()) options_.observer(*core_, {});
  if (now() - room_looked_for_ >= options_.room_interval) look_for_room();
  cut_log(false);
  follow_snapshots();
  turn();
  if (!stopped_) commit();
}

void replica_turns::on_step_aside() {
  core_->step_aside();
  turn();
}

void replica_turns::look_for_room() {
  room_looked_for_ = now();
  disk_full_ = options_.has_room && !options_.has_room();
  if (!full()) {
    step_aside_wait_ = options_.room_interval;
    step_aside_next_ = {};
    return;
  }
  leave_to_one_with_room();
  if (!log_full_) return;
  cut_log(true);
  if (!std::exchange(blocked_, false)) {
    // Nothing is under way whose answer would tell that there is room again.
    self_->send(options_.writer, log_append{self_, options_.id, 0, {}, {}, {}});
    return;
  }
  for (const auto& step : unstored_)
    self_->send(options_.writer, step);
}

void replica_turns::leave_to_one_with_room() {
  if (!core_->leads() || now() < step_aside_next_) return;
  core_->step_aside();
  step_aside_next_ = now() + step_aside_wait_;
  step_aside_wait_ = std::min(2 * step_aside_wait_, options_.step_aside_interval_max);
}

void replica_turns::turn() {
  try {
    while (!stopped_ && core_->has_ready())
      perform(core_->take_ready());
  } catch (const store_error& error) {
    return stop("apply", error.code(), error.what());
  }
  if (stopped_) return;
  follow_role();
  tell_leader();
}

void replica_turns::perform(raft::ready work) {
  if (options_.observer) options_.observer(*core_, work);
  store(work);
  for (const auto& m : work.messages)
    if (const auto& to = peers_.at(m.to)) self_->send(to, raft::encode(m, options_.id));
  std::size_t bytes = 0;
  for (const auto& e : work.committed)
    bytes += raft::bytes_of(e);
  if (bytes > long_apply_bytes) scheduling::others_may_go_on();  // what was sent above above all
  for (const auto& e : work.committed)
    apply(e);
  if (!work.committed.empty()) core_->on_applied(work.committed.back().index);
  answer_reads(work);
  offer_rows();
  if (work.fetch) fetch(work);
}

void replica_turns::store(raft::ready& work) {
  if (work.token == 0) return;
  if (work.reset) {
    forget_unstored(*work.reset, work.forgets_rest);
    reset_token_ = work.token;
  }
  unstored_.push_back(
      {self_, options_.id, work.token, std::move(work.hard), work.reset, std::move(work.entries)});
  if (!blocked_) self_->send(options_.writer, unstored_.back());
}

// A step that the log refused comes again: without what the log is told to forget before it.
void replica_turns::forget_unstored(raft::position through, bool rest) {
  for (auto& step : unstored_)
    std::erase_if(step.entries,
                  [&](const raft::entry& e) { return rest || e.index <= through.index; });
}

void replica_turns::apply(const raft::entry& e) {
  std::vector<v1::CommandReply> replies;
  v1::CommandBatch batch;
  // Unreadable is unreadable on every replica alike.
  if (e.kind == raft::entry_kind::command && batch.ParseFromString(*e.data))
    machine_->apply(e.index, e.term, batch, replies);
  else
    machine_->skip(e.index, e.term);
  bytes_since_checkpoint_ += raft::bytes_of(e);
  answer_applied(e, std::move(replies));
  uncommitted_bytes_ += raft::bytes_of(e);
  if (++uncommitted_entries_ >= options_.commit_entries_max ||
      uncommitted_bytes_ >= commit_bytes_max) {
    commit();
    if (!stopped_ && options_.keeper && options_.store->wants_checkpoint()) checkpoint();
  }
}

void replica_turns::answer_applied(const raft::entry& e, std::vector<v1::CommandReply> replies) {
  const auto found = proposals_.find(e.index);
  if (found == proposals_.end()) return;
  const auto ours = found->second;
  proposals_.erase(found);
  // Another term's entry in its place: the leader of that term has been told that it is over.
  if (leader_ && ours.term == e.term && ours.term == led_term_)
    self_->send(leader_, round_applied{ours.round, std::move(replies)});
}

void replica_turns::answer_reads(const raft::ready& work) {
  for (const auto id : work.reads_failed)
    if (auto one = reads_.extract(id); !one.empty())
      one.mapped().promise.deliver(make_error(ec::not_leader, core_->leader()));
  for (const auto& done : work.reads)
    reads_to_serve_.emplace(done.index, done.id);
  while (!reads_to_serve_.empty() && reads_to_serve_.begin()->first <= core_->applied()) {
    auto one = reads_.extract(reads_to_serve_.begin()->second);
    reads_to_serve_.erase(reads_to_serve_.begin());
    if (!one.empty()) answer(one.mapped());
  }
}

void replica_turns::answer(read& one) {
  if (options_.looked_up) options_.looked_up(one.query);
  one.promise.deliver(one.query.has_get_change_age() ? change_age(one.query.get_change_age())
                                                     : machine_->answer(one.query));
}

void replica_turns::tell_leader() {
  const auto term = core_->term();
  if (!options_.leader_known || core_->leader().empty() || term == told_term_) return;
  told_term_ = term;  // a term has one leader at most
  options_.leader_known(core_->leader(), term);
}

void replica_turns::follow_role() {
  const auto leads = core_->leads();
  if (leader_ && (!leads || led_term_ != core_->term())) {
    log::info("partition.leadership_lost", {{"partition", options_.id}, {"term", led_term_}});
    self_->send(leader_, leadership_lost{core_->leader()});
    leader_ = nullptr;
    stop_announcing();
    proposals_.clear();
  }
  if (!leads || leader_) return;
  led_term_ = core_->term();
  step_aside_next_ = now() + step_aside_wait_;
  log::info("partition.leader_elected", {{"partition", options_.id}, {"term", led_term_}});
  leader_options options;
  options.partition = options_.id;
  options.term = led_term_;
  options.replica = self_;
  options.clock = options_.clock;
  options.limits.bytes_max = options_.entry_bytes_max;
  options.client_lifetime = options_.client_lifetime;
  leader_ = self_->spawn<caf::linked>(partition_leader, std::move(options));
  start_announcing();
}

void replica_turns::commit() try {
  uncommitted_bytes_ = 0;
  if (std::exchange(uncommitted_entries_, 0) == 0 || !machine_) return;
  scheduling::others_may_go_on();
  options_.store->commit();
} catch (const store_error& error) {
  stop("commit", error.code(), error.what());
}

v1::ReplicaStatus replica_turns::status() const {
  v1::ReplicaStatus now;
  now.set_partition(options_.id);
  switch (core_->current_role()) {
    case raft::role::leader: now.set_role("leader"); break;
    case raft::role::follower: now.set_role("follower"); break;
    case raft::role::pre_candidate:
    case raft::role::candidate: now.set_role("candidate"); break;
  }
  if (installing_ || core_->wanted()) now.set_role("catching up");
  now.set_leader(core_->leader());
  now.set_term(core_->term());
  now.set_commit(core_->commit());
  now.set_applied(core_->applied());
  now.set_last_index(core_->last_index());
  if (machine_) now.set_tick(machine_->tick());
  for (const auto& voter : core_->voters())
    now.add_members(voter);
  now.set_first_hash(options_.first_hash);
  now.set_last_hash(options_.last_hash);
  return now;
}

}  // namespace dunlin
