// ReadIndex: one round of heartbeats proves leadership for all reads that waited for it.
#include "actors/partition/raft_core.hpp"
#include "runtime/observe/reached.hpp"

#include "runtime/observe/planted.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::raft {

result<std::uint64_t> raft_core::read() {
  if (!leads()) return ec::not_leader;
  if (gathering_.size() + round_.size() >= config_.reads_max) return ec::overloaded;
  if (!may_read()) DUNLIN_REACHED("raft.read_before_own_entry");
  gathering_.push_back(++read_id_);
  return read_id_;
}

// Before an entry of the own term is committed, the commit index may lag behind what the last
// leader has acknowledged.
bool raft_core::may_read() const {
  return leads() && (log_.term_at(commit_) == hard_.term || planted(bug::read_before_own_entry));
}

void raft_core::start_read_round() {
  round_ = std::exchange(gathering_, {});
  ++read_context_;
  round_index_ = commit_;
  send_heartbeats();
  confirm_reads();  // a lone voter is its own quorum
}

void raft_core::confirm_reads() {
  if (round_.empty()) return;
  auto confirmed = std::size_t{1};
  for (const auto& [name, peer] : peers_)
    confirmed += peer.read_context == read_context_ ? 1 : 0;
  if (confirmed < quorum() && !planted(bug::stale_read_after_leadership)) return;
  for (const auto id : std::exchange(round_, {}))
    reads_done_.push_back({id, round_index_});
}

void raft_core::fail_reads() {
  if (!round_.empty() || !gathering_.empty()) DUNLIN_REACHED("raft.reads_failed_with_leadership");
  for (auto* waiting : {&round_, &gathering_}) {
    reads_failed_.insert(reads_failed_.end(), waiting->begin(), waiting->end());
    waiting->clear();
  }
}

}  // namespace dunlin::raft
