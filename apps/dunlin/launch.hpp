/// What `up` and `down` know of a cluster's processes on this machine.
#pragma once

#include "apps/dunlin/process.hpp"
#include "apps/dunlin/supervisor.hpp"
#include "runtime/topology/topology.hpp"

#include <string>
#include <vector>

namespace dunlin::commands {

std::string supervisor_pid_file(const topology::cluster& of);
std::string supervisor_log(const topology::cluster& of);

struct recorded_process {
  std::string what;  ///< "supervisor", "node n1"
  process_record process;
  std::vector<std::string> words;  ///< of its command line
  std::string pid_file;
};

/// The recorded processes that still run, the supervisor first.
std::vector<recorded_process> running_processes(const topology::cluster& of);

/// How `binary` runs every node of the cluster.
supervisor_options supervision_of(const topology::cluster& of, const std::string& binary,
                                  bool restart);

/// One sentence for each address that cannot be bound now: in use, or not of this machine.
std::vector<std::string> unusable_addresses(const topology::cluster& of);

/// Held while a cluster is up; -1 if somebody else has it.
int lock_cluster(const topology::cluster& of);

}  // namespace dunlin::commands
