/// WRITE: one object's way to the replicas of one set (K2, K4, decision 19). Cuts bytes into pages,
/// gives each to every replica, counts what is durable, drops who fails or lags. Knows no clock, no
/// actor; every effect and answer names its attempt, so that answers of a set given up do no harm.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/observe/planted.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace dunlin {

class write_core {
public:
  struct limits {
    std::size_t page_bytes = 1u << 20;
    std::size_t window_pages = 4;          ///< cut, not yet at the write quorum
    std::size_t lag_bytes_max = 8u << 20;  ///< at the quorum, not yet at a replica: drops it
    std::size_t in_flight_max = 2;         ///< pages on their way to one replica
    std::uint64_t ticket_pages = 256;
    std::uint32_t sets_max = 3;      ///< tried before the first page fails
    std::uint32_t refusals_max = 2;  ///< tickets in a row that a replica refuses
  };

  // ---- effects ----
  /// Choose a set that is none of `excluded`, then call on_placed() or on_no_set().
  struct place {
    std::set<std::uint32_t> excluded;
  };
  struct open_ticket {
    std::uint32_t attempt = 0;
    std::size_t replica = 0;
    std::uint64_t first = 0;  ///< page index
    std::uint64_t pages = 0;
  };
  struct send_page {
    std::uint32_t attempt = 0;
    std::size_t replica = 0;
    std::uint64_t index = 0;
    buffer bytes;
  };
  struct take_more {};   ///< answer the bytes that wait
  struct arm_grace {};   ///< call on_grace() a moment later
  struct arm_linger {};  ///< call on_linger() when stragglers have had their time
  /// Everything is durable at the quorum: answer with the run.
  struct finished {
    std::uint64_t length = 0;
  };
  struct failed {
    ec why = ec::unavailable;
  };
  /// These pages of the run are missing at `replica`; `source` has them all.
  struct repair {
    std::size_t replica = 0;
    std::uint64_t first = 0;
    std::uint64_t pages = 0;
    std::size_t source = 0;
  };
  /// No commit will name the pages that the given attempt wrote.
  struct discard {
    std::uint32_t attempt = 0;
    std::uint64_t pages = 0;
  };
  struct close {};  ///< nothing is left to do
  using effect = std::variant<place, open_ticket, send_page, take_more, arm_grace, arm_linger,
                              finished, failed, repair, discard, close>;
  using effects = std::vector<effect>;

  write_core(limits bounds, std::size_t write_quorum) : limits_(bounds), quorum_(write_quorum) {}

  // ---- inputs ----
  effects on_placed(std::uint32_t set, std::size_t replicas);
  effects on_no_set();
  effects on_bytes(const buffer& bytes);
  effects on_finish();
  effects on_ticket(std::uint32_t attempt, std::size_t replica, result<void> outcome);
  effects on_page(std::uint32_t attempt, std::size_t replica, std::uint64_t index,
                  result<void> outcome);
  effects on_grace();
  effects on_linger();
  /// The client is gone: gives up.
  effects on_abandoned();

  std::uint32_t attempt() const { return attempt_; }
  std::uint64_t length() const { return length_; }
  std::uint64_t retained_bytes() const;

private:
  struct page {
    buffer bytes;
    std::set<std::size_t> durable_at;
  };
  struct replica_state {
    bool alive = true;
    bool asking = false;             // for a ticket
    std::uint64_t ticket_first = 0;  // pages from here …
    std::uint64_t ticket_end = 0;    // … to before here may go
    std::uint64_t asked_first = 0;
    std::uint64_t asked_pages = 0;
    std::uint32_t ticket_number = 0;
    std::uint32_t refusals = 0;
    std::set<std::uint64_t> queue;
    std::map<std::uint64_t, std::uint32_t> in_flight;  // index -> ticket number
    std::uint64_t durable_below = 0;
    std::set<std::uint64_t> durable;  // beyond that
  };

  void cut_page(buffer bytes);
  void feed(effects& out, std::size_t replica);
  void drop(std::size_t replica, ec why);
  void drop_laggards();
  void forget_spread_pages();
  bool at_quorum(const page& which) const {
    return which.durable_at.size() >= (planted(bug::write_quorum_of_one) ? 1 : quorum_);
  }
  bool quorum_possible() const;
  std::size_t open_pages() const;
  std::size_t lag_of(std::size_t replica) const;
  bool all_at_quorum() const { return open_pages() == 0; }
  bool spread() const;
  void give_up(effects& out);
  void go_on(effects& out);
  void end(effects& out);
  void settle(effects& out);
  bool current(std::uint32_t attempt, std::size_t replica) const;

  enum class phase { placing, writing, graced, answered, over };

  limits limits_;
  std::size_t quorum_;
  phase phase_ = phase::placing;
  bool begun_ = false;  // placement was asked for
  bool finishing_ = false;
  bool waiting_ = false;  // bytes are not answered yet
  bool ever_durable_ = false;
  bool disk_full_ = false;
  std::uint32_t attempt_ = 0;
  std::set<std::uint32_t> sets_tried_;
  std::vector<replica_state> replicas_;
  std::map<std::uint64_t, page> pages_;  // not yet at every live replica
  std::uint64_t pages_cut_ = 0;
  std::uint64_t length_ = 0;
  std::string gathered_;
};

}  // namespace dunlin
