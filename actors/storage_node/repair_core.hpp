/// REPAIR: which pages to fetch, from whom, how often (K4, decision 19). Knows no clock, no actor.
#pragma once

#include "messages/vocabulary.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dunlin {

class repair_core {
public:
  using time = std::chrono::nanoseconds;

  struct limits {
    std::size_t in_flight_max = 2;
    std::size_t ranges_max = 4096;
    std::uint32_t attempts_max = 6;
    time back_off_first = std::chrono::seconds(1);
    time back_off_max = std::chrono::seconds(60);
  };

  /// Effect: verify the page here, else fetch it, from `source` at the first attempt.
  struct fetch {
    std::string page;
    std::uint32_t replica_set = 0;
    node_id source;
    std::uint32_t attempt = 0;  ///< from 0
  };

  repair_core() : repair_core(limits{}) {}
  explicit repair_core(limits bounds) : limits_(bounds) {}

  /// False: the queue is full, and the pages are left to the next comparison with a peer.
  bool add(std::uint32_t replica_set, const std::string& first_page, std::uint64_t pages,
           const node_id& source);

  /// What to begin now.
  std::vector<fetch> next(time now);

  /// The fetch of a page has ended. A failed one comes back later, a few times.
  void on_done(const fetch& what, bool good, time now);

  /// When next() will have more although nothing else happens; nothing while it depends on
  /// on_done().
  std::optional<time> wake_at() const;

  std::size_t waiting() const { return ranges_.size() + in_flight_.size(); }

private:
  struct range {
    std::uint32_t replica_set = 0;
    std::string first_page;
    std::uint64_t pages = 0;
    node_id source;
    std::uint32_t attempt = 0;
    time not_before{};
    std::uint64_t begun = 0;
  };
  time back_off(std::uint32_t attempt) const;

  limits limits_;
  std::deque<range> ranges_;
  std::set<std::string> in_flight_;
};

}  // namespace dunlin
