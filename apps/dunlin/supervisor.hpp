/// SUPERVISOR: one child process per node (Q27 at the level of processes, decision 0003). Starts
/// them, starts again those that end, with back-off, keeps their pid files and bounds their logs.
#pragma once

#include "apps/dunlin/log_rotation.hpp"
#include "messages/vocabulary.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace dunlin::commands {

struct supervised_child {
  node_id name;
  std::vector<std::string> command;
  std::string log;
  std::string pid_file;
};

struct supervisor_options {
  std::vector<supervised_child> children;
  /// Read anew at SIGUSR1: children that do not run are started, the others left alone. Null: the
  /// signal does nothing.
  std::function<std::vector<supervised_child>()> reread;
  bool restart = true;
  std::chrono::milliseconds stop_timeout{15'000};  ///< from SIGTERM to SIGKILL
  std::chrono::milliseconds log_interval{10'000};  ///< how often the logs are measured
  log_bounds logs;
};

/// Blocks until SIGTERM, SIGINT or SIGHUP, then stops every child; without `restart`, also until
/// the last child ended by itself. The process has one thread only. Returns the exit code.
int supervise(const supervisor_options& options);

}  // namespace dunlin::commands
