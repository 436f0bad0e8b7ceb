// dunlin-soak: trials of many seeds, each in a process of its own. docs/testing.md.
#include "apps/soak/report_json.hpp"
#include "apps/soak/summary.hpp"
#include "runtime/monotonic.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <list>
#include <optional>

namespace {

using namespace dunlin;

struct wishes {
  std::uint64_t first = 1, count = 1;
  std::optional<std::uint64_t> seed;
  unsigned jobs = 1;
  std::uint64_t failures_max = 0;
  std::string trace_file, json_file;
  bool quiet = false;
  soak::seed_limits limits;
};

wishes read_wishes(CLI::App& app, int argc, char** argv) {
  wishes read;
  app.add_option("--first", read.first, "the first seed");
  app.add_option("--count", read.count, "how many seeds");
  app.add_option("--seed", read.seed, "this seed alone, with everything it has to tell");
  app.add_option("--jobs", read.jobs, "seeds at once")->check(CLI::Range(1, 64));
  app.add_option("--failures", read.failures_max, "ends after so many failed seeds; 0: never");
  app.add_option("--trace", read.trace_file, "writes every event into this file; with --seed");
  app.add_option("--json", read.json_file, "writes the summary into this file");
  app.add_flag("--quiet", read.quiet, "says nothing but what failed");
  app.add_option("--cpu-limit", read.limits.cpu_seconds, "CPU seconds after which a seed hangs");
  app.parse(argc, argv);
  if (read.seed) std::tie(read.first, read.count) = std::tuple{*read.seed, 1};
  return read;
}

/// A seed fills some 80 MB with a life of seconds: in pages of 4 KiB, each cleared at its first
/// touch, that is a tenth of its CPU. glibc reads its tunables before main.
void begin_with_large_pages(char** argv) {
  constexpr auto* name = "GLIBC_TUNABLES";
  if (std::getenv(name) != nullptr) return;
  ::setenv(name,
           "glibc.malloc.hugetlb=1:glibc.malloc.trim_threshold=1073741824:"
           "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.top_pad=16777216",
           1);
  ::execv("/proc/self/exe", argv);  // where that is impossible all goes on with small ones
}

class soaking {
public:
  explicit soaking(const wishes& what) : what_(what), next_(what.first) {}

  soak::summary run() {
    while (wants_more() || !open_.empty()) {
      while (wants_more() && open_.size() < what_.jobs)
        open_.emplace_back(
            testkit::trial_options{.seed = next_++, .trace = !what_.trace_file.empty()},
            what_.limits);
      wait();
    }
    return std::move(sum_);
  }

private:
  bool wants_more() const {
    const auto enough = what_.failures_max > 0 && sum_.failed() >= what_.failures_max;
    return next_ < what_.first + what_.count && !enough;
  }

  void wait() {
    std::vector<pollfd> readable;
    for (const auto& one : open_)
      readable.push_back({one.descriptor(), POLLIN, 0});
    ::poll(readable.data(), readable.size(), 1000);
    auto at = readable.begin();
    for (auto one = open_.begin(); one != open_.end(); ++at) {
      one->check_time();
      const auto goes_on = at->revents == 0 || one->receive();
      if (!goes_on) heard(one->finish());
      one = goes_on ? std::next(one) : open_.erase(one);
    }
  }

  void heard(const soak::seed_outcome& outcome) {
    sum_.add(outcome);
    const auto& report = outcome.report;
    if (!report.failures.empty()) {
      fmt::print("FAILED seed {}: {}{}\n", report.seed, report.failures.front(),
                 report.failures.size() > 1
                     ? fmt::format(" (and {} more)", report.failures.size() - 1)
                     : "");
      // The first ones whole; a soak that fails everywhere need not say it a thousand times.
      if (sum_.failed() <= 3) fmt::print("{}", soak::story_of(report));
      std::fflush(stdout);
    }
    if (!what_.trace_file.empty()) {
      std::ofstream file(what_.trace_file);
      for (const auto& line : report.trace)
        file << line << '\n';
    }
  }

  const wishes& what_;
  std::uint64_t next_;
  std::list<soak::seed_process> open_;
  soak::summary sum_;
};

}  // namespace

int main(int argc, char** argv) {
  begin_with_large_pages(argv);
  CLI::App app{"Runs trials on virtual clusters: faults, workloads and checkers from each seed"};
  wishes what;
  try {
    what = read_wishes(app, argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem);
  }
  const auto begun = monotonic_now();
  const auto sum = soaking{what}.run();
  const auto clock_seconds = static_cast<double>((monotonic_now() - begun).count()) / 1e3;
  if (!what.quiet) fmt::print("{}", sum.text(clock_seconds));
  if (!what.json_file.empty())
    std::ofstream(what.json_file) << boost::json::serialize(sum.json(clock_seconds)) << '\n';
  return sum.failed() > 0 || sum.judges_too_little() ? 1 : 0;
}
