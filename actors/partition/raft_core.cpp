// How a core lives: input checks, terms, time, and the owner's work. Elections, replication,
// snapshots and reads are in raft_election.cpp, raft_replication.cpp, raft_snapshots.cpp and
// raft_reads.cpp.
#include "actors/partition/raft_core.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::raft {

// Applying is the owner's turn: one turn gets no more than this.
static constexpr std::size_t committed_bytes_max = 4u << 20;
// Answers that wait for storage; dropping more is legal, heartbeats report the same later.
static constexpr std::size_t held_max = 1024;
// No honest cluster counts so far; it keeps a broken peer from wearing out the term.
static constexpr term_t term_max = term_t{1} << 62;

bool ready::empty() const {
  return token == 0 && messages.empty() && committed.empty() && reads.empty() &&
         reads_failed.empty() && !fetch;
}

raft_core::raft_core(options config, std::function<std::uint64_t()> random, restored from)
    : config_{std::move(config)}, random_{std::move(random)}, log_{from} {
  DUNLIN_ASSERT(std::count(config_.voters.begin(), config_.voters.end(), config_.self) == 1);
  DUNLIN_ASSERT(config_.heartbeat_ticks >= 1 && config_.election_ticks > config_.heartbeat_ticks);
  hard_ = std::move(from.hard);
  // A state may be installed before the term in which it came is stored: it proves that term.
  if (hard_.term < log_.snapshot_term()) hard_ = {log_.snapshot_term(), {}};
  DUNLIN_ASSERT(hard_.term >= log_.last_term());
  DUNLIN_ASSERT(from.applied >= log_.snapshot_index() && from.applied <= log_.last_index());
  commit_ = handed_to_apply_ = applied_ = from.applied;
  reset_election_timer();
}

void raft_core::reset_election_timer() {
  election_elapsed_ = 0;
  const auto base = static_cast<std::uint64_t>(config_.election_ticks);
  // A lone voter has nobody to wait for.
  election_timeout_ = config_.voters.size() == 1 ? 1 : static_cast<int>(base + random_() % base);
}

void raft_core::tick() {
  ++election_elapsed_;
  if (leads()) return tick_leader();
  if (election_elapsed_ >= election_timeout_) return campaign(false);
  if (role_ == role::pre_candidate && election_elapsed_ % config_.heartbeat_ticks == 0)
    ask_for_pre_votes();
}

void raft_core::tick_leader() {
  if (election_elapsed_ >= config_.election_ticks) {
    election_elapsed_ = 0;
    check_quorum();
    if (!leads()) return;
  }
  for (auto& [name, peer] : peers_)
    peer.tick();
  if (!transferee_.empty() && ++transfer_elapsed_ >= config_.election_ticks) {
    DUNLIN_REACHED("raft.transfer_given_up");
    transferee_.clear();
  }
  if (++heartbeat_elapsed_ < config_.heartbeat_ticks) return;
  heartbeat_elapsed_ = 0;
  send_heartbeats();
  appends_pending_ = true;
}

static bool is_whole(const message& m) {
  return m.snapshot && m.entries.empty() && !m.snapshot->identity.empty() && m.log_index > 0 &&
         m.log_term > 0 && m.log_term <= m.term &&
         m.snapshot->at == position{m.log_term, m.log_index};
}

bool raft_core::is_plausible(const message& m) const {
  if (m.to != config_.self || m.from == config_.self) return false;
  if (std::find(config_.voters.begin(), config_.voters.end(), m.from) == config_.voters.end())
    return false;
  if (m.term == 0 || m.term > term_max) return false;
  auto index = m.log_index;
  auto term = m.log_term;
  for (const auto& e : m.entries) {
    if (e.index != ++index || e.term < term || e.term > m.term) return false;
    if (e.kind != entry_kind::noop && !e.data) return false;
    term = e.term;
  }
  return m.kind != message_kind::snapshot || is_whole(m);
}

void raft_core::step(message incoming) {
  if (!is_plausible(incoming)) return;
  if (incoming.term > hard_.term && !admit_higher_term(incoming)) return;
  if (incoming.term < hard_.term) return answer_stale(incoming);
  switch (incoming.kind) {
    case message_kind::append: return on_append(incoming);
    case message_kind::append_reply: return on_append_reply(incoming);
    case message_kind::vote: return on_vote(incoming);
    case message_kind::pre_vote: return on_pre_vote(incoming);
    case message_kind::vote_reply:
    case message_kind::pre_vote_reply: return on_ballot(incoming);
    case message_kind::timeout_now: return on_timeout_now(incoming);
    case message_kind::snapshot: return on_snapshot(incoming);
    case message_kind::snapshot_reply: return on_snapshot_reply(incoming);
  }
}

bool raft_core::admit_higher_term(const message& m) {
  switch (m.kind) {
    case message_kind::pre_vote: return true;  // asks about a term that nobody has entered
    case message_kind::pre_vote_reply:
      if (m.reject) become_follower(m.term, {});
      return true;
    case message_kind::vote:
      // Whoever hears a leader is not talked out of it by a node that does not (check-quorum).
      if (!m.transfer && in_lease()) {
        DUNLIN_REACHED("raft.vote_ignored_in_lease");
        return false;
      }
      become_follower(m.term, {});
      return true;
    case message_kind::append:
    case message_kind::snapshot: become_follower(m.term, m.from); return true;
    default: become_follower(m.term, {}); return true;
  }
}

