/// GRID TIME: virtual time, clocks that neither agree nor go equally fast, and a network that
/// loses, doubles, delays and reorders.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>

namespace dunlin::grid {

using ms = std::chrono::milliseconds;

class events {
public:
  ms now() const { return now_; }
  void at(ms when, std::function<void()> what) {
    queue_.emplace(std::pair{std::max(when, now_), ++count_}, std::move(what));
  }
  void after(ms pause, std::function<void()> what) { at(now_ + pause, std::move(what)); }
  void run_until(ms end) {
    while (!queue_.empty() && queue_.begin()->first.first <= end) {
      auto next = queue_.extract(queue_.begin());
      now_ = next.key().first;
      next.mapped()();
    }
    now_ = end;
  }

private:
  ms now_{0};
  std::uint64_t count_ = 0;
  std::map<std::pair<ms, std::uint64_t>, std::function<void()>> queue_;
};

/// One node's clock: its own zero, wrong by some millionths.
struct node_clock {
  std::int64_t offset_us = 0, ppm = 0;

  std::int64_t exact_us(ms at) const {
    return offset_us + at.count() * 1000 + at.count() * ppm / 1000;
  }
  ms read(ms at) const { return ms{exact_us(at) / 1000}; }
  /// When, in the world, the clock shows `local`, or a little later.
  ms world(ms local) const {
    auto at = ms{(local.count() * 1000 - offset_us) / 1000 - 100};
    at = ms{(local.count() * 1000 - offset_us - at.count() * ppm / 1000) / 1000};
    while (read(at) < local)
      ++at;
    return at;
  }
};

class network {
public:
  network(events& time, std::mt19937_64& random) : time_{time}, random_{random} {}

  /// Of a thousand messages.
  std::uint64_t lost = 100, doubled = 30, slow = 50;
  bool leaders_too = true;  ///< else only what subscribers send and get is lost
  std::uint64_t sent = 0;

  void cut(const std::string& a, const std::string& b) { cuts_.insert({a, b}); }
  void heal(const std::string& a, const std::string& b) { cuts_.erase({a, b}); }
  void heal_all() { cuts_.clear(); }

  void send(const std::string& from, const std::string& to, const std::function<void()>& arrives) {
    ++sent;
    if (cuts_.contains({from, to}) || cuts_.contains({to, from})) return;
    const int copies = chance(doubled) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy)
      if (!chance(loses(from, to) ? lost : 0)) time_.after(delay(), arrives);
  }
  bool chance(std::uint64_t of_thousand) { return random_() % 1000 < of_thousand; }

private:
  bool loses(const std::string& from, const std::string& to) const {
    return leaders_too || from.front() == 's' || to.front() == 's';
  }
  ms delay() {
    const std::uint64_t most =
        chance(slow) ? 200 : 4;  // drawn first, whatever the compiler prefers
    return ms{static_cast<std::int64_t>(random_() % most)};
  }

  events& time_;
  std::mt19937_64& random_;
  std::set<std::pair<std::string, std::string>> cuts_;
};

}  // namespace dunlin::grid
