/// A handful of replicas wired together by hand: messages arrive at once and in order, unless a
/// test cuts a node off, takes the messages itself, or holds a node's storage.
#pragma once

#include "tests/unit/raft/member.hpp"

#include <set>

namespace dunlin::raft {

class bench_of_cores {
public:
  explicit bench_of_cores(
      std::vector<node_id> names, const std::function<void(options&)>& adjust = [](options&) {});

  member& at(const node_id& name) { return *members_.at(name); }
  raft_core& core(const node_id& name) { return *at(name).core; }

  /// Lets everything that can happen without time passing happen.
  void settle();
  /// `count` ticks for one node, settling after each.
  void tick(const node_id& name, int count = 1);
  void tick_all(int count = 1);
  /// Makes `name` leader; the others' leases must have run out or never begun.
  void elect(const node_id& name);

  void cut(const node_id& name) { cut_.insert(name); }
  void heal(const node_id& name) { cut_.erase(name); }
  void hold_storage(const node_id& name) { held_.insert(name); }
  void free_storage(const node_id& name);

  /// Messages that pass are dropped if this says so.
  std::function<bool(const message&)> drop = [](const message&) { return false; };
  std::vector<message> passed;  ///< since the test last cleared it

  raft_invariants watch;

private:
  std::map<node_id, std::unique_ptr<member>> members_;
  std::deque<message> wire_;
  std::set<node_id> cut_, held_;
};

/// A message as a test writes it down.
struct letter {
  message m;
  letter(message_kind kind, node_id from, node_id to, term_t term) {
    m.kind = kind;
    m.from = std::move(from);
    m.to = std::move(to);
    m.term = term;
  }
  letter& log(index_t index, term_t term) {
    m.log_index = index;
    m.log_term = term;
    return *this;
  }
  letter& add(term_t term, const std::string& bytes) {
    m.entries.push_back(
        {term, m.log_index + m.entries.size() + 1, entry_kind::command, text(bytes)});
    return *this;
  }
  letter& commit(index_t index) {
    m.commit = index;
    return *this;
  }
  operator message() const { return m; }
};

/// "append(1) a->b t2 3/1 +2 c3", so that a test compares text.
std::string show(const message& m);
std::vector<std::string> show(const std::vector<message>& messages);

}  // namespace dunlin::raft
