/// RAFT INVARIANTS: watches all replicas of one partition from outside and says which safety
/// property of Raft broke, first (Ongaro & Ousterhout 2014, figure 3). For tests of the core and
/// for the simulated cluster: feed it after every step of any replica.
#pragma once

#include "actors/partition/raft_core.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::raft {

class raft_invariants {
public:
  /// The state of one replica after a step. Checks election safety, log matching, leader
  /// completeness, append-only leaders, that leaders commit by entries of their own term, and that
  /// term, vote and commit never go back in one life, nor what was promised in any.
  void observe(const node_id& node, const raft_core& core);

  /// A message leaves a node: no node votes twice in a term, in all its lives; no state is offered
  /// that was not committed.
  void sent(const message& what);

  /// A replica applies an entry: in order, without gaps, and the same one everywhere.
  void applied(const node_id& node, const entry& what);

  /// A replica takes a whole state in place of entries, which the state was made of: what was
  /// committed, nothing less than it had, and what others applied. `made_of` may be empty where it
  /// is not known.
  void installed(const node_id& node, position at, const std::map<index_t, entry>& made_of);

  /// A new life: what was not on disk may be gone. It has applied up to `applied_index`.
  void restarted(const node_id& node, index_t applied_index);

  /// In the order in which they were seen; empty is what a test wants.
  const std::vector<std::string>& violations() const { return violations_; }

private:
  struct link {
    term_t previous_term;
    std::size_t content;
  };
  struct committed_entry {
    term_t term;
    term_t commit_term;  // of the replica that committed it first: the leader
  };
  struct seen {
    term_t term = 0;
    node_id vote;
    index_t commit = 0;
    role as = role::follower;
    index_t applied = 0;
    std::map<index_t, term_t> log;
  };

  void check_progress(const node_id& node, const seen& before, const raft_core& core);
  void check_promise(const node_id& node, const raft_core& core);
  void check_log(const node_id& node, seen& before, const raft_core& core);
  void check_link(const node_id& node, const raft_core& core, const entry& e);
  void check_commits(const node_id& node, const seen& before, const raft_core& core);
  void check_offer(const message& what);
  void check_new_leader(const node_id& node, const raft_core& core);
  void report(const std::string& text);

  std::map<node_id, seen> nodes_;
  std::map<term_t, node_id> leaders_;
  std::map<std::pair<node_id, term_t>, node_id> votes_;
  struct promise {
    term_t term = 0;
    index_t index = 0;
  };
  std::map<node_id, promise> promises_;  // newest: what a leader may count on, over all lives
  std::map<std::pair<index_t, term_t>, link> links_;
  std::map<index_t, committed_entry> committed_;
  std::map<index_t, std::pair<term_t, std::size_t>> applied_;
  std::vector<std::string> violations_;
};

}  // namespace dunlin::raft
