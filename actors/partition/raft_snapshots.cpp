// Snapshots: what a leader offers to those who need what its log has forgotten, and how a follower
// takes a whole state in place of entries (decision 9, Ongaro & Ousterhout 2014, section 7).
#include "actors/partition/raft_core.hpp"

#include "runtime/observe/planted.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::raft {

// ---- the leader ----

/// Whoever has it can go on with entries.
bool raft_core::is_useful(const snapshot_ptr& offer) const {
  return offer && offer->at.index + 1 >= log_.first_index();
}

bool raft_core::wants_snapshot() const {
  if (!leads() || is_useful(offered_)) return false;
  return std::any_of(peers_.begin(), peers_.end(), [&](const auto& peer) {
    return peer.second.needs_snapshot() && is_reachable(peer.first);
  });
}

bool raft_core::snapshot_in_use() const {
  if (!leads() || !is_useful(offered_)) return false;
  return std::any_of(peers_.begin(), peers_.end(), [&](const auto& peer) {
    return peer.second.needs_snapshot() && is_reachable(peer.first);
  });
}

void raft_core::offer_snapshot(snapshot_ptr offer) {
  if (!leads() || !is_useful(offer)) return;
  DUNLIN_ASSERT(offer->at.index <= applied_ && log_.term_at(offer->at.index) == offer->at.term);
  offered_ = std::move(offer);
  for (auto& [name, peer] : peers_)
    peer.postpone_offer(0);
  appends_pending_ = true;
}

void raft_core::offer_to(const node_id& name, progress& peer) {
  if (!is_useful(offered_)) return;
  auto offer = make(message_kind::snapshot, name);
  offer.log_index = offered_->at.index;
  offer.log_term = offered_->at.term;
  offer.snapshot = offered_;
  peer.postpone_offer(config_.snapshot_ticks);
  send(std::move(offer));
}

void raft_core::on_snapshot_reply(const message& m) {
  // A follower that got there says what it has, as every follower does.
  if (!m.reject) return on_append_reply(m);
  const auto found = peers_.find(m.from);
  if (!leads() || found == peers_.end()) return;
  found->second.active = true;
  const auto current = offered_ && m.log_index == offered_->at.index;
  if (current) found->second.postpone_offer(3 * config_.snapshot_ticks);
}

// ---- the follower ----

void raft_core::on_snapshot(const message& m) {
  if (leads()) return;  // two leaders of one term: the peer is broken
  if (!leader_.empty() && leader_ != m.from) return;
  if (role_ != role::follower) become_follower(hard_.term, m.from);
  leader_ = m.from;
  election_elapsed_ = 0;
  // What a leader offers is committed, so a log that goes through it needs no state.
  if (log_.term_at(m.log_index) == m.log_term) commit_to(m.log_index);
  if (m.log_index > commit_) return want(m);
  auto reply = make(message_kind::snapshot_reply, m.from);
  reply.log_index = std::max(m.log_index, std::min(commit_, log_.stored()));
  if (reply.log_index <= log_.stored()) return send(std::move(reply));
  send_when_stored(std::move(reply));
}

void raft_core::want(const message& m) {
  if (installing_) return;  // then this replica is that much further, and says so
  if (wanted_ && wanted_->identity == m.snapshot->identity) return;  // the owner is at it
  if (wanted_ && wanted_from_ == m.from && wanted_->at.index > m.log_index) return;  // late
  wanted_ = m.snapshot;
  wanted_from_ = m.from;
  fetch_unhanded_ = true;
}

bool raft_core::begin_install(const std::string& identity) {
  // A leader has every entry, so it needs no state, even if it has not counted so far yet.
  if (!wanted_ || wanted_->identity != identity || installing_ || leads()) return false;
  DUNLIN_ASSERT(wanted_->at.index > handed_to_apply_);
  installing_ = true;
  return true;
}

void raft_core::on_snapshot_installed() {
  DUNLIN_ASSERT(installing_);
  auto at = std::exchange(wanted_, nullptr)->at;
  if (planted(bug::wrong_snapshot_index)) ++at.index;
  installing_ = false;
  uncommitted_bytes_ -= std::min(uncommitted_bytes_, log_.bytes_between(commit_, at.index));
  reset_ = at;
  forgets_rest_ = !log_.restore(at);
  if (forgets_rest_) {
    // It may have been elected meanwhile, but only with a log that goes through this place.
    DUNLIN_ASSERT(!leads());
    // Entries that were promised to be said when they are stored are not wanted any more.
    std::erase_if(held_, [](const held_message& held) {
      return held.what.kind == message_kind::append_reply ||
             held.what.kind == message_kind::snapshot_reply;
    });
  }
  commit_ = std::max(commit_, at.index);
  handed_to_apply_ = applied_ = at.index;
  if (leader_.empty() || leads()) return;
  auto reply = make(message_kind::snapshot_reply, leader_);
  reply.log_index = at.index;
  send_when_stored(std::move(reply));
}

void raft_core::on_snapshot_failed(const std::string& identity) {
  if (!wanted_ || wanted_->identity != identity) return;
  installing_ = false;
  fetch_unhanded_ = false;
  const auto at = std::exchange(wanted_, nullptr)->at;
  if (leader_.empty() || leads()) return;
  auto reply = make(message_kind::snapshot_reply, leader_);
  reply.log_index = at.index;
  reply.reject = true;
  send(std::move(reply));
}

}  // namespace dunlin::raft
