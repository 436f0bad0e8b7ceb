#include "apps/testkit/trial.hpp"

#include "apps/testkit/chaos.hpp"
#include "apps/testkit/client_workload.hpp"
#include "apps/testkit/knobs.hpp"
#include "apps/testkit/quiet_checks.hpp"
#include "apps/testkit/race_workload.hpp"
#include "runtime/observe/reached.hpp"

#include <fmt/format.h>

#include <deque>
#include <exception>
#include <memory>

namespace dunlin::testkit {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t last_events = 80;  // of a failure: what a person reads, and a pipe carries
constexpr std::size_t failures_max = 30;
constexpr std::size_t states_max = 200'000;  // of the search for an order, per key

class trial {
public:
  explicit trial(const trial_options& what)
      : what_(what),
        before_(reached_places()),
        cluster_(std::make_unique<virtual_cluster>(what.seed, draw_knobs(what.seed))),
        clients_(*cluster_, {.bucket = "mix"}),
        races_(*cluster_, {.rounds = 40, .uploads = what.seed % 8 == 0 ? 1 : 0, .pause = 600ms}),
        faults_(*cluster_, {.faults = all_faults()}) {
    cluster_->on_event([this](std::string line) { hear(std::move(line)); });
    if (what.trace) cluster_->trace_everything();
    report_.seed = what.seed;
    report_.knobs = cluster_->shape().told;
  }
  // What is still open calls its workload while the cluster goes.
  ~trial() { cluster_.reset(); }

  void run() {
    if (!prepare()) return;
    clients_.begin();
    races_.begin();
    faults_.begin();
    cluster_->time().run_for(std::chrono::seconds(what_.seconds));
    faults_.end();
    await_progress();
    check_answers();
    check_rest();
  }

  void fail(const std::string& checker, const std::string& text) {
    if (report_.failures.size() < failures_max) report_.failures.push_back(checker + ": " + text);
  }

  trial_report report() {
    report_.history = cluster_->history();
    report_.virtual_seconds = static_cast<double>(cluster_->time().now().count()) / 1e9;
    report_.operations = cluster_->requests();
    report_.faults = faults_.counts();
    report_.story = faults_.story();
    report_.trace.assign(trace_.begin(), trace_.end());
    for (const auto& [name, times] : reached_places())
      report_.reached[name] = times - before_[name];
    return report_;
  }

private:
  void hear(std::string line) {
    trace_.push_back(std::move(line));
    if (!what_.trace && trace_.size() > last_events) trace_.pop_front();
  }

  void fail_all(const std::string& checker, const std::vector<std::string>& texts) {
    for (const auto& text : texts)
      fail(checker, text);
  }

  bool prepare() {
    cluster_->start_all();
    if (!cluster_->wait_until_ready(20s)) {
      fail("progress", "a new cluster is not ready within 20 s");
      return false;
    }
    for (const auto* bucket : {"/work", "/mix"}) {
      const auto status = cluster_->call(cluster_->access_nodes().front(), "PUT", bucket).status;
      if (status == 200) continue;
      fail("progress", fmt::format("creating a bucket answered {}", status));
      return false;
    }
    return true;
  }

  /// Everybody's promises once the faults have stopped.
  void await_progress() {
    if (!cluster_->wait_until_ready(15s))
      fail("progress", "not every node is ready 15 s after the last fault");
    const auto finished = [this] { return clients_.finished() && races_.finished(); };
    if (!cluster_->time().run_until(finished, 120s))
      fail("progress", "the workloads are not through 120 s after the last fault");
    if (cluster_->longest_answer() > 30s)
      fail("progress", fmt::format("an answer took {} ms", cluster_->longest_answer().count()));
    cluster_->time().run_for(3s);
  }

  void check_answers() {
    clients_.read_all();
    fail_all("answers", clients_.history().mistakes());
    fail_all("listings", clients_.mistakes());
    fail_all("linearizable", clients_.history().judge_all(states_max));
    races_.check_all();
    fail_all("races", races_.mistakes());
  }

  void check_rest() {
    if (cluster_->open_requests() > 0)
      fail("in flight",
           fmt::format("{} requests are without an answer", cluster_->open_requests()));
    fail_all("replicas", check_states(*cluster_, 10s));
    fail_all("pages", check_pages(*cluster_, cluster_->topology().options.write_quorum));
    fail_all("raft", cluster_->violations());
    fail_all("error lines", cluster_->error_lines());
  }

  trial_options what_;
  std::map<std::string, std::uint64_t> before_;
  std::unique_ptr<virtual_cluster> cluster_;
  client_workload clients_;
  race_workload races_;
  chaos faults_;
  std::deque<std::string> trace_;
  trial_report report_;
};

}  // namespace

trial_report run_trial(const trial_options& what) {
  trial one(what);
  try {
    one.run();
  } catch (const std::exception& problem) {
    one.fail("exception", problem.what());
  }
  return one.report();
}

}  // namespace dunlin::testkit
