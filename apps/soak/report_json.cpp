#include "apps/soak/report_json.hpp"

namespace dunlin::soak {

namespace json = boost::json;

json::object to_json(const testkit::trial_report& report) {
  return {{"seed", report.seed},
          {"history", report.history},
          {"virtual_seconds", report.virtual_seconds},
          {"operations", report.operations},
          {"histories", report.histories},
          {"undecided", report.undecided},
          {"faults", json::value_from(report.faults)},
          {"reached", json::value_from(report.reached)},
          {"knobs", json::value_from(report.knobs)},
          {"failures", json::value_from(report.failures)},
          {"story", json::value_from(report.story)},
          {"trace", json::value_from(report.trace)}};
}

testkit::trial_report report_from(const std::string& text) {
  const auto read = json::parse(text).as_object();
  testkit::trial_report report;
  report.seed = read.at("seed").to_number<std::uint64_t>();
  report.history = read.at("history").to_number<std::uint64_t>();
  report.virtual_seconds = read.at("virtual_seconds").to_number<double>();
  report.operations = read.at("operations").to_number<std::uint64_t>();
  report.histories = read.at("histories").to_number<std::uint64_t>();
  report.undecided = read.at("undecided").to_number<std::uint64_t>();
  using counts = std::map<std::string, std::uint64_t>;
  report.faults = json::value_to<counts>(read.at("faults"));
  report.reached = json::value_to<counts>(read.at("reached"));
  report.knobs = json::value_to<std::map<std::string, std::string>>(read.at("knobs"));
  using texts = std::vector<std::string>;
  report.failures = json::value_to<texts>(read.at("failures"));
  report.story = json::value_to<texts>(read.at("story"));
  report.trace = json::value_to<texts>(read.at("trace"));
  return report;
}

}  // namespace dunlin::soak
