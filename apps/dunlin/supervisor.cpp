#include "apps/dunlin/supervisor.hpp"

#include "apps/dunlin/process.hpp"
#include "apps/dunlin/restart_policy.hpp"
#include "runtime/monotonic.hpp"
#include "runtime/observe/log.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>

namespace dunlin::commands {

using std::chrono::milliseconds;

namespace {

struct child {
  supervised_child what;
  std::optional<process_record> process;
  std::optional<milliseconds> due;  ///< of the next start
  restart_policy policy;
};

std::string ending(int status) {
  return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                             : fmt::format("exit code {}", WEXITSTATUS(status));
}

class supervisor {
public:
  explicit supervisor(const supervisor_options& options) : options_{options} {
    for (const auto& what : options.children)
      children_.push_back({what, {}, milliseconds{0}, {}});
    sigemptyset(&heard_);
    for (const auto signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1})
      sigaddset(&heard_, signal);
    sigprocmask(SIG_BLOCK, &heard_, nullptr);
  }

  int run() {
    start_due();
    while (any_running() || (!stop_deadline_ && any_due())) {
      const auto signal = wait();
      reap();
      if (signal == SIGTERM || signal == SIGINT || signal == SIGHUP) begin_stop();
      if (signal == SIGUSR1 && !stop_deadline_) start_missing();
      if (stop_deadline_)
        kill_late_ones();
      else
        start_due();
      measure_logs();
    }
    log::info("supervisor.stopped");
    return stop_deadline_ ? 0 : 1;
  }

private:
  bool any_running() const {
    return std::any_of(children_.begin(), children_.end(), [](auto& c) { return c.process; });
  }
  bool any_due() const {
    return std::any_of(children_.begin(), children_.end(), [](auto& c) { return c.due; });
  }

  /// Sleeps until a signal or the next thing to do.
  int wait() {
    const auto now = monotonic_now();
    auto until = logs_measured_ + options_.log_interval;
    if (stop_deadline_)
      until = std::min(until, *stop_deadline_);
    else
      for (const auto& c : children_)
        until = std::min(until, c.due.value_or(until));
    const auto left = std::max(until - now, milliseconds{1}).count();
    const timespec timeout{left / 1000, left % 1000 * 1'000'000};
    return sigtimedwait(&heard_, nullptr, &timeout);
  }

  void start_due() {
    const auto now = monotonic_now();
    for (auto& c : children_)
      if (c.due && *c.due <= now) start(c, now);
  }

  void start(child& c, milliseconds now) {
    c.due.reset();
    rotate_log(c.what.log, options_.logs);
    c.process = spawn({c.what.command, c.what.log});
    if (!c.process) {
      log::error("supervisor.start_failed", {{"node", c.what.name}});
      c.due = now + restart_policy::longest;
      return;
    }
    c.policy.on_started(now);
    if (!write_pid_file(c.what.pid_file, *c.process))
      log::error("supervisor.pid_file_not_written", {{"file", c.what.pid_file}});
    log::info("supervisor.node_started", {{"node", c.what.name}, {"pid", c.process->pid}});
  }

  void reap() {
    int status = 0;
    while (true) {
      const auto pid = ::waitpid(-1, &status, WNOHANG);
      if (pid <= 0) return;
      for (auto& c : children_)
        if (c.process && c.process->pid == pid) on_ended(c, status);
    }
  }

  void on_ended(child& c, int status) {
    c.process.reset();
    ::unlink(c.what.pid_file.c_str());
    if (stop_deadline_) return log::info("supervisor.node_stopped", {{"node", c.what.name}});
    const auto now = monotonic_now();
    const auto delay = c.policy.on_ended(now);
    if (options_.restart) c.due = now + delay;
    log::warn("supervisor.node_ended", {{"node", c.what.name},
                                        {"how", ending(status)},
                                        {"restart_ms", options_.restart ? delay.count() : -1}});
  }

  void start_missing() {
    if (!options_.reread) return;
    for (auto& c : children_)
      if (!c.process && !c.due) c.due = milliseconds{0};  // ended, and left where it was
    for (auto& what : options_.reread()) {
      const auto known = std::any_of(children_.begin(), children_.end(),
                                     [&](auto& c) { return c.what.name == what.name; });
      if (!known) children_.push_back({std::move(what), {}, milliseconds{0}, {}});
    }
  }

  void begin_stop() {
    if (stop_deadline_) return;
    stop_deadline_ = monotonic_now() + options_.stop_timeout;
    signal_all(SIGTERM);
  }

  void kill_late_ones() {
    if (monotonic_now() < *stop_deadline_) return;
    signal_all(SIGKILL);
    stop_deadline_ = monotonic_now() + options_.stop_timeout;
  }

  void signal_all(int signal) {
    // Not reaped yet, so the pids are still our children's.
    for (const auto& c : children_)
      if (c.process) ::kill(c.process->pid, signal);
  }

  void measure_logs() {
    const auto now = monotonic_now();
    if (now < logs_measured_ + options_.log_interval) return;
    logs_measured_ = now;
    for (const auto& c : children_)
      rotate_log(c.what.log, options_.logs);
  }

  supervisor_options options_;
  std::vector<child> children_;
  sigset_t heard_{};
  std::optional<milliseconds> stop_deadline_;
  milliseconds logs_measured_ = monotonic_now();
};

}  // namespace

int supervise(const supervisor_options& options) { return supervisor{options}.run(); }

}  // namespace dunlin::commands
