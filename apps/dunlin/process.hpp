/// PROCESSES by their files: a pid alone may be somebody else's by now, so a record carries the
/// start time too, and whoever signals looks at the command line first.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::commands {

struct process_record {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  ///< since boot, from /proc/PID/stat
  bool operator==(const process_record&) const = default;
};

/// The process that has this pid now; none if there is none, or only its corpse.
std::optional<process_record> identify(pid_t pid);

std::vector<std::string> command_line(pid_t pid);

std::optional<process_record> read_pid_file(const std::string& path);
bool write_pid_file(const std::string& path, const process_record& record);

/// Whether the recorded process still runs, and every word is an argument of it.
bool running(const process_record& record, const std::vector<std::string>& words);

struct spawn_options {
  std::vector<std::string> command;  ///< absolute path and arguments
  std::string log;                   ///< stdout and stderr are appended here
};

/// Starts a process in a session of its own, with no signal blocked and nothing on stdin. The
/// caller has one thread only.
std::optional<process_record> spawn(const spawn_options& options);

/// Sends stdin to nothing, stdout and stderr to the end of `path`; false with errno set.
bool redirect_output(const std::string& path);

/// This very program, for starting itself again.
std::string own_binary();

}  // namespace dunlin::commands
