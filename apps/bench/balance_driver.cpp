// dunlin-balance drive: holds the connections of a balance trace open against balancers, a GET on
// each every period that declares what it costs (x-dunlin-load), learns from x-amz-id-2 who
// answered, and works out from that, outside of the system, how evenly the demand lies. Says
// "event add", "event kill" and "event back" on standard output when it is time for whoever runs
// the cluster, and at the end one line of JSON. Time is compressed: of the trace `--compress`
// seconds pass in one.
//
// dunlin-balance churn: opens a connection, one GET, closes it; so many times. What failed.
//
// dunlin-balance sink: answers every request, as an access node would, for balancers that have
// none.
#include "apps/balance_trace/trace.hpp"
#include "apps/bench/balance_client.hpp"
#include "apps/bench/balance_figures.hpp"
#include "apps/bench/balance_sink.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>

namespace {

namespace asio = boost::asio;
using namespace dunlin::bench;
using dunlin::balance_trace::demand_meter;
using dunlin::balance_trace::trace;

struct drive_options {
  target to;
  std::vector<double> capacities{1, 1, 1, 1, 1.5, 1.5, .5, .5};
  double seconds = 300, compress = 60, period = 2, load = 0.7, units = 1000;
  std::uint32_t seed = 2, connections = 1000;
  std::string samples;             ///< file; empty: none
  std::vector<std::string> names;  ///< of access nodes; one more than capacities
};

/// One run of the trace.
class run {
public:
  run(asio::io_context& on, drive_options options)
      : context_{on},
        options_{std::move(options)},
        trace_{dunlin::balance_trace::make_trace(options_.seed,
                                                 {.connections = options_.connections})},
        figures_{options_.names, options_.capacities, options_.seconds, options_.compress},
        began_{clock::now()} {
    double capacity = 0;
    for (const auto each : options_.capacities)
      capacity += each;
    if (!options_.samples.empty()) samples_.reset(std::fopen(options_.samples.c_str(), "w"));
    unit_ = trace_.demand / capacity / options_.load;
  }

  void start() {
    spawn(open_all());
    spawn(sample());
    spawn(tell());
  }
  std::string result() const { return figures_.json(); }

private:
  using task = asio::awaitable<void>;
  using clock = std::chrono::steady_clock;

  void spawn(task work) { asio::co_spawn(context_, std::move(work), asio::detached); }
  double now() const { return std::chrono::duration<double>(clock::now() - began_).count(); }
  double trace_now() const { return now() * options_.compress; }
  task sleep(double seconds) {
    asio::steady_timer timer{context_};
    timer.expires_after(
        std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(seconds)));
    co_await timer.async_wait(asio::use_awaitable);
  }

  task open_all() {
    for (std::size_t i = 0; i < trace_.connections.size(); ++i) {
      const auto due = trace_.connections[i].begins / options_.compress;
      if (due >= options_.seconds) co_return;
      if (due > now()) co_await sleep(due - now());
      spawn(hold(i));
    }
  }

  /// One connection of the trace, over as many of TCP as it takes.
  task hold(std::size_t i) {
    const auto& of = trace_.connections[i];
    demand_meter meter{trace_, of};
    client at{context_, options_.to, i};
    double back_off = 0.2;
    figures_.begins(i);
    while (trace_now() < of.ends && now() < options_.seconds) {
      // In unit nodes, and in the units that are declared.
      const auto demand = meter.at(trace_now()) / unit_;
      const auto declared =
          fmt::format("x-dunlin-load: {:.3f}\r\n", demand * options_.period * options_.units);
      const bool was_open = at.open();
      const auto asked = now();
      const auto said = co_await at.get(declared);
      if (said.status == 200) {
        back_off = 0.2;
        figures_.answered(i, now(), now() - asked, said, demand);
      } else {
        figures_.failed(i, asked, now(), was_open, said);
        at.close();
        if (was_open) continue;  // closed by the server: at once again
        co_await sleep(back_off);
        back_off = std::min(back_off * 2, 2.0);
        continue;
      }
      const auto left = (of.ends - trace_now()) / options_.compress;
      co_await sleep(std::clamp(left, 0.001, options_.period));
    }
    figures_.ends(i);
  }

  task sample() {
    while (now() < options_.seconds) {
      co_await sleep(0.25);
      figures_.sample(now());
      if (samples_) fmt::print(samples_.get(), "{:.3f},{}\n", now(), figures_.utilisation_text());
    }
    context_.stop();
  }

  task tell() {
    for (const auto& [part, what] : {std::pair{.6, "add"}, {.8, "kill"}, {.9, "back"}}) {
      co_await sleep(options_.seconds * part - now());
      figures_.event(what, now());
      std::puts(fmt::format("event {}", what).c_str());
      std::fflush(stdout);
    }
    // Just before the end: who counts connections inside compares with this.
    co_await sleep(options_.seconds - 1 - now());
    std::puts(fmt::format("event count {}", figures_.open()).c_str());
    std::fflush(stdout);
  }

