#include "actors/partition/raft_invariants.hpp"

#include <algorithm>
#include <functional>

namespace dunlin::raft {

static constexpr std::size_t violations_max = 16;

static std::size_t content_of(const entry& e) {
  const auto kind = static_cast<std::size_t>(e.kind);
  return e.data ? std::hash<std::string>{}(*e.data) * 4 + kind : kind;
}

static std::string at(index_t index) { return " at index " + std::to_string(index); }
static std::string in(term_t term) { return " in term " + std::to_string(term); }

void raft_invariants::report(const std::string& text) {
  if (violations_.size() < violations_max) violations_.push_back(text);
}

void raft_invariants::observe(const node_id& node, const raft_core& core) {
  auto& before = nodes_[node];
  check_progress(node, before, core);
  check_promise(node, core);
  check_log(node, before, core);
  check_commits(node, before, core);
  if (core.leads() && (before.as != role::leader || before.term != core.term()))
    check_new_leader(node, core);
  before.term = core.term();
  before.vote = core.vote();
  before.commit = core.commit();
  before.as = core.current_role();
}

void raft_invariants::check_progress(const node_id& node, const seen& before,
                                     const raft_core& core) {
  if (core.term() < before.term) report(node + ": the term went back" + in(before.term));
  if (core.term() == before.term && !before.vote.empty() && core.vote() != before.vote)
    report(node + ": the vote changed" + in(before.term));
  if (core.commit() < before.commit) report(node + ": the commit went back" + at(before.commit));
  const auto still_leads = core.leads() && before.as == role::leader && core.term() == before.term;
  if (still_leads && !before.log.empty() && core.last_index() < before.log.rbegin()->first)
    report(node + ": a leader cut its own log" + at(core.last_index()));
  // Figure 8 of the paper: what counting alone commits, another leader may still replace.
  if (still_leads && core.commit() > before.commit &&
      core.term_at(core.commit()).value_or(core.term()) != core.term())
    report(node + ": a leader committed an older term's entry by counting" + at(core.commit()));
}

void raft_invariants::check_promise(const node_id& node, const raft_core& core) {
  const auto& made = promises_[node];
  if (core.term() < made.term)
    report(node + ": has forgotten a term in which it promised" + in(made.term));
  if (core.term() == made.term && core.last_index() < made.index)
    report(node + ": has lost entries that it acknowledged" + at(made.index));
  const auto given = votes_.find({node, core.term()});
  if (given != votes_.end() && core.vote() != given->second)
    report(node + ": has forgotten its vote" + in(core.term()));
}

void raft_invariants::check_log(const node_id& node, seen& before, const raft_core& core) {
  auto& log = before.log;
  log.erase(log.begin(), log.lower_bound(core.first_index()));
  log.erase(log.upper_bound(core.last_index()), log.end());
  // Below the first agreement from the end everything was checked before (log matching).
  for (auto index = core.last_index(); index >= core.first_index(); --index) {
    const auto* e = core.find(index);
    const auto known = log.find(index);
    if (known != log.end() && known->second == e->term) break;
    if (known != log.end() && index <= before.commit)
      report(node + ": a committed entry was replaced" + at(index));
    log[index] = e->term;
    check_link(node, core, *e);
  }
}

// Equal (index, term) must mean equal entry and, by induction, equal logs up to there.
void raft_invariants::check_link(const node_id& node, const raft_core& core, const entry& e) {
  const auto previous = core.term_at(e.index - 1);
  if (!previous) return;
  const auto [known, fresh] = links_.try_emplace({e.index, e.term}, link{*previous, content_of(e)});
  if (fresh) return;
  if (known->second.content != content_of(e))
    report(node + ": one index and term, two entries" + at(e.index));
  if (known->second.previous_term != *previous)
    report(node + ": logs that agree at an entry differ before it" + at(e.index));
}

void raft_invariants::check_commits(const node_id& node, const seen& before,
                                    const raft_core& core) {
  for (auto index = before.commit + 1; index <= core.commit(); ++index) {
    const auto term = core.term_at(index);
    if (!term) continue;
    const auto [known, fresh] = committed_.try_emplace(index, committed_entry{*term, core.term()});
    if (!fresh && known->second.term != *term) report(node + ": two entries committed" + at(index));
  }
}

void raft_invariants::check_new_leader(const node_id& node, const raft_core& core) {
  const auto [known, fresh] = leaders_.try_emplace(core.term(), node);
  if (!fresh && known->second != node)
    report(node + " and " + known->second + " both lead" + in(core.term()));
  for (const auto& [index, entry] : committed_) {
    if (index < core.first_index() || entry.commit_term >= core.term()) continue;
    if (core.term_at(index) != entry.term) {
      report(node + ": a new leader lacks a committed entry" + at(index));
      return;
    }
  }
}

void raft_invariants::check_offer(const message& what) {
  const auto found = committed_.find(what.log_index);
  if (found == committed_.end() || found->second.term != what.log_term)
    report(what.from + ": offers a state that was never committed" + at(what.log_index));
}

void raft_invariants::sent(const message& what) {
  if (what.kind == message_kind::snapshot) return check_offer(what);
  if (what.kind == message_kind::append_reply && !what.reject) {
    auto& made = promises_[what.from];
    if (what.term > made.term) made = {what.term, 0};
    if (what.term == made.term) made.index = std::max(made.index, what.log_index);
  }
  if (what.kind != message_kind::vote_reply || what.reject) return;
  const auto [known, fresh] = votes_.try_emplace({what.from, what.term}, what.to);
  if (!fresh && known->second != what.to) report(what.from + ": voted for two" + in(what.term));
}

void raft_invariants::applied(const node_id& node, const entry& what) {
  auto& last = nodes_[node].applied;
  if (what.index != last + 1) report(node + ": applied out of order" + at(what.index));
  last = what.index;
  const auto value = std::make_pair(what.term, content_of(what));
  const auto [known, fresh] = applied_.try_emplace(what.index, value);
  if (!fresh && known->second != value) report(node + ": applied another entry" + at(what.index));
}

void raft_invariants::installed(const node_id& node, position where,
                                const std::map<index_t, entry>& made_of) {
  const auto found = committed_.find(where.index);
  if (found == committed_.end() || found->second.term != where.term)
    report(node + ": installed a state that was never committed" + at(where.index));
  auto& last = nodes_[node].applied;
  if (where.index <= last)
    report(node + ": installed a state older than its own" + at(where.index));
  last = where.index;
  if (!made_of.empty() && made_of.rbegin()->first != where.index)
    report(node + ": installed a state that is not what it was said to be" + at(where.index));
  for (const auto& [index, e] : made_of)
    if (const auto known = applied_.find(index);
        known == applied_.end() || known->second != std::make_pair(e.term, content_of(e)))
      report(node + ": installed a state with another entry" + at(index));
}

void raft_invariants::restarted(const node_id& node, index_t applied_index) {
  auto& state = nodes_[node];
  state = {};
  state.applied = applied_index;
}

}  // namespace dunlin::raft
