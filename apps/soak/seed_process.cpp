#include "apps/soak/seed_process.hpp"

#include "apps/soak/report_json.hpp"
#include "runtime/monotonic.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

namespace dunlin::soak {

namespace {

[[noreturn]] void give_up(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void write_all(int to, const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto count = ::write(to, text.data() + at, text.size() - at);
    if (count < 0 && errno != EINTR) return;
    if (count > 0) at += static_cast<std::size_t>(count);
  }
}

[[noreturn]] void run_child(const testkit::trial_options& what, const seed_limits& limits, int to,
                            int words) {
  const rlimit cpu{limits.cpu_seconds, limits.cpu_seconds + 1};
  ::setrlimit(RLIMIT_CPU, &cpu);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::dup2(words, STDERR_FILENO);
  write_all(to, boost::json::serialize(to_json(testkit::run_trial(what))));
  ::_exit(0);
}

double seconds(const timeval& of) {
  return static_cast<double>(of.tv_sec) + static_cast<double>(of.tv_usec) / 1e6;
}

std::string how_it_ended(int status, bool killed) {
  if (killed) return "hang: it did not end in time";
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) return "hang: it used up its CPU time";
  if (WIFSIGNALED(status))
    return fmt::format("crash: signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  return fmt::format("crash: exit code {}", WEXITSTATUS(status));
}

/// Checkers come first: a broken invariant is what the product itself has checked.
std::string epitaph(const std::string& end, const std::string& words) {
  constexpr std::string_view mark = "broken invariant: ";
  if (words.empty()) return end;
  const auto at = words.rfind(mark);
  const auto text = end + "; its last words:\n" + words;
  if (at == words.npos) return text;
  return "assertion: " + words.substr(at + mark.size(), words.find('\n', at) - at - mark.size()) +
         "\n" + text;
}

}  // namespace

seed_process::seed_process(const testkit::trial_options& what, const seed_limits& limits)
    : what_(what), limits_(limits), started_(monotonic_now()) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) give_up("pipe");
  pipe_ = ends[0];
  words_ = ::memfd_create("stderr", MFD_CLOEXEC);
  pid_ = words_ < 0 ? -1 : ::fork();
  if (pid_ == 0) run_child(what_, limits_, ends[1], words_);
  ::close(ends[1]);
  if (pid_ < 0) give_up("fork");
}

seed_process::~seed_process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(pipe_);
  ::close(words_);
}

bool seed_process::receive() {
  char some[65536];
  const auto count = ::read(pipe_, some, sizeof some);
  if (count > 0) received_.append(some, static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && errno == EINTR);
}

void seed_process::check_time() {
  if (monotonic_now() - started_ < std::chrono::seconds(limits_.clock_seconds)) return;
  killed_ = true;
  ::kill(pid_, SIGKILL);
}

std::string seed_process::last_words() const {
  std::string text(4096, '\0');
  const auto size = ::lseek(words_, 0, SEEK_END);
  const auto from = std::max<off_t>(0, size - static_cast<off_t>(text.size()));
  const auto count = ::pread(words_, text.data(), text.size(), from);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

seed_outcome seed_process::finish() {
  int status = 0;
  rusage usage{};
  while (::wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) {}
  pid_ = -1;
  seed_outcome outcome;
  outcome.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  if (!killed_ && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    outcome.report = report_from(received_);
    return outcome;
  }
  outcome.report.seed = what_.seed;
  outcome.report.failures.push_back(epitaph(how_it_ended(status, killed_), last_words()));
  return outcome;
}

}  // namespace dunlin::soak
