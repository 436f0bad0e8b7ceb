#include "tests/unit/raft/member.hpp"

#include <algorithm>

namespace dunlin::raft {

member::member(options config_, std::function<std::uint64_t()> random_, raft_invariants& watch_)
    : config{std::move(config_)}, random{std::move(random_)}, watch{watch_} {
  restart();
}

void member::work(const std::function<void(message)>& send) {
  watch.observe(config.self, *core);
  while (core->has_ready()) {
    auto work = core->take_ready();
    if (work.token != 0)
      writes.push_back({work.token, std::move(work.hard), work.reset, std::move(work.entries)});
    if (work.fetch) fetching = work.fetch;
    for (auto& m : work.messages) {
      watch.sent(m);
      send(std::move(m));
    }
    for (auto& e : work.committed) {
      watch.applied(config.self, e);
      applied[e.index] = e;
      core->on_applied(e.index);
      on_applied(e);
    }
    reads.insert(reads.end(), work.reads.begin(), work.reads.end());
    reads_failed.insert(reads_failed.end(), work.reads_failed.begin(), work.reads_failed.end());
    watch.observe(config.self, *core);
  }
}

void member::store(std::size_t count) {
  for (; count > 0 && !writes.empty(); --count) {
    auto next = std::move(writes.front());
    writes.pop_front();
    if (next.hard) disk_hard_ = *next.hard;
    if (next.reset) forget(*next.reset);
    if (!next.entries.empty())
      disk_log_.erase(disk_log_.lower_bound(next.entries.front().index), disk_log_.end());
    for (auto& e : next.entries)
      disk_log_[e.index] = e;
    core->on_stored(next.token);
    watch.observe(config.self, *core);
  }
}

// As wal::log::compact.
void member::forget(position at) {
  disk_installed_.reset();
  if (at.index <= snapshot_index_) return;
  const auto found = disk_log_.find(at.index);
  const auto agrees = found != disk_log_.end() && found->second.term == at.term;
  disk_log_.erase(disk_log_.begin(), agrees ? std::next(found) : disk_log_.end());
  snapshot_index_ = at.index;
  snapshot_term_ = at.term;
}

void member::crash() {
  core.reset();
  fetching = nullptr;
  incoming_.reset();
  writes.clear();
  reads.clear();
  reads_failed.clear();
}

void member::restart() {
  restored from{disk_hard_, snapshot_index_, snapshot_term_, disk_applied_, {}};
  for (const auto& [index, e] : disk_log_)
    from.entries.push_back(e);
  if (disk_installed_ && disk_installed_->index == disk_applied_) begin_at(from, *disk_installed_);
  applied.erase(applied.upper_bound(disk_applied_), applied.end());
  watch.restarted(config.self, disk_applied_);
  core = std::make_unique<raft_core>(config, random, std::move(from));
  if (disk_installed_) forget(*disk_installed_);
  watch.observe(config.self, *core);
}

void member::compact(index_t index) {
  disk_applied_ = core->applied();
  const auto waits = [](const write& w) { return w.reset.has_value(); };
  if (index <= snapshot_index_ || std::any_of(writes.begin(), writes.end(), waits)) return;
  core->compact(index);
  snapshot_index_ = index;
  snapshot_term_ = *core->term_at(index);
  disk_log_.erase(disk_log_.begin(), disk_log_.upper_bound(index));
  watch.observe(config.self, *core);
}

void member::offer(const std::string& identity, states& copies) {
  auto made = std::make_shared<snapshot>();
  made->at = {core->term_at(core->applied()).value(), core->applied()};
  made->voters = config.voters;
  made->identity = identity;
  copies[identity] = applied;
  core->offer_snapshot(std::move(made));
}

bool member::begin_install(const states& copies) {
  if (!core->begin_install(fetching->identity)) {
    fetching = nullptr;
    return false;
  }
  incoming_ = copies.at(fetching->identity);
  return true;
}

void member::replace_state() {
  applied = *incoming_;
  disk_applied_ = fetching->at.index;
  disk_installed_ = fetching->at;
  watch.installed(config.self, fetching->at, applied);
}

void member::finish_install() {
  fetching = nullptr;
  incoming_.reset();
  core->on_snapshot_installed();
  watch.observe(config.self, *core);
}

}  // namespace dunlin::raft