  asio::io_context& context_;
  const drive_options options_;
  const trace trace_;
  figures figures_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> samples_{nullptr, std::fclose};
  const clock::time_point began_;
  double unit_ = 1;
};

struct churn_options {
  target to;
  std::uint64_t connects = 100'000;
  std::uint32_t at_once = 32;
};

struct churn_counts {
  std::uint64_t left = 0, answered = 0, failed = 0;
  std::map<std::string, std::uint64_t> reasons;
  std::vector<double> seconds;
};

asio::awaitable<void> churn_one(asio::io_context& context, const target& to, std::size_t index,
                                churn_counts& counts) {
  while (counts.left > 0) {
    const auto number = counts.left--;
    client at{context, to, index + number};
    const auto began = std::chrono::steady_clock::now();
    const std::string none;
    const auto said = co_await at.get(none);
    at.close();
    counts.seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    if (said.status == 200) {
      ++counts.answered;
      continue;
    }
    ++counts.failed;
    ++counts.reasons[said.status == 0 ? said.error : std::to_string(said.status)];
  }
}

void churn(const churn_options& options) {
  asio::io_context context{1};
  churn_counts counts;
  counts.left = options.connects;
  for (std::uint32_t i = 0; i < options.at_once; ++i)
    asio::co_spawn(context, churn_one(context, options.to, i, counts), asio::detached);
  const auto began = std::chrono::steady_clock::now();
  context.run();
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::string reasons;
  for (const auto& [what, times] : counts.reasons)
    reasons += fmt::format("{}\"{}\": {}", reasons.empty() ? "" : ", ", what, times);
  fmt::print(
      "{{\"connects\": {}, \"failed\": {}, \"a_second\": {:.0f}, \"p50_ms\": {:.2f}, \"p99_ms\": "
      "{:.2f}, \"reasons\": {{{}}}}}\n",
      counts.answered + counts.failed, counts.failed, double(options.connects) / took,
      1000 * percentile(counts.seconds, .5), 1000 * percentile(counts.seconds, .99), reasons);
}

std::string read_headers(const std::string& file) {
  std::ifstream from{file};
  std::string all;
  for (std::string line; std::getline(from, line);)
    if (!line.empty()) all += line + "\r\n";
  if (all.empty()) throw CLI::ValidationError("--headers", "cannot read " + file);
  return all;
}

void add_target(CLI::App& to, target& what) {
  to.add_option("--target", what.ports, "Ports on 127.0.0.1")->required()->delimiter(',');
  to.add_option("--path", what.path, "What to GET, query included");
  to.add_option_function<std::string>(
      "--headers", [&what](const std::string& file) { what.headers = read_headers(file); },
      "File of header lines for every request");
}

}  // namespace

int main(int count, char** words) {
  CLI::App app{"Connections against balancers, and how evenly their demand lies."};
  app.require_subcommand(1);

  drive_options driving;
  auto& drive = *app.add_subcommand("drive", "A balance trace");
  add_target(drive, driving.to);
  drive.add_option("--capacities", driving.capacities, "Of access nodes, in order")->delimiter(',');
  drive.add_option("--names", driving.names, "Of access nodes, the one that is added last")
      ->required()
      ->delimiter(',');
  drive.add_option("--seconds", driving.seconds);
  drive.add_option("--compress", driving.compress, "Seconds of the trace in one");
  drive.add_option("--period", driving.period, "Seconds between the requests of a connection");
  drive.add_option("--load", driving.load, "Mean, in parts of all capacity");
  drive.add_option("--units", driving.units, "Declared by the load of a unit node in a second");
  drive.add_option("--seed", driving.seed);
  drive.add_option("--connections", driving.connections, "On average");

  drive.add_option("--samples", driving.samples,
                   "File for the use of each access node, four times a second");

  churn_options churning;
  auto& churns = *app.add_subcommand("churn", "Connections of one request each");
  add_target(churns, churning.to);
  churns.add_option("--connects", churning.connects);
  churns.add_option("--at-once", churning.at_once);

  sink_options sinking;
  auto& sinks = *app.add_subcommand("sink", "Answers every request");
  sinks.add_option("--port", sinking.port)->required();
  sinks.add_option("--name", sinking.name, "Said in x-amz-id-2")->required();
  sinks.add_option("--bytes", sinking.bytes, "Of the answers' bodies");

  CLI11_PARSE(app, count, words);
  if (drive.parsed() && driving.names.size() != driving.capacities.size() + 1) {
    std::fputs("--names has one more name than --capacities has numbers\n", stderr);
    return 2;
  }
  if (sinks.parsed()) return run_sink(sinking);
  if (churns.parsed()) return churn(churning), 0;
  asio::io_context context{1};
  run one{context, driving};
  one.start();
  context.run();
  std::puts(one.result().c_str());
  return 0;
}
