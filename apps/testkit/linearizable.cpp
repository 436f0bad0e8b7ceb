#include "apps/testkit/linearizable.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>
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
    std::set<std::pair<order, std::optional<std::string>>> tried;
    while (!open.empty()) {
      const auto now = std::move(open.back());
      open.pop_back();
      if (explained(now)) return judgement::explained;
      if (tried.size() > states_max) return judgement::undecided;
      for (auto& next : steps(now))
        if (tried.insert({next.key(), next.value}).second) open.push_back(std::move(next));
    }
    return judgement::wrong;
  }

private:
  struct state {
    std::size_t first = 0;  // all before it are placed or have been left out for ever
    order placed;           // from `first` on
    std::optional<std::string> value;
    order key() const {
      auto whole = placed;
      whole.insert(first);
      return whole;
    }
  };

  static bool must_be_placed(const operation& one) { return one.answered.has_value(); }

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
    const auto limit = horizon(now);
    for (auto i = now.first; i < history_.size(); ++i) {
      const auto& one = history_[i];
      if (limit && one.called > *limit) break;
      if (now.placed.contains(i)) continue;
      if (!one.fits(now.value)) continue;
      auto next = now;
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
  return search(std::move(history)).run(states_max);
}

bool linearizable(std::vector<register_operation> history) {
  return judge(std::move(history), std::numeric_limits<std::size_t>::max()) == judgement::explained;
}

}  // namespace dunlin::testkit
