/// WORKLOAD of a modelled fleet: clients that come, use more or less, and go.
#pragma once

#include "apps/balance_trace/trace.hpp"

#include <cstddef>
#include <vector>

namespace dunlin::balance_model {

struct client {
  double begins = 0;  ///< seconds
  double ends = 0;
  double net = 1;     ///< network used for each unit of demand
  double memory = 0;  ///< parts of a unit node's, held all the time
};

class workload {
public:
  virtual ~workload() = default;
  virtual const std::vector<client>& clients() const = 0;  ///< by `begins`
  /// In unit nodes. Of one client, times never go back.
  virtual double demand(std::size_t of, double time) = 0;
};

/// The trace, scaled so that its mean demand loads `capacity` unit nodes to `load`; network to 0.8
/// of that and memory to 0.65, so that the processor is what is scarce.
class trace_workload final : public workload {
public:
  trace_workload(const balance_trace::trace& of, double capacity, double load);
  const std::vector<client>& clients() const override { return clients_; }
  double demand(std::size_t of, double time) override { return meters_[of].at(time) / unit_; }

private:
  double unit_;
  std::vector<client> clients_;
  std::vector<balance_trace::demand_meter> meters_;
};

/// What was recorded: each client's demand as it was seen.
class recorded_workload final : public workload {
public:
  struct recorded_client {
    client of;
    std::vector<balance_trace::change> demand;  ///< from then on, in unit nodes
  };
  explicit recorded_workload(std::vector<recorded_client> all);
  const std::vector<client>& clients() const override { return clients_; }
  double demand(std::size_t of, double time) override {
    const auto found = balance_trace::factor_at(demands_[of], time, cursors_[of]);
    return cursors_[of] == 0 ? 0 : found;
  }

private:
  std::vector<client> clients_;
  std::vector<std::vector<balance_trace::change>> demands_;
  std::vector<std::size_t> cursors_;
};

}  // namespace dunlin::balance_model
