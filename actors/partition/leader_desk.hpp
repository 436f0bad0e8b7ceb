/// LEADER DESK: the requests that wait at one leader, and how they are gathered into rounds: one
/// log entry each, several in flight (decisions 7, 8). Pure; the actor around it is
/// partition_leader.
#pragma once

#include "messages/vocabulary.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace dunlin {

struct desk_limits {
  std::size_t commands_max = 1024;   ///< in one round
  std::size_t bytes_max = 1u << 20;  ///< in one round, so also of one command
  std::size_t rounds_max = 4;        ///< in flight
  std::size_t waiting_max = 4096;    ///< requests, in flight or not
};

class leader_desk {
public:
  using request_id = std::uint64_t;
  using round_id = std::uint64_t;
  using time = std::chrono::milliseconds;
  using requests = std::vector<request_id>;

  explicit leader_desk(desk_limits limits = {}) : limits_{limits} {}

  /// A request came. Errors, it is not taken then: overloaded, too many wait already;
  /// invalid_argument, it is too large for any round.
  result<void> add(request_id request, std::size_t bytes, time now);

  struct round {
    round_id id = 0;
    requests members;
  };
  /// The next round to propose; empty members: nothing to do now.
  round next_round();

  /// A round is over, applied or refused: these get their answers. Unknown rounds: none.
  requests finish(round_id round);

  struct ending {
    requests unsent;     ///< certainly never proposed
    requests in_flight;  ///< outcome unknown
  };
  /// Those that came before `before`; they are waited for no longer.
  ending expire(time before);
  /// All of them.
  ending close();

  std::size_t size() const { return waiting_.size() + in_flight_count_; }

private:
  struct request {
    request_id id;
    std::size_t bytes;
    time since;
  };
  desk_limits limits_;
  std::deque<request> waiting_;
  std::map<round_id, std::vector<request>> in_flight_;
  std::size_t in_flight_count_ = 0;
  round_id last_round_ = 0;
};

}  // namespace dunlin
