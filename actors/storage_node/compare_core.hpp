/// COMPARE: after a peer (re)connects, walks its pages of the sets that both hold, one bounded list
/// at a time, to find what is missing here (decision 19). Knows no clock, no actor.
#pragma once

#include "messages/vocabulary.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dunlin {

class compare_core {
public:
  using time = std::chrono::nanoseconds;

  struct limits {
    time settle = std::chrono::seconds(2);       ///< from a peer's coming to the first list
    time pause = std::chrono::milliseconds(20);  ///< between two lists
    time back_off = std::chrono::seconds(3);     ///< after a failed list, times the attempt
    std::uint32_t attempts_max = 5;
  };

  /// Effect: ask `peer` for its pages of `replica_set` behind `after`.
  struct list {
    node_id peer;
    std::uint32_t replica_set = 0;
    std::string after;
  };

  compare_core() : compare_core(limits{}) {}
  explicit compare_core(limits bounds) : limits_(bounds) {}

  /// The connected peers, with the incarnation of each. Answers those that have come.
  std::vector<node_id> on_peers(const std::map<node_id, std::uint64_t>& connected);

  /// `sets` are shared with `peer`: compare them.
  void begin(const node_id& peer, const std::vector<std::uint32_t>& sets, time now);

  /// The list to ask for now, at most one at a time.
  std::optional<list> next(time now);

  /// Its answer: the last page listed, empty if there is no more.
  void on_listed(const std::string& last, time now);
  void on_failed(time now);

  bool idle() const { return jobs_.empty(); }

private:
  struct job {
    list what;
    time not_before{};
    std::uint32_t failures = 0;
  };
  limits limits_;
  std::map<node_id, std::uint64_t> connected_;
  std::deque<job> jobs_;
  bool asked_ = false;
};

}  // namespace dunlin
