#include "tests/unit/raft/bench_of_cores.hpp"

namespace dunlin::raft {

bench_of_cores::bench_of_cores(std::vector<node_id> names,
                               const std::function<void(options&)>& adjust) {
  for (const auto& name : names) {
    options config;
    config.self = name;
    config.voters = names;
    adjust(config);
    members_[name] = std::make_unique<member>(
        config, [] { return std::uint64_t{0}; }, watch);
  }
}

void bench_of_cores::settle() {
  auto send = [this](message m) { wire_.push_back(std::move(m)); };
  for (auto moved = true; moved;) {
    moved = false;
    for (auto& [name, node] : members_) {
      if (!node->up()) continue;
      node->work(send);
      if (held_.contains(name) || node->writes.empty()) continue;
      node->store(node->writes.size());
      moved = true;
    }
    while (!wire_.empty()) {
      moved = true;
      auto m = std::move(wire_.front());
      wire_.pop_front();
      passed.push_back(m);
      if (cut_.contains(m.from) || cut_.contains(m.to) || drop(m)) continue;
      auto& to = at(m.to);
      if (!to.up()) continue;
      to.core->step(std::move(m));
      to.work(send);
    }
  }
}

void bench_of_cores::tick(const node_id& name, int count) {
  for (; count > 0; --count) {
    core(name).tick();
    settle();
  }
}

void bench_of_cores::tick_all(int count) {
  for (; count > 0; --count) {
    for (auto& [name, node] : members_)
      if (node->up()) node->core->tick();
    settle();
  }
}

void bench_of_cores::elect(const node_id& name) {
  for (auto limit = 50; !core(name).leads() && limit > 0; --limit)
    tick(name);
}

void bench_of_cores::free_storage(const node_id& name) {
  held_.erase(name);
  settle();
}

std::string show(const message& m) {
  static const char* const names[] = {"append",      "append_reply", "vote",
                                      "vote_reply",  "pre_vote",     "pre_vote_reply",
                                      "timeout_now", "snapshot",     "snapshot_reply"};
  auto line = std::string(names[static_cast<int>(m.kind)]) + " " + m.from + ">" + m.to + " t" +
              std::to_string(m.term) + " " + std::to_string(m.log_index) + "/" +
              std::to_string(m.log_term);
  if (!m.entries.empty()) line += " +" + std::to_string(m.entries.size());
  if (m.commit) line += " c" + std::to_string(m.commit);
  if (m.reject) line += " no";
  if (m.reject_hint)
    line += " hint " + std::to_string(m.reject_hint) + "/" + std::to_string(m.reject_hint_term);
  if (m.read_context) line += " r" + std::to_string(m.read_context);
  if (m.transfer) line += " transfer";
  return line;
}

std::vector<std::string> show(const std::vector<message>& messages) {
  std::vector<std::string> lines;
  for (const auto& m : messages)
    lines.push_back(show(m));
  return lines;
}

}  // namespace dunlin::raft
