#include "apps/testkit/linearizable.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

namespace dunlin::testkit {

namespace {

using operation = register_operation;
using order = std::set<std::size_t>;

class search {
public:
  explicit search(std::vector<operation> history) : history_(std::move(history)) {
    std::stable_sort(history_.begin(), history_.end(),
                     [](const operation& a, const operation& b) { return a.called < b.called; });
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
    order key() const {
      auto whole = placed;
      whole.insert(first);
      return whole;
    }
  };

  static bool must_be_placed(const operation& one) { return one.answered.has_value(); }
  /// Neither says what it found nor whether it took place.
  static bool is_spare(const operation& one) {
    return one.writes && !one.answered && one.when == operation::condition::none;
  }

  bool explained(const state& now) const {
    for (auto i = now.first; i < history_.size(); ++i)
      if (must_be_placed(history_[i]) && !now.placed.contains(i)) return false;
    return true;
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
    std::vector<state> all;
    std::set<std::optional<std::string>> spares;
    const auto limit = horizon(now);
    for (auto i = now.first; i < history_.size(); ++i) {
      const auto& one = history_[i];
      if (limit && one.called > *limit) break;
      if (now.placed.contains(i)) continue;
      if (!one.fits(now.value)) continue;
      // A write without an answer that the next one does not look at may as well be left out.
      if (now.unseen && one.writes && one.when == operation::condition::none) continue;
      // Of those that write the same the earliest one will do: it fits wherever a later one does.
      if (is_spare(one) && !spares.insert(one.value).second) continue;
      auto next = now;
      next.unseen = one.writes && !one.answered;
      next.placed.insert(i);
      if (one.writes) next.value = one.value;
      while (next.placed.erase(next.first) > 0)
        ++next.first;
      // A read that fits changes nothing, so no other choice can be better.
      if (!one.writes) return {std::move(next)};
      all.push_back(std::move(next));
    }
    return all;
  }

  std::vector<operation> history_;
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
  return search(std::move(history)).run(states_max);
}

bool linearizable(std::vector<register_operation> history) {
  return judge(std::move(history), std::numeric_limits<std::size_t>::max()) == judgement::explained;
}

}  // namespace dunlin::testkit
