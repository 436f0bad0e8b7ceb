#include "apps/dunlin/launch.hpp"
#include "apps/dunlin/load.hpp"
#include "runtime/monotonic.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <thread>

namespace dunlin::commands {

using namespace std::chrono_literals;

namespace {

/// Those of `processes` that still run after at most `timeout`.
std::vector<recorded_process> wait_for_end(std::vector<recorded_process> processes,
                                           std::chrono::milliseconds timeout) {
  const auto deadline = monotonic_now() + timeout;
  while (true) {
    std::erase_if(processes, [](const auto& one) { return !running(one.process, one.words); });
    if (processes.empty() || monotonic_now() > deadline) return processes;
    std::this_thread::sleep_for(50ms);
  }
}

void signal_all(const std::vector<recorded_process>& processes, int signal) {
  for (const auto& one : processes)
    if (running(one.process, one.words)) ::kill(one.process.pid, signal);
}

int down(const std::string& file) {
  const auto cluster = load(file);
  if (!cluster) return called_wrongly;
  auto alive = running_processes(*cluster);
  if (alive.empty()) {
    std::cout << fmt::format("cluster '{}' is not up\n", cluster->options.name);
    return done;
  }
  if (alive.front().what == "supervisor") {
    // It stops its nodes itself, and gives them 15 s; first, so that it starts none again.
    signal_all({alive.front()}, SIGTERM);
    wait_for_end(alive, 20s);
    alive = running_processes(*cluster);
  }
  signal_all(alive, SIGTERM);
  alive = wait_for_end(alive, 15s);
  for (const auto& one : alive)
    complain(fmt::format("{} (pid {}) did not end in time; killing it", one.what, one.process.pid));
  signal_all(alive, SIGKILL);
  alive = wait_for_end(alive, 5s);
  if (!alive.empty())
    return complain(
        fmt::format("{} (pid {}) cannot be killed", alive.front().what, alive.front().process.pid));
  std::cout << fmt::format("cluster '{}' is down\n", cluster->options.name);
  return done;
}

}  // namespace

void add_down(CLI::App& app, action& chosen) {
  auto* command =
      app.add_subcommand("down", "Stop what `up` started: drain, wait up to 15 s, then kill.");
  auto file = file_argument(*command);
  command->callback([&chosen, file] { chosen = [file] { return down(*file); }; });
}

}  // namespace dunlin::commands