// A node of an older term learns the new one from the refusal; else a leader that was away would
// go on unheard, and a candidate would ask for ever.
void raft_core::answer_stale(const message& m) {
  auto answer = [&](message_kind kind) {
    auto reply = make(kind, m.from);
    reply.reject = true;
    reply.log_index = m.log_index;
    send(std::move(reply));
  };
  if (m.kind == message_kind::append || m.kind == message_kind::snapshot)
    answer(message_kind::append_reply);
  if (m.kind == message_kind::vote) answer(message_kind::vote_reply);
  if (m.kind == message_kind::pre_vote) answer(message_kind::pre_vote_reply);
}

void raft_core::become_follower(term_t term, const node_id& leader) {
  DUNLIN_ASSERT(term >= hard_.term);
  if (term > hard_.term) set_hard(term, {});
  if (leads()) fail_reads();
  role_ = role::follower;
  leader_ = leader;
  transferee_.clear();
  ballots_.clear();
  own_vote_token_ = 0;
  peers_.clear();
  offered_ = nullptr;
  appends_pending_ = false;
  reset_election_timer();
}

void raft_core::set_hard(term_t term, const node_id& vote) {
  hard_ = {term, vote};
  hard_changed_ = true;
}

message raft_core::make(message_kind kind, const node_id& to) const {
  message m;
  m.kind = kind;
  m.from = config_.self;
  m.to = to;
  m.term = hard_.term;
  return m;
}

void raft_core::send_when_stored(message m) {
  const auto token = token_of_pending();
  if (token <= token_stored_) return send(std::move(m));
  // Append answers are cumulative: the newest of one write says it all.
  if (m.kind == message_kind::append_reply && !held_.empty()) {
    auto& last = held_.back();
    if (last.token == token && last.what.kind == m.kind && last.what.to == m.to &&
        last.what.term == m.term) {
      last.what.log_index = std::max(last.what.log_index, m.log_index);
      last.what.read_context = std::max(last.what.read_context, m.read_context);
      return;
    }
  }
  if (held_.size() < held_max) held_.push_back({token, std::move(m)});
}

void raft_core::release_held() {
  while (!held_.empty() && held_.front().token <= token_stored_) {
    // A promise of an older term binds nobody any more, and its entries may have been cut since.
    if (held_.front().what.term == hard_.term)
      send(std::move(held_.front().what));
    else
      DUNLIN_REACHED("raft.promise_of_older_term_dropped");
    held_.pop_front();
  }
}

void raft_core::on_stored(std::uint64_t token) {
  DUNLIN_ASSERT(token > token_stored_ && token <= token_issued_);
  token_stored_ = token;
  log_.on_stored(token);
  release_held();
  if (own_vote_token_ != 0 && own_vote_token_ <= token) count_own_vote();
  if (leads()) advance_commit();
}

void raft_core::on_applied(index_t index) {
  DUNLIN_ASSERT(index >= applied_ && index <= handed_to_apply_);
  applied_ = index;
}

void raft_core::compact(index_t index) {
  DUNLIN_ASSERT(index <= applied_);
  log_.compact(index);
}

// A state that is being replaced takes no entries.
index_t raft_core::ready_to_apply() const {
  return installing_ ? handed_to_apply_ : std::min(commit_, log_.stored());
}

bool raft_core::has_ready() const {
  return unstored() || !outbox_.empty() || appends_pending_ || round_is_due() ||
         handed_to_apply_ < ready_to_apply() || !reads_done_.empty() || !reads_failed_.empty() ||
         fetch_unhanded_;
}

ready raft_core::take_ready() {
  if (round_is_due()) start_read_round();
  pump_appends();
  ready work;
  if (unstored()) {
    work.token = ++token_issued_;
    if (std::exchange(hard_changed_, false)) {
      work.hard = hard_;
      hard_token_ = work.token;
    }
    work.reset = std::exchange(reset_, std::nullopt);
    work.forgets_rest = std::exchange(forgets_rest_, false);
    work.entries = log_.hand_out(work.token);
  }
  work.messages = std::exchange(outbox_, {});
  if (const auto through = ready_to_apply(); handed_to_apply_ < through) {
    work.committed = log_.slice(handed_to_apply_ + 1, through, committed_bytes_max);
    handed_to_apply_ = work.committed.back().index;
  }
  work.reads = std::exchange(reads_done_, {});
  work.reads_failed = std::exchange(reads_failed_, {});
  if (std::exchange(fetch_unhanded_, false)) {
    work.fetch = wanted_;
    work.fetch_from = wanted_from_;
  }
  return work;
}

index_t raft_core::match_of(const node_id& peer) const {
  if (peer == config_.self) return log_.stored();
  const auto found = peers_.find(peer);
  return found == peers_.end() ? 0 : found->second.match();
}

bool raft_core::needs_snapshot(const node_id& peer) const {
  const auto found = peers_.find(peer);
  return found != peers_.end() && found->second.needs_snapshot();
}

bool raft_core::is_reachable(const node_id& peer) const {
  const auto found = peers_.find(peer);
  return found != peers_.end() && (found->second.active || found->second.was_active);
}

}  // namespace dunlin::raft
