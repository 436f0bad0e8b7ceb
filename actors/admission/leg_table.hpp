/// LEG TABLE: the connections that an access node has taken: those whose token nobody has redeemed
/// yet, and the open ones (docs/decisions/0015). Shared by the admission actor, which expects them,
/// and the HTTP entry, which redeems tokens on its own threads. It outlives the actor: one that is
/// started anew finds its connections here.
#pragma once

#include "runtime/http/leg.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin {

/// What was agreed on when a connection was accepted.
struct expected_leg {
  std::string balancer;
  std::uint64_t line = 0;
  std::string client_hash;  ///< for the refusal window; empty: unknown
  bool moved = false;       ///< it was on another access node
  double demand = 0;        ///< what it used there, in capacities of a unit node; 0: unknown
  double credit = 0;        ///< part of this node's capacity that it was credited
  std::chrono::milliseconds accepted_at{};  ///< of the actor's clock
};

class leg_table final : public http::leg_book {
public:
  using time = std::chrono::milliseconds;  ///< since any fixed moment

  struct open_leg {
    std::uint64_t connection = 0;
    expected_leg agreed;
    std::string client;  ///< address:port
    std::shared_ptr<http::leg> handle;
    http::leg_counts counts;
  };
  struct ended_leg {
    std::uint64_t connection = 0;
    expected_leg agreed;
    http::leg_counts counts;
  };
  struct expired_leg {
    std::uint64_t connection = 0;
    expected_leg agreed;
  };
  struct totals {
    std::size_t waiting = 0;  ///< for their token
    std::size_t open = 0;
    std::uint64_t strangers = 0;
    std::uint64_t bytes = 0;  ///< both directions, of legs open and ended
    std::uint64_t requests = 0;
    double declared = 0;
    std::size_t in_request = 0;
  };

  /// Numbers are greater than `before`: a process that starts anew should not use those of its
  /// former life, which balancers may still speak of.
  explicit leg_table(std::uint64_t before = 0) : next_{before} {}

  /// The number of the new connection; `token` is good once, until expire() is called at or after
  /// `until`.
  std::uint64_t expect(std::string token, expected_leg agreed, time until);
  std::vector<expired_leg> expire(time now);

  std::size_t taken() const;                     ///< waiting and open
  bool has_client(std::string_view hash) const;  ///< among the open ones
  std::vector<open_leg> open() const;            ///< by number, with what they count now
  std::optional<open_leg> find(std::uint64_t connection) const;
  /// Open, or ended and not taken yet.
  bool holds(std::uint64_t connection) const;
  std::vector<ended_leg> take_ended();  ///< since the last call; bounded
  totals sum() const;

  void honour_declared_load(bool yes) { honours_ = yes; }

  // ---- http::leg_book, on the entry's threads ----
  std::optional<std::uint64_t> redeem(std::string_view token) override;
  void turned_away() override;
  void opened(std::uint64_t connection, std::weak_ptr<http::leg> made,
              const std::string& client) override;
  void closed(std::uint64_t connection, const http::leg_counts& last) override;
  bool honours_declared_load() const override { return honours_; }

private:
  struct waiting {
    std::uint64_t connection = 0;
    expected_leg agreed;
    time until{};
  };
  struct running {
    expected_leg agreed;
    std::string client;
    std::weak_ptr<http::leg> handle;
  };
  static void add(totals& to, const http::leg_counts& counts);

  mutable std::mutex guard_;
  std::map<std::string, waiting, std::less<>> tokens_;
  std::map<std::uint64_t, running> running_;
  std::vector<ended_leg> ended_;
  totals past_;  ///< of legs that have ended
  std::uint64_t next_;
  std::atomic<bool> honours_{false};
};

}  // namespace dunlin
