// Elections: pre-vote, votes, and the hand-over of leadership.
#include "actors/partition/raft_core.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>

namespace dunlin::raft {

bool raft_core::in_lease() const {
  return !leader_.empty() && election_elapsed_ < config_.election_ticks;
}

// Pre-vote: a node that could not win does not disturb the others with a new term.
void raft_core::campaign(bool transfer) {
  if (role_ == role::candidate) DUNLIN_REACHED("raft.vote_split");
  reset_election_timer();
  if (transfer) return become_candidate(true);
  role_ = role::pre_candidate;
  leader_.clear();
  own_vote_token_ = 0;
  ballots_ = {{config_.self, true}};
  ask_for_pre_votes();
  count_ballots();
}

// Asked again until they answer: one that has heard the old leader a moment longer is silent at
// first, and to wait for the next timeout would double the time without a leader.
void raft_core::ask_for_pre_votes() {
  for (const auto& peer : config_.voters)
    if (!ballots_.contains(peer)) ask_for_vote(peer, message_kind::pre_vote, hard_.term + 1, false);
}

void raft_core::become_candidate(bool transfer) {
  set_hard(hard_.term + 1, config_.self);
  role_ = role::candidate;
  leader_.clear();
  ballots_.clear();
  // The own vote is a vote like any other: it counts when it is on disk.
  own_vote_token_ = token_of_pending();
  for (const auto& peer : config_.voters)
    if (peer != config_.self) ask_for_vote(peer, message_kind::vote, hard_.term, transfer);
}

void raft_core::ask_for_vote(const node_id& peer, message_kind kind, term_t term, bool transfer) {
  auto request = make(kind, peer);
  request.term = term;
  request.log_index = log_.last_index();
  request.log_term = log_.last_term();
  request.transfer = transfer;
  if (kind == message_kind::pre_vote)
    send(std::move(request));
  else
    send_when_stored(std::move(request));
}

void raft_core::on_pre_vote(const message& m) {
  if (in_lease()) return;
  auto reply = make(message_kind::pre_vote_reply, m.from);
  const auto covered = log_.is_covered_by(m.log_index, m.log_term);
  reply.reject = m.term <= hard_.term || !covered;
  // A grant speaks of the term to come, a refusal of the one that is.
  if (!reply.reject) {
    reply.term = m.term;
    give_way(m);
  } else if (!covered && role_ == role::follower) {
    // It cannot win, we can: why wait for our own timeout?
    election_timeout_ = std::min(election_timeout_, election_elapsed_ + 1);
  }
  send(std::move(reply));
}

// Replicas of one node's tick come at the same moments, so two often ask at once; were both to go
// on, they would split the votes and wait for another timeout. The longer log goes on, of equal
// ones the smaller name.
void raft_core::give_way(const message& m) {
  if (role_ != role::pre_candidate) return;
  const auto equal = m.log_index == log_.last_index() && m.log_term == log_.last_term();
  if (equal && config_.self < m.from) return;
  role_ = role::follower;
  ballots_.clear();
}

void raft_core::on_vote(const message& m) {
  auto reply = make(message_kind::vote_reply, m.from);
  const auto free = hard_.vote.empty() ? leader_.empty() : hard_.vote == m.from;
  if (!free || role_ == role::leader || !log_.is_covered_by(m.log_index, m.log_term)) {
    reply.reject = true;
    return send(std::move(reply));
  }
  if (hard_.vote.empty()) set_hard(hard_.term, m.from);
  // A pre-candidate that votes for another waits for it like everybody else.
  role_ = role::follower;
  ballots_.clear();
  reset_election_timer();
  send_when_stored(std::move(reply));
}

void raft_core::on_ballot(const message& m) {
  if (m.kind == message_kind::pre_vote_reply) {
    if (role_ != role::pre_candidate) return;
    if (!m.reject && m.term != hard_.term + 1) return;
  } else if (role_ != role::candidate || m.term != hard_.term) {
    return;
  }
  ballots_.emplace(m.from, !m.reject);
  count_ballots();
}

void raft_core::count_own_vote() {
  own_vote_token_ = 0;
  DUNLIN_ASSERT(role_ == role::candidate && hard_.vote == config_.self);
  ballots_.emplace(config_.self, true);
  count_ballots();
}

void raft_core::count_ballots() {
  const auto granted = static_cast<std::size_t>(
      std::count_if(ballots_.begin(), ballots_.end(), [](const auto& b) { return b.second; }));
  if (granted >= quorum()) {
    if (role_ == role::pre_candidate) return become_candidate(false);
    return become_leader();
  }
  if (ballots_.size() - granted < quorum()) return;
  if (role_ == role::candidate)
    DUNLIN_REACHED("raft.election_lost");
  else
    DUNLIN_REACHED("raft.pre_vote_lost");
  become_follower(hard_.term, {});
}

void raft_core::become_leader() {
  DUNLIN_REACHED("raft.election_won");
  role_ = role::leader;
  leader_ = config_.self;
  ballots_.clear();
  own_vote_token_ = 0;
  transferee_.clear();
  election_elapsed_ = heartbeat_elapsed_ = 0;
  peers_.clear();
  for (const auto& peer : config_.voters)
    if (peer != config_.self) peers_.emplace(peer, progress{log_.last_index() + 1});
  // Entries of older terms are never committed by counting (figure 8 of the Raft paper): this one
  // carries them, and no read is answered before it.
  log_.append({hard_.term, log_.last_index() + 1, entry_kind::noop, nullptr});
  uncommitted_bytes_ = log_.bytes_between(commit_, log_.last_index());
  appends_pending_ = true;
}

result<void> raft_core::transfer(const node_id& to) {
  if (!leads()) return ec::not_leader;
  const auto found = peers_.find(to);
  if (found == peers_.end()) return ec::invalid_argument;
  if (!transferee_.empty()) return ec::unavailable;
  transferee_ = to;
  transfer_elapsed_ = 0;
  timeout_now_sent_ = false;
  appends_pending_ = true;
  continue_transfer(to);
  return {};
}

void raft_core::step_aside() {
  if (!leads() || !transferee_.empty()) return;
  const std::pair<const node_id, progress>* best = nullptr;
  for (const auto& candidate : peers_)
    if (is_reachable(candidate.first) && !candidate.second.needs_snapshot() &&
        (!best || candidate.second.match() > best->second.match()))
      best = &candidate;
  if (best) (void)transfer(best->first);
}

void raft_core::continue_transfer(const node_id& peer) {
  if (peer != transferee_ || timeout_now_sent_) return;
  if (peers_.at(peer).match() != log_.last_index()) return;
  timeout_now_sent_ = true;
  send(make(message_kind::timeout_now, peer));
}

void raft_core::on_timeout_now(const message& m) {
  if (role_ != role::follower || leader_ != m.from) return;
  DUNLIN_REACHED("raft.leadership_handed_over");
  campaign(true);
}

}  // namespace dunlin::raft
