/// SUMMARY: what many trials add up to, as text for people and as JSON for tools/soak.
#pragma once

#include "apps/soak/seed_process.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dunlin::soak {

class summary {
public:
  void add(const seed_outcome& outcome);

  std::uint64_t seeds() const { return seeds_.size(); }
  std::uint64_t failed() const { return failed_.size(); }
  /// Too many histories were too hard to judge for the rest to mean much.
  bool judges_too_little() const { return histories_ >= 1000 && undecided_ * 200 > histories_; }

  std::string text(double clock_seconds) const;
  /// Of trials whose clients come through balancers: whether their connections really move.
  struct balancing {
    std::uint64_t seeds = 0;
    std::uint64_t unmoved = 0;  ///< seeds without a single move
    std::map<std::string, std::uint64_t> counts;
  };
  const balancing& balanced() const { return balanced_; }
  boost::json::object json(double clock_seconds) const;

private:
  struct one_seed {
    std::uint64_t seed = 0, history = 0, operations = 0;
    double cpu_seconds = 0;
    bool passed = false;
  };
  std::string balance_text() const;
  std::vector<one_seed> seeds_;
  balancing balanced_;
  std::vector<testkit::trial_report> failed_;
  double virtual_seconds_ = 0, cpu_seconds_ = 0;
  std::uint64_t operations_ = 0, histories_ = 0, undecided_ = 0;
  std::map<std::string, std::uint64_t> faults_, reached_;
};

/// The command that runs the failed seed again, with all its events in a file.
std::string replay_command(std::uint64_t seed);

/// A failed seed: checkers, knobs, faults, last events, and how to replay it.
std::string story_of(const testkit::trial_report& report);

}  // namespace dunlin::soak
