/// TRIAL: one seed, one cluster, the full mix: random knobs and topology, S3 workloads, faults that
/// come and go, every checker (U4). The same seed gives the same trial, byte for byte. What
/// tests/cluster runs for a few seeds and `dunlin-soak` for thousands.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct trial_options {
  std::uint64_t seed = 0;
  /// Virtual time under faults; the quiet time at the end comes on top.
  std::uint32_t seconds = 60;
  /// Keeps every event in trace; else only the last ones of a failure.
  bool trace = false;
};

struct trial_report {
  std::uint64_t seed = 0;
  std::uint64_t history = 0;  ///< hash over all events: equal seeds, equal hashes
  double virtual_seconds = 0;
  std::uint64_t operations = 0;                 ///< of clients, with or without an answer
  std::uint64_t histories = 0;                  ///< of keys, that the search for an order looked at
  std::uint64_t undecided = 0;                  ///< of these: too hard within its bound
  std::map<std::string, std::uint64_t> faults;  ///< by kind: how often
  std::map<std::string, std::uint64_t> reached;  ///< rare places (observe/reached.hpp)
  std::map<std::string, std::string> knobs;      ///< what this seed drew
  std::vector<std::string> failures;             ///< empty: passed; each starts with its checker
  std::vector<std::string> story;                ///< faults: when, what, to whom
  std::vector<std::string> trace;                ///< the last events, or all of them
};

trial_report run_trial(const trial_options& what);

}  // namespace dunlin::testkit
