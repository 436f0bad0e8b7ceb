#include "apps/testkit/linearizable.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace dunlin::testkit {

namespace {

using operation = register_operation;
using order = std::set<std::size_t>;

class search {
public:
  search(std::vector<operation> history, const std::vector<operation>& seers)
      : history_(std::move(history)) {
    std::stable_sort(history_.begin(), history_.end(),
                     [](const operation& a, const operation& b) { return a.called < b.called; });
    note_sightings();
    for (const auto& one : history_)
      passing_.push_back(overwrites(one) && one.answered &&
                         std::none_of(seers.begin(), seers.end(),
                                      [&](const operation& seer) { return seer.fits(one.value); }));
  }

  // Depth first, without recursion: a history may be long.
  judgement run(std::size_t states_max) {
    std::vector<state> open{{}};
    std::set<std::tuple<order, std::optional<std::string>, bool>> tried;
    while (!open.empty()) {
      const auto now = std::move(open.back());
      open.pop_back();
      if (explained(now)) return judgement::explained;
      if (tried.size() > states_max) return judgement::undecided;
      for (auto& next : steps(now))
        if (tried.insert({next.key(), next.value, next.unseen}).second)
          open.push_back(std::move(next));
    }
    return judgement::wrong;
  }

private:
  struct state {
    std::size_t first = 0;  // all before it are placed or have been left out for ever
    order placed;           // from `first` on
    std::optional<std::string> value;
    bool unseen = false;  // the last one was a write without an answer
    bool wrote = false;   // the last one was a write
    order key() const {
      auto whole = placed;
      whole.insert(first);
      return whole;
    }
  };

  /// It does not say what it found.
  static bool overwrites(const operation& one) {
    return one.writes && one.when == operation::condition::none;
  }
  /// Nor whether it took place.
  static bool is_spare(const operation& one) { return overwrites(one) && !one.answered; }

  bool explained(const state& now) const {
    for (auto i = now.first; i < history_.size(); ++i)
      // What nobody saw may come last, in the order of the calls.
      if (history_[i].answered && !passing_[i] && !now.placed.contains(i)) return false;
    return true;
  }

  /// Of each operation: when somebody first said that it had taken place.
  void note_sightings() {
    constexpr auto never = operation::time::max();
    std::map<std::optional<std::string>, operation::time> read;
    for (const auto& one : history_)
      if (!one.writes && one.answered && one.when == operation::condition::none) {
        auto& first = read.emplace(one.value, never).first->second;
        first = std::min(first, *one.answered);
      }
    for (const auto& one : history_) {
      const auto found = read.find(one.value);
      const auto seen = found == read.end() ? never : found->second;
      sighted_.push_back(std::min(seen, one.answered.value_or(never)));
    }
  }

  void place(state& in, std::size_t which) const {
    in.placed.insert(which);
    while (in.placed.erase(in.first) > 0)
      ++in.first;
  }

  /// Writes that were answered and that nobody saw: another one followed each before anybody
  /// looked, so they come right before one that overwrites them, and the sooner the better.
  state let_pass(state now) const {
    for (bool more = true; more;) {
      more = false;
      const auto limit = horizon(now);
      for (auto i = now.first; i < history_.size() && !(limit && history_[i].called > *limit); ++i)
        if (passing_[i] && !now.placed.contains(i)) {
          place(now, i);
          more = true;
          break;
        }
    }
    return now;
  }

  /// The earliest answer among those not placed: nothing called after it may come before it.
  std::optional<operation::time> horizon(const state& now) const {
    std::optional<operation::time> earliest;
    for (auto i = now.first; i < history_.size(); ++i) {
      const auto& one = history_[i];
      if (earliest && one.called > *earliest) break;
      if (!now.placed.contains(i) && one.answered)
        earliest = std::min(earliest.value_or(*one.answered), *one.answered);
    }
    return earliest;
  }

  std::vector<state> steps(const state& now) const {
    auto all = steps_that_look(now);
    if (all.size() == 1 && !all.front().wrote) return all;
    steps_that_overwrite(let_pass(now), all);
    return all;
  }

