/// What a balancer's core has counted, as metrics.
#pragma once

#include "actors/balancer/balancer_core.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/proxy/line_listener.hpp"

#include <functional>
#include <vector>

namespace dunlin {

class balancer_metrics {
public:
  /// `to` outlives it.
  explicit balancer_metrics(metrics& to);

  /// Adds what has happened since the last time.
  void show(const balancer_core& core, balancer_core::time now, const proxy::line_listener& lines);

private:
  struct figure {
    counter& at;
    std::function<std::uint64_t(const balancer_core::counts&)> of;
    std::uint64_t shown = 0;
  };
  static void add(counter& at, std::uint64_t value, std::uint64_t& shown);

  metrics& to_;
  std::vector<figure> figures_;
  std::vector<std::uint64_t> attempts_;
  std::uint64_t from_client_ = 0;
  std::uint64_t to_client_ = 0;
  std::uint64_t given_way_ = 0;
  std::uint64_t turned_away_ = 0;
  gauge& lines_;
  gauge& moving_;
  gauge& needed_;
};

}  // namespace dunlin
