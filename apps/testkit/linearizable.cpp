#include "apps/testkit/linearizable.hpp"

#include <algorithm>
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
  bool run() {
    std::vector<state> open{{}};
    std::set<std::pair<order, std::optional<std::string>>> tried;
    while (!open.empty()) {
      const auto now = std::move(open.back());
      open.pop_back();
      if (explained(now)) return true;
      for (auto& next : steps(now))
        if (tried.insert({next.key(), next.value}).second) open.push_back(std::move(next));
    }
    return false;
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
      if (!one.writes && one.value != now.value) continue;
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

bool linearizable(std::vector<register_operation> history) {
  // A write without an answer that nobody read can as well be left out: whoever reads after it
  // reads what a later write wrote. It would double the search for nothing.
  std::set<std::optional<std::string>> read;
  for (const auto& one : history)
    if (!one.writes) read.insert(one.value);
  std::erase_if(history, [&](const operation& one) {
    return one.writes && !one.answered && !read.contains(one.value);
  });
  return search(std::move(history)).run();
}

}  // namespace dunlin::testkit
