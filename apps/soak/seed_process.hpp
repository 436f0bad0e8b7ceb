/// SEED PROCESS: one trial in a forked process of its own, so that a crash or a hang of a seed is a
/// failure of that seed, and no seed inherits what another has left behind.
#pragma once

#include "apps/testkit/trial.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace dunlin::soak {

struct seed_limits {
  std::uint32_t cpu_seconds = 60;     ///< a seed takes less than one: more is a hang
  std::uint32_t clock_seconds = 600;  ///< of the wall: waiting for ever takes no CPU
};

struct seed_outcome {
  testkit::trial_report report;
  double cpu_seconds = 0;
};

class seed_process {
public:
  /// Forks; throws std::system_error if that fails.
  seed_process(const testkit::trial_options& what, const seed_limits& limits);
  seed_process(const seed_process&) = delete;
  seed_process& operator=(const seed_process&) = delete;
  ~seed_process();

  /// Readable when there is something to receive.
  int descriptor() const { return pipe_; }
  /// Takes what the process has written; false: it has ended.
  bool receive();
  /// Ends it if it has run for too long.
  void check_time();
  /// After the end.
  seed_outcome finish();

private:
  std::string last_words() const;

  testkit::trial_options what_;
  seed_limits limits_;
  pid_t pid_ = -1;
  int pipe_ = -1;
  int words_ = -1;  ///< a file: what it wrote to stderr
  bool killed_ = false;
  std::string received_;
  std::chrono::milliseconds started_;
};

}  // namespace dunlin::soak
