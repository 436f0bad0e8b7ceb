// Replication: how followers take entries, and how a leader sends and commits them.
#include "actors/partition/raft_core.hpp"
#include "runtime/observe/reached.hpp"

#include "runtime/observe/planted.hpp"

#include <algorithm>
#include <functional>

namespace dunlin::raft {

result<position> raft_core::propose(buffer command) {
  DUNLIN_ASSERT(command);
  if (!leads()) return ec::not_leader;
  if (!transferee_.empty()) return ec::unavailable;
  entry e{hard_.term, log_.last_index() + 1, entry_kind::command, std::move(command)};
  const auto bytes = bytes_of(e);
  if (uncommitted_bytes_ > 0 && uncommitted_bytes_ + bytes > config_.uncommitted_bytes_max)
    return ec::overloaded;
  uncommitted_bytes_ += bytes;
  const position at{e.term, e.index};
  log_.append(std::move(e));
  appends_pending_ = true;
  return at;
}

void raft_core::on_append(message& m) {
  if (leads()) return;  // two leaders of one term: the peer is broken
  if (!leader_.empty() && leader_ != m.from) return;
  if (role_ != role::follower) become_follower(hard_.term, m.from);
  leader_ = m.from;
  election_elapsed_ = 0;
  const auto expected = m.log_index + m.entries.size();
  if (m.log_index < log_.snapshot_index()) {
    DUNLIN_REACHED("raft.append_behind_snapshot");
    // What the log has forgotten was committed, so it agrees.
    std::erase_if(m.entries, [&](const entry& e) { return e.index <= log_.snapshot_index(); });
    m.log_index = log_.snapshot_index();
    m.log_term = *log_.term_at(m.log_index);
  }
  if (log_.term_at(m.log_index) != m.log_term) return reject_append(m);
  if (!merge(m)) return;
  const auto matched = std::max(expected, m.log_index);
  commit_to(std::min(m.commit, matched));
  settled_ = std::max(settled_, std::min(m.settled, commit_));
  answer_append(m, matched);
}

// False: it contradicts what is committed, so the peer is broken and is ignored.
bool raft_core::merge(message& m) {
  for (auto& e : m.entries) {
    const auto known = log_.term_at(e.index);
    if (known == e.term) continue;
    if (known) {
      if (e.index <= commit_) return false;
      DUNLIN_REACHED("raft.follower_log_truncated");
      log_.truncate_from(e.index);
    }
    log_.append(std::move(e));
  }
  if (const auto end = m.log_index + m.entries.size() + 1;
      planted(bug::log_cut_by_late_append) && !m.entries.empty() && end <= log_.last_index())
    log_.truncate_from(end);
  return true;
}

void raft_core::reject_append(const message& m) {
  if (m.log_index <= commit_) return;  // contradicts what is committed
  DUNLIN_REACHED("raft.append_rejected");
  auto reply = make(message_kind::append_reply, m.from);
  reply.reject = true;
  reply.log_index = m.log_index;
  reply.reject_hint = log_.last_possible_match(m.log_index, m.log_term);
  reply.reject_hint_term = log_.term_at(reply.reject_hint).value_or(0);
  reply.read_context = m.read_context;
  send(std::move(reply));
}

void raft_core::answer_append(const message& m, index_t matched) {
  auto reply = make(message_kind::append_reply, m.from);
  reply.read_context = m.read_context;
  // A heartbeat is answered at once, since reads wait for it: with what is durable now.
  if (m.entries.empty()) matched = std::min(matched, log_.stored());
  reply.log_index = matched;
  // The leader never goes back behind what was matched once; a node that forgot the term in a crash
  // could let an older leader cut it.
  if (matched <= log_.stored() && hard_is_stored()) return send(std::move(reply));
  send_when_stored(std::move(reply));
}

void raft_core::on_append_reply(const message& m) {
  const auto found = peers_.find(m.from);
  if (!leads() || found == peers_.end()) return;
  auto& peer = found->second;
  if (m.log_index > log_.last_index()) return;
  peer.active = true;
  if (m.read_context <= read_context_ && m.read_context > peer.read_context) {
    peer.read_context = m.read_context;
    confirm_reads();
  }
  appends_pending_ = true;
  if (m.reject) {
    peer.on_rejected(m.log_index, log_.last_possible_match(m.reject_hint, m.reject_hint_term));
    return;
  }
  if (peer.needs_snapshot() && m.log_index + 1 < log_.first_index()) return;
  if (peer.on_accepted(m.log_index)) advance_commit();
  continue_transfer(m.from);
}

void raft_core::advance_commit() {
  std::vector<index_t> matched{log_.stored()};
  for (const auto& [name, peer] : peers_)
    matched.push_back(peer.match());
  std::sort(matched.begin(), matched.end(), std::greater<>{});
  const auto index = matched[quorum() - 1];
  const auto own_term = log_.term_at(index) == hard_.term;
  if (index > commit_ && !own_term) DUNLIN_REACHED("raft.older_term_not_counted");
  if (index <= commit_ || !(own_term || planted(bug::old_term_commit_by_counting))) return;
  const auto bytes = log_.bytes_between(commit_, index);
  uncommitted_bytes_ -= std::min(uncommitted_bytes_, bytes);
  commit_to(index);
}

void raft_core::settle() {
  auto everywhere = std::min(commit_, log_.stored());
  for (const auto& [name, peer] : peers_)
    everywhere = std::min(everywhere, peer.match());
  // What was settled once stays so: committed entries are never cut.
  settled_ = std::max(settled_, everywhere);
}

void raft_core::commit_to(index_t index) {
  if (index <= commit_) return;
  DUNLIN_ASSERT(index <= log_.last_index());
  commit_ = index;
  // It came by other ways, or so far that nothing of the state is new.
  if (wanted_ && !installing_ && wanted_->at.index <= commit_) {
    wanted_ = nullptr;
    fetch_unhanded_ = false;
  }
}

void raft_core::pump_appends() {
  if (!std::exchange(appends_pending_, false) || !leads()) return;
  for (auto& [name, peer] : peers_) {
    // Also while a probe is under way: it may have been lost, and it cannot be repeated.
    if (peer.next() < log_.first_index()) peer.want_snapshot();
    while (peer.next() <= log_.last_index() && peer.may_send(config_)) {
      const auto previous = peer.next() - 1;
      auto append = make(message_kind::append, name);
      append.log_index = previous;
      append.log_term = *log_.term_at(previous);
      append.commit = commit_;
      append.entries = log_.slice(peer.next(), log_.last_index(), config_.append_bytes_max);
      std::size_t bytes = 0;
      for (const auto& e : append.entries)
        bytes += bytes_of(e);
      peer.on_sent(append.entries.back().index, bytes);
      send(std::move(append));
    }
    if (peer.offer_is_due()) offer_to(name, peer);
  }
}

// An append without entries. Its place in the log is where the next append will start, so the
// answer shows whether the ones before have arrived; or, if that is forgotten, the oldest place
// that is known, so that a follower which got there in another way (a snapshot, a late answer) says
// so.
void raft_core::send_heartbeat(const node_id& name, const progress& peer) {
  auto beat = make(message_kind::append, name);
  beat.log_index = std::max(peer.next() - 1, log_.snapshot_index());
  beat.log_term = *log_.term_at(beat.log_index);
  beat.commit = commit_;
  beat.settled = settled_;
  beat.read_context = round_.empty() ? 0 : read_context_;
  send(std::move(beat));
}

void raft_core::send_heartbeats() {
  settle();
  for (const auto& [name, peer] : peers_)
    send_heartbeat(name, peer);
}

void raft_core::check_quorum() {
  std::size_t heard = 1;
  for (auto& [name, peer] : peers_) {
    heard += peer.active ? 1 : 0;
    peer.was_active = std::exchange(peer.active, false);
  }
  if (heard >= quorum()) return;
  DUNLIN_REACHED("raft.stepped_down_without_quorum");
  become_follower(hard_.term, {});
}

}  // namespace dunlin::raft
