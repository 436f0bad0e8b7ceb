/// WHAT IF (X4): the clients that access nodes recorded, as they came and what they used, placed
/// once more by other settings.
#pragma once

#include "apps/balance_model/recorded.hpp"

#include <string>
#include <vector>

namespace dunlin::balance_model {

struct what_if_report {
  decision_check check;
  recorded_past past;
  fleet_figures as_it_was;  ///< the model with the recorded settings: how far to believe it
  fleet_figures what_if;    ///< the model with the other settings
};

/// `files`: balance.records of the nodes (also their .1). `thresholds`: TOML of changed keys over
/// the recorded settings. The error is for people.
struct what_if_outcome {
  std::optional<what_if_report> report;
  std::string error;
  std::vector<std::string> warnings;  ///< for people: what of the files was not read
};
what_if_outcome what_if(const std::vector<std::string>& files, const std::string& thresholds);
what_if_outcome what_if(const records& all, const std::string& thresholds);

std::string what_if_text(const what_if_report& of);
std::string what_if_json(const what_if_report& of);

}  // namespace dunlin::balance_model
