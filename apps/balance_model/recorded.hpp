/// RECORDED: what access nodes wrote of their decisions (X4), checked and replayed.
#pragma once

#include "apps/balance_model/fleet.hpp"
#include "messages/dunlin/v1/balance.pb.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dunlin::balance_model {

/// Of several nodes' files, in order of time; each node's own order is kept.
using records = std::vector<v1::BalanceRecord>;
records in_order(std::vector<records> files);

/// Every recorded offer decided once more, from its inputs and the settings then in use.
struct decision_check {
  std::uint64_t offers = 0;
  std::uint64_t checked = 0;
  std::uint64_t whatever_the_load = 0;  ///< refused as cooling, draining, full or starting
  std::uint64_t without_settings = 0;   ///< the record of the settings is no longer there
  std::uint64_t mismatches = 0;
  std::vector<std::string> examples;  ///< of mismatches, a few
};
decision_check check_decisions(const records& all);

/// What happened, in the words of the model.
struct recorded_past {
  fleet_figures figures;
  std::vector<std::string> nodes;
  std::vector<double> capacities;  ///< native, in unit nodes; in the order of `nodes`
  std::uint32_t balancers = 0;
  double seconds = 0;
  balance::settings settings;  ///< the last ones
  std::vector<recorded_workload::recorded_client> clients;
};
result<recorded_past> past_of(const records& all);

}  // namespace dunlin::balance_model
