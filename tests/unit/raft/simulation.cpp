#include "tests/unit/raft/simulation.hpp"

#include <algorithm>

namespace dunlin::raft {

static constexpr std::uint64_t tick_length = 10;
static constexpr std::uint64_t war_length = 12000;
static constexpr std::uint64_t peace_length = 1500;

simulation::simulation(std::uint64_t seed, int nodes) : random_{seed} {
  for (auto i = 0; i < nodes; ++i)
    names_.push_back(std::string(1, static_cast<char>('a' + i)));
  for (const auto& name : names_) {
    options config;
    config.self = name;
    config.voters = names_;
    config.heartbeat_ticks = 2;
    config.append_bytes_max = 100;
    config.inflight_messages_max = 4;
    config.snapshot_ticks = 4;
    auto node = std::make_unique<member>(
        config, [this] { return random_(); }, watch_);
    node->on_applied = [this, name](const entry& e) {
      auto& mine = proposed_[name];
      const auto found = mine.find(e.index);
      if (found == mine.end()) return;
      if (found->second == e.term) {
        acked_[e.index] = e.term;
        ++acknowledged;
      }
      mine.erase(found);
    };
    members_[name] = std::move(node);
    schedule_tick(name);
    schedule_store(name);
    schedule_copies(name);
  }
}

void simulation::at(moment delay, std::function<void()> what) {
  events_.emplace(now_ + delay, std::move(what));
}

void simulation::pass(moment until) {
  while (failure_.empty() && !events_.empty() && events_.begin()->first <= until) {
    auto next = events_.extract(events_.begin());
    now_ = next.key();
    next.mapped()();
  }
  now_ = until;
}

void simulation::work(member& node) {
  node.work([this](message m) { post(std::move(m)); });
  collect_reads(node);
  follow_fetch(node);
  if (!watch_.violations().empty()) fail(watch_.violations().front());
}

void simulation::post(message m) {
  const auto copies = peace_ ? 1 : chance(8) ? 0 : chance(5) ? 2 : 1;
  if (m.kind == message_kind::vote) ++elections;
  for (auto i = 0; i < copies; ++i) {
    // Mostly quick, sometimes later than the messages sent after it.
    const auto delay = 1 + below(peace_ ? 3 : chance(10) ? 60 : 6);
    at(delay, [this, m] {
      auto& to = *members_.at(m.to);
      if (!to.up() || side_[m.from] != side_[m.to]) return;
      to.core->step(m);
      work(to);
    });
  }
}

void simulation::schedule_tick(const node_id& name) {
  at(tick_length - 1 + below(3), [this, name] {
    schedule_tick(name);
    auto& node = *members_.at(name);
    if (!node.up()) return;
    node.core->tick();
    work(node);
  });
}

void simulation::schedule_store(const node_id& name) {
  at(1 + below(chance(5) && !peace_ ? 80 : 6), [this, name] {
    schedule_store(name);
    auto& node = *members_.at(name);
    if (!node.up() || node.writes.empty()) return;
    node.store(1 + below(3));
    work(node);
  });
}

void simulation::schedule_client() {
  at(1 + below(12), [this] {
    if (!peace_) schedule_client();
    auto& node = *members_.at(names_[below(names_.size())]);
    if (node.up()) client_acts(node);
  });
}

void simulation::client_acts(member& node) {
  const auto name = node.config.self;
  const auto dice = below(100);
  if (dice < 55) {
    const auto done = node.core->propose(text("w" + std::to_string(++written_)));
    if (done) proposed_[name][done->index] = done->term;
  } else if (dice < 97) {
    const auto id = node.core->read();
    if (id) reads_[{name, *id}] = {acked_.empty() ? 0 : acked_.rbegin()->first};
  } else if (dice < 99) {
    (void)node.core->transfer(names_[below(names_.size())]);
  } else {
    node.core->step_aside();
  }
  work(node);
}

void simulation::collect_reads(member& node) {
  for (const auto& done : std::exchange(node.reads, {})) {
    const auto found = reads_.find({node.config.self, done.id});
    if (found == reads_.end()) return fail("a read was answered twice");
    if (done.index < found->second.floor)
      fail(node.config.self + ": a read sees " + std::to_string(done.index) + " though " +
           std::to_string(found->second.floor) + " was acknowledged");
    ++reads_served;
    reads_.erase(found);
  }
  for (const auto id : std::exchange(node.reads_failed, {}))
    reads_.erase({node.config.self, id});
}

void simulation::schedule_fault() {
  at(50 + below(250), [this] {
    if (peace_) return;
    schedule_fault();
    fault();
  });
}

void simulation::fault() {
  const auto dice = below(100);
  const auto& name = names_[below(names_.size())];
  if (dice < 40) {
    if (members_.at(name)->up()) crash_for_a_while(name);
  } else if (dice < 70) {
    for (const auto& each : names_)
      side_[each] = static_cast<int>(below(2));
  } else if (dice < 75) {
    side_.clear();
  } else {
    compact_somewhere();
  }
}

// Half the time it leaves nobody behind.
void simulation::compact_somewhere() {
  auto& node = *members_.at(names_[below(names_.size())]);
  if (!node.up() || node.installing()) return;
  const auto applied = node.core->applied();
  node.compact(chance(50) ? std::min(applied, node.core->settled())
                          : applied - std::min(applied, below(10)));
}

void simulation::at_node(moment delay, const node_id& name, std::function<void(member&)> what) {
  at(delay, [this, name, life = life_[name], what = std::move(what)] {
    auto& node = *members_.at(name);
    if (node.up() && life_[name] == life) what(node);
  });
}

// A leader copies its state when it must, and throws the copy away when nobody fetches it.
void simulation::schedule_copies(const node_id& name) {
  at(20 + below(40), [this, name] {
    schedule_copies(name);
    auto& node = *members_.at(name);
    if (!node.up()) return;
    if (node.core->offered() && (!node.core->snapshot_in_use() || (!peace_ && chance(2)))) {
      copies_.erase(node.core->offered()->identity);
      node.core->withdraw_snapshot();
    }
    if (!peace_ && chance(5)) compact_somewhere();
    if (!node.core->wants_snapshot()) return;
    node.offer("s" + std::to_string(++copies_made_), copies_);
    work(node);
  });
}

void simulation::follow_fetch(member& node) {
  if (!node.fetching || node.installing()) return;
  const auto& name = node.config.self;
  if (fetches_[name] == node.fetching->identity) return;
  fetches_[name] = node.fetching->identity;
  at_node(5 + below(peace_ ? 20 : 200), name,
          [this, name, identity = node.fetching->identity](member&) { arrived(name, identity); });
}

void simulation::arrived(const node_id& name, const std::string& identity) {
  auto& node = *members_.at(name);
  if (fetches_[name] != identity || node.installing()) return;  // another one took its place
  fetches_[name].clear();
  if (!copies_.contains(identity) || (!peace_ && chance(20))) {
    node.fetching = nullptr;
    node.core->on_snapshot_failed(identity);
  } else if (node.begin_install(copies_)) {
    install(name);
  }
  work(node);
}

// The state first, then the core and the log: a crash may come in between.
void simulation::install(const node_id& name) {
  at_node(1 + below(30), name, [this, name](member& node) {
    node.replace_state();
    ++installed;
    if (!peace_ && chance(15)) return crash_for_a_while(name);
    at_node(1 + below(30), name, [this](member& each) {
      each.finish_install();
      work(each);
    });
    work(node);
  });
}

void simulation::crash_for_a_while(const node_id& name) {
  crash(name);
  at(20 + below(400), [this, name, life = life_[name]] {
    if (life_[name] == life) restart(name);
  });
}

void simulation::crash(const node_id& name) {
  members_.at(name)->crash();
  ++life_[name];
  fetches_[name].clear();
  proposed_[name].clear();
  std::erase_if(reads_, [&](const auto& read) { return read.first.first == name; });
}

void simulation::restart(const node_id& name) {
  auto& node = *members_.at(name);
  if (node.up()) return;
  ++life_[name];
  node.restart();
  work(node);
}

void simulation::fail(const std::string& text) {
  if (failure_.empty()) failure_ = "at " + std::to_string(now_) + ": " + text;
}

std::string simulation::run() {
  schedule_client();
  schedule_fault();
  pass(war_length);
  peace_ = true;
  side_.clear();
  for (const auto& name : names_)
    restart(name);
  pass(now_ + peace_length);
  if (!failure_.empty()) return failure_;
  return verdict();
}

// Somebody leads, a write goes through, and all replicas hold the same, with all that was promised.
std::string simulation::verdict() {
  const auto leader = std::find_if(names_.begin(), names_.end(), [&](const auto& name) {
    return members_.at(name)->core->leads();
  });
  if (leader == names_.end()) return "no leader after the faults";
  auto& node = *members_.at(*leader);
  const auto last = node.core->propose(text("last"));
  const auto read = node.core->read();
  if (!last || !read) return "the leader refuses after the faults";
  reads_[{*leader, *read}] = {acked_.empty() ? 0 : acked_.rbegin()->first};
  work(node);
  pass(now_ + 20 * tick_length);
  if (!failure_.empty()) return failure_;
  if (reads_.contains({*leader, *read})) return "a read hangs after the faults";
  for (const auto& name : names_) {
    const auto& applied = members_.at(name)->applied;
    if (!applied.contains(last->index)) return name + " lags after the faults";
    for (const auto& [index, term] : acked_)
      if (!applied.contains(index) || applied.at(index).term != term)
        return name + ": the acknowledged entry " + std::to_string(index) + " is lost";
  }
  return {};
}

}  // namespace dunlin::raft
