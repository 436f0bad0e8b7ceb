/// REPORT JSON: a trial's report as one JSON object, for the pipe of a seed's process and for
/// files.
#pragma once

#include "apps/testkit/trial.hpp"

#include <boost/json.hpp>

#include <string>

namespace dunlin::soak {

boost::json::object to_json(const testkit::trial_report& report);

/// Of what to_json() made; throws on anything else.
testkit::trial_report report_from(const std::string& text);

}  // namespace dunlin::soak