  /// Reads, refusals and conditional writes: they need the value that is there.
  std::vector<state> steps_that_look(const state& now) const {
    std::vector<state> all;
    const auto limit = horizon(now);
    for (auto i = now.first; i < history_.size(); ++i) {
      const auto& one = history_[i];
      if (limit && one.called > *limit) break;
      if (now.placed.contains(i) || overwrites(one) || !one.fits(now.value)) continue;
      auto next = now;
      next.unseen = one.writes && !one.answered;
      next.wrote = one.writes;
      place(next, i);
      if (one.writes) next.value = one.value;
      // A read that fits changes nothing, so no other choice can be better.
      if (!one.writes) return {std::move(next)};
      all.push_back(std::move(next));
    }
    return all;
  }

  void steps_that_overwrite(const state& now, std::vector<state>& all) const {
    // Of those that write the same one will do, as it fits wherever another one does: of those
    // without an answer the earliest, of the others the one that was answered first.
    std::map<std::optional<std::string>, std::size_t> spares, answered;
    const auto limit = horizon(now);
    for (auto i = now.first; i < history_.size(); ++i) {
      const auto& one = history_[i];
      if (limit && one.called > *limit) break;
      if (now.placed.contains(i) || !overwrites(one)) continue;
      // One without an answer that the next one does not look at may as well be left out.
      if (now.unseen) continue;
      const auto [at, is_new] = (is_spare(one) ? spares : answered).emplace(one.value, i);
      if (!is_new && one.answered && *one.answered < *history_[at->second].answered) at->second = i;
    }
    std::vector<std::size_t> chosen;
    for (const auto* some : {&spares, &answered})
      for (const auto& [value, i] : *some)
        chosen.push_back(i);
    // The last one is tried first: what was heard of first has most likely happened first.
    std::stable_sort(chosen.begin(), chosen.end(),
                     [&](auto a, auto b) { return sighted_[a] > sighted_[b]; });
    for (const auto i : chosen) {
      auto next = now;
      next.unseen = is_spare(history_[i]);
      next.wrote = true;
      place(next, i);
      next.value = history_[i].value;
      all.push_back(std::move(next));
    }
  }

  std::vector<operation> history_;
  std::vector<bool> passing_;
  std::vector<operation::time> sighted_;
};

/// Writes without an answer whose value nobody names differ in nothing: one value for all of them,
/// so that the search need not try each.
void call_alike(std::vector<operation>& history, const std::vector<operation>& seers) {
  static const std::optional<std::string> nobodys{"\x01 not named by anybody"};
  std::set<std::optional<std::string>> named{std::nullopt};
  for (const auto& seer : seers) {
    if (seer.when == operation::condition::none) named.insert(seer.value);
    named.insert(seer.before.begin(), seer.before.end());
  }
  for (auto& one : history)
    if (one.writes && !one.answered && !named.contains(one.value)) one.value = nobodys;
}

}  // namespace

bool register_operation::fits(const std::optional<std::string>& current) const {
  const auto known = std::find(before.begin(), before.end(), current) != before.end();
  switch (when) {
    case condition::none: return writes || current == value;
    case condition::one_of: return known;
    case condition::none_of: return !known;
  }
  return false;
}

judgement judge(std::vector<register_operation> history, std::size_t states_max) {
  // A write without an answer after which nothing could be seen that was seen can as well be left
  // out: whoever sees something after it sees what a later write wrote. It would double the search.
  const auto asks = [](const operation& one) {
    return !one.writes || one.when != operation::condition::none;
  };
  std::vector<operation> seers;
  std::copy_if(history.begin(), history.end(), std::back_inserter(seers), asks);
  std::erase_if(history, [&](const operation& one) {
    return one.writes && !one.answered &&
           std::none_of(seers.begin(), seers.end(),
                        [&](const operation& seer) { return seer.fits(one.value); });
  });
  call_alike(history, seers);
  return search(std::move(history), seers).run(states_max);
}

bool linearizable(std::vector<register_operation> history) {
  return judge(std::move(history), std::numeric_limits<std::size_t>::max()) == judgement::explained;
}

}  // namespace dunlin::testkit
