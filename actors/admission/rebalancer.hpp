/// REBALANCER: which connections an access node gives away, and when (B9, B10, R3 to R10,
/// docs/decisions/0015). All of three must hold: the node itself has too much, enough peers have
/// room, and Tmin has passed since its last decision.
#pragma once

#include "runtime/balance/acceptance.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dunlin {

class rebalancer {
public:
  using time = std::chrono::milliseconds;
  struct view {
    balance::uses loads;      ///< adjusted
    double fleet_level = 0;   ///< L with the own level as it is now
    double part_below = 0;    ///< of peers: below L, or below peers_level if that is set
    double part_willing = 0;  ///< of peers
    double capacity = 1;      ///< own, adjusted, in unit nodes
  };
  struct candidate {
    std::uint64_t connection = 0;
    time age{};          ///< here
    double demand = 0;   ///< in unit nodes
    bool moved = false;  ///< it came from another access node
  };
  enum class act : std::uint8_t { nothing, move, close, throttle };
  struct decision {
    act what = act::nothing;
    std::vector<std::uint64_t> connections;
  };
  /// A number below its argument.
  using draw = std::function<std::size_t(std::size_t)>;

  explicit rebalancer(balance::settings settings = {}) : settings_{std::move(settings)} {}
  void configure(balance::settings settings) { settings_ = std::move(settings); }

  /// Connections that it names are in flight until on_moved, on_kept or on_gone.
  decision on_time(time now, const view& at, const std::vector<candidate>& all, const draw& random);

  bool in_flight(std::uint64_t connection) const { return in_flight_.contains(connection); }
  std::size_t moves() const { return in_flight_.size(); }
  void on_moved(std::uint64_t connection) { on_gone(connection); }
  /// Declined, or nobody took it: it is left alone for a while, longer each time.
  void on_kept(time now, std::uint64_t connection);
  void on_gone(std::uint64_t connection);

  /// Too much of its own (R3 a), whatever the peers and the time.
  bool overloaded(const view& at) const;

private:
  struct kept {
    time until{};
    std::uint32_t times = 0;
  };
  bool peers_have_room(const view& at) const;
  bool may_go(time now, const candidate& one) const;
  std::vector<std::uint64_t> choose(time now, const view& at, const std::vector<candidate>& all,
                                    const draw& random) const;
  const candidate* pick(const std::vector<const candidate*>& from, double excess,
                        const draw& random) const;
  std::vector<std::uint64_t> heavy(const std::vector<candidate>& all) const;

  balance::settings settings_;
  std::optional<time> last_;  ///< none yet: the first is free
  std::set<std::uint64_t> in_flight_;
  std::map<std::uint64_t, kept> kept_;
};

/// Who was given away here and is not taken back for a while (R9). Bounded: when it is full, those
/// that end soonest are forgotten.
class refusal_window {
public:
  using time = std::chrono::milliseconds;
  void add(const std::string& who, time until);
  bool refuses(const std::string& who, time now) const;
  void forget_before(time now);
  std::size_t size() const { return until_.size(); }

private:
  std::map<std::string, time> until_;
  std::multimap<time, std::string> order_;
};

}  // namespace dunlin
