/// HEARD LOG: the newest change heard since a ticket was taken, for any number of open tickets.
/// It stands in for a mark on each: what only older tickets would ask for is forgotten, so that a
/// tick however absurd is remembered no longer than the tickets that it concerns (decision 0011).
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>

namespace dunlin {

class heard_log {
public:
  using ticket_id = std::uint64_t;  ///< ascending; 0: none
  /// Says that whatever was read before now must not be kept.
  static constexpr std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();

  /// Every ticket up to `newest`, the last one taken so far, has heard of `tick`. Amortized O(1).
  void note(ticket_id newest, std::uint64_t tick) {
    while (!marks_.empty() && marks_.back().tick <= tick)
      marks_.pop_back();
    if (marks_.empty() || marks_.back().newest < newest) marks_.push_back({newest, tick});
  }

  /// The newest tick that `ticket` has heard of; 0: none. O(log n).
  std::uint64_t since(ticket_id ticket) const {
    const auto first =
        std::lower_bound(marks_.begin(), marks_.end(), ticket,
                         [](const mark& one, ticket_id wanted) { return one.newest < wanted; });
    return first == marks_.end() ? 0 : first->tick;
  }

  /// Forgets what concerns only tickets before `oldest`.
  void trim(ticket_id oldest) {
    while (!marks_.empty() && marks_.front().newest < oldest)
      marks_.pop_front();
  }

  bool empty() const { return marks_.empty(); }

private:
  struct mark {
    ticket_id newest;
    std::uint64_t tick;
  };
  std::deque<mark> marks_;  // tickets ascend, ticks descend
};

}  // namespace dunlin
