#include "apps/testkit/trial.hpp"

#include "apps/testkit/bucket_policy_workload.hpp"
#include "apps/testkit/bucket_workload.hpp"
#include "apps/testkit/cache_checks.hpp"
#include "apps/testkit/chaos.hpp"
#include "apps/testkit/client_workload.hpp"
#include "apps/testkit/knobs.hpp"
#include "apps/testkit/lookup_workload.hpp"
#include "apps/testkit/page_ledger.hpp"
#include "apps/testkit/quiet_checks.hpp"
#include "apps/testkit/race_workload.hpp"
#include "apps/testkit/state_checks.hpp"
#include "apps/testkit/user_workload.hpp"
#include "runtime/observe/reached.hpp"

#include <caf/actor_registry.hpp>

#include <fmt/format.h>

#include <deque>
#include <exception>
#include <memory>
#include <random>

namespace dunlin::testkit {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t last_events = 80;     // of a failure: what a person reads, and a pipe carries
constexpr int failures_max = 8;             // of one checker: the others may say more about it
constexpr std::uint64_t hurries_every = 8;  // of so many faults clients are busy about one,
constexpr std::uint64_t hurries_about_leaders = 2;  // and of so many that may unseat a leader
constexpr std::uint32_t rows_every = 15;            // seconds: all rows of a partition are not free
constexpr std::uint32_t full_seconds = 60;  // shorter trials promise no number of operations
constexpr std::uint64_t operations_min = 200;
constexpr std::size_t states_max = 50'000;  // of the search for an order, per key
constexpr std::size_t undecided_max = 3;    // keys of some thirty: a soak allows far less

/// After these others may lead, and who led may not know.
bool unseats_leaders(fault what) {
  switch (what) {
    case fault::crash_leader:
    case fault::pause:
    case fault::cut_both:
    case fault::isolate_leader:
    case fault::halves:
    case fault::bridge:
    case fault::sees_some:
    case fault::swizzle: return true;
    default: return false;
  }
}

class trial {
public:
  explicit trial(const trial_options& what)
      : what_(what),
        before_(reached_places()),
        cluster_(std::make_unique<virtual_cluster>(what.seed, draw_knobs(what.seed))),
        clients_(*cluster_, {.bucket = "mix", .crowd_buckets = {"mix", "work"}}),
        races_(*cluster_, {.rounds = 24, .uploads = what.seed % 16 == 0 ? 1 : 0, .pause = 1200ms}),
        buckets_(*cluster_),
        users_(*cluster_, {.managers = cluster_->shape().user_managers}),
        policies_(*cluster_),
        lookups_(*cluster_),
        faults_(*cluster_, {.faults = all_faults()}),
        moments_(what.seed + 99) {
    faults_.on_strike([this](fault what) {
      // Right then or a moment later, when those who are left have agreed on something.
      if (moments_() % (unseats_leaders(what) ? hurries_about_leaders : hurries_every) > 0) return;
      const std::chrono::milliseconds wait(moments_() % 1000), length(1000 + moments_() % 1500);
      cluster_->time().events().after(wait, [this, length] { clients_.hurry(length); });
    });
    users_.on_change([this](const std::string& type, const std::string& key) {
      lookups_.about_to_change(type, key);
    });
    cluster_->on_event([this](std::string line) { hear(std::move(line)); });
    if (what.trace) cluster_->trace_everything();
    report_.seed = what.seed;
    report_.knobs = cluster_->shape().told;
  }
  ~trial() {
    // What is still open calls its workload while the cluster goes.
    if (ends_) cluster_.reset();
    // An actor system waits for its actors for ever: better leaked than silent.
    (void)cluster_.release();
  }

  void run() {
    if (!prepare()) return;
    clients_.begin();
    races_.begin();
    buckets_.begin();
    users_.begin();
    policies_.begin();
    faults_.begin();
    for (std::uint32_t second = 1; second <= what_.seconds || is_thin(second); ++second) {
      cluster_->time().run_for(1s);
      look_at_states(second % rows_every == 0);
    }
    faults_.end();
    await_progress();
    check_answers();
    check_coherence();
    check_streams();
    check_rest();
    check_leftovers();
    check_end();
  }

  void fail(const std::string& checker, const std::string& text) {
    if (++failed_[checker] <= failures_max) report_.failures.push_back(checker + ": " + text);
  }

  /// It cannot go on, not even to let the cluster end: what threw may throw again.
  void give_up(const std::string& checker, const std::string& text) {
    fail(checker, text);
    ends_ = false;
  }

  trial_report report() {
    report_.history = cluster_->history();
    if (report_.virtual_seconds == 0) report_end();
    report_.operations = cluster_->requests();
    report_.faults = faults_.counts();
    report_.story = faults_.story();
    for (const auto& [name, times] : reached_places())
      report_.reached[name] = times - before_[name];
    return report_;
  }

private:
  /// Where little gets through the faults last longer, up to twice as long.
  bool is_thin(std::uint32_t second) const {
    return what_.seconds >= full_seconds && second <= 2 * what_.seconds &&
           cluster_->requests() < operations_min;
  }

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
    actors_ = cluster_->time().system().registry().running();
    set_loads(0.2);
    for (const auto* bucket : {"/work", "/mix"}) {
      const auto status = cluster_->call(cluster_->access_nodes().front(), "PUT", bucket).status;
      if (status == 200) continue;
      fail("progress", fmt::format("creating a bucket answered {}", status));
      return false;
    }
    set_loads(std::nullopt);
    return true;
  }

  /// Of the access nodes, apart from their connections; nullopt: chance.
  void set_loads(std::optional<double> others) {
    for (const auto& name : cluster_->access_nodes())
      cluster_->load(name).set(others);
  }

  /// Everybody's promises once the faults have stopped.
  void await_progress() {
    // Of the load, too: access nodes take whoever comes.
    set_loads(0.2);
    for (const auto& name : cluster_->access_nodes())
      cluster_->load(name).set_leg(0);
    // What the last faults have begun may still end a node: its supervisor starts it again.
    for (int second = 0; second < 3; ++second) {
      cluster_->time().run_for(1s);
      cluster_->start_all();
    }
    if (!cluster_->wait_until_ready(15s))
      fail("progress", "not every node is ready 15 s after the last fault");
    clients_.stop();
    buckets_.stop();
    users_.stop();
    policies_.stop();
    lookups_.stop();
    const auto finished = [this] {
      return clients_.finished() && races_.finished() && buckets_.finished() && users_.finished() &&
             policies_.finished();
    };
    if (!cluster_->time().run_until(finished, 120s))
      fail("progress", "the workloads are not through 120 s after the last fault");
    check_times();
    cluster_->time().run_for(3s);
  }

  /// A node answers within 30 s. A session waits longer, so that it hears what a node has to say:
  /// for one that died in silence, and at each try; and a balancer may ask a second node meanwhile.
  void check_times() {
    auto answer = 30s, silence = 30s;
    if (cluster_->clients()) {
      const auto& clients = cluster_->shape().clients;
      const auto a_try = std::chrono::ceil<std::chrono::seconds>(clients.answer_timeout + 5s);
      silence = clients.tries * a_try + clients.refusals * 3s;
      if (!cluster_->balancer_doors().empty()) answer = a_try;
    }
    const auto look = [this](const char* what, const auto& longest, std::chrono::seconds bound) {
      if (longest.took > bound)
        fail("progress", fmt::format("{} {} {} ms", longest.request, what, longest.took.count()));
    };
    look("was answered after", cluster_->longest_answer(), answer);
    look("was given up after", cluster_->longest_silence(), silence);
  }

  void check_streams() {
    if (!cluster_->clients()) return;
    fail_all("asked twice", cluster_->asked().mistakes());
    if (const auto garbled = cluster_->clients()->counts().garbled; garbled > 0)
      fail("garbled", fmt::format("{} answers that are not HTTP", garbled));
    check_lines();
    // Sessions go when they are told, and the entries let them.
    cluster_->clients()->leave();
    cluster_->time().run_for(1s);
    for (const auto& name : cluster_->access_nodes())
      if (const auto left = cluster_->connections(name); left > 0)
        fail("leaks", fmt::format("{} has {} connections of nobody", name, left));
    for (const auto& name : cluster_->nodes())
      if (const auto left = cluster_->lines(name); left > 0)
        fail("leaks", fmt::format("{} has {} lines of nobody", name, left));
  }

  /// Every client's connection has one line and one leg, or is a connection of an access node.
  void check_lines() {
    cluster_->time().run_for(15s);  // the last moves end
    std::size_t lines = 0, legs = 0, connections = 0, waiting = 0;
    for (const auto& name : cluster_->nodes()) {
      lines += cluster_->lines(name);
      legs += cluster_->legs(name).open;
      waiting += cluster_->legs(name).waiting;
      connections += cluster_->connections(name);
    }
    const auto clients = cluster_->clients()->connected();
    if (legs != lines || clients != lines + connections - legs || waiting > 0)
      fail("leaks", fmt::format("{} clients, {} lines, {} legs of {} connections, {} expected",
                                clients, lines, legs, connections, waiting));
    check_moves();
  }

  /// Every move has ended, at both of its ends.
  void check_moves() {
    for (const auto& name : cluster_->nodes())
      for (const auto* side : {"balancer", "admission"})
        if (const auto open = cluster_->shown(name, fmt::format("dunlin_{}_moving", side));
            open > 0)
          fail("moves", fmt::format("{} moves of the {} of {} have no end", open, side, name));
  }

  void check_answers() {
    clients_.read_all();
    fail_all("answers", clients_.history().mistakes());
    fail_all("listings", clients_.mistakes());
    fail_all("linearizable", clients_.history().judge_all(states_max));
    report_.histories = clients_.history().histories().size();
    report_.undecided = clients_.history().undecided();
    if (report_.undecided > undecided_max)
      fail("thin", fmt::format("{} of {} histories were too hard to judge", report_.undecided,
                               report_.histories));
    // Until then a node may serve what it knew before the last change.
    cluster_->time().run_for(cluster_->topology().options.caches.at("object").staleness_max);
    races_.check_all();
    fail_all("races", races_.mistakes());
  }

  /// Last of those that make requests: nothing changes any more.
  void check_coherence() {
    buckets_.read_all();
    users_.read_all();
    policies_.read_all();
    fail_all("access", users_.mistakes());
    fail_all("access", policies_.mistakes());
    fail_all("answers", buckets_.mistakes());
    fail_all("buckets in time", buckets_.judge_all(states_max));
    fail_all("hearing", check_hearing(*cluster_, 20s));
    auto buckets = buckets_.names();
    for (auto& name : policies_.names())
      buckets.push_back(std::move(name));
    fail_all("caches", check_caches(*cluster_, {buckets, users_.access_keys(), users_.policies()}));
    fail_all("look-ups", lookups_.mistakes());
    fail_all("staleness", check_staleness(*cluster_));
    fail_all("samples", lookups_.sampled_wrong());
  }

  /// What must hold at any moment: of the ticks of all replicas, now and then of the rows of one.
  void look_at_states(bool at_rows) {
    for (partition_id id = 0; id <= cluster_->topology().options.partitions; ++id) {
      bool looked = false;
      for (const auto& name : cluster_->topology().partition_nodes(id))
        // A look that meets an error would end the store, as any read does.
        if (const auto state = cluster_->disk_may_fail(name) ? nullptr : cluster_->state(name, id);
            state && look_at_state(id, *state, at_rows && !looked))
          looked = true;
    }
  }

  /// False: a fault of the node's disk has met the look itself.
  bool look_at_state(partition_id id, kv_store& state, bool at_rows) {
    try {
      fail_all("ticks", ticks_.observe(id, state_of(state)));
      if (at_rows) fail_all("state", check_rows(rows_of(state)));
      return true;
    } catch (const store_error&) {
      return false;
    }
  }

  void check_rest() {
    for (const auto& name : cluster_->nodes())
      if (!cluster_->runs(name)) fail("progress", name + " is down though the faults are over");
    if (cluster_->open_requests() > 0)
      fail("in flight",
           fmt::format("{} requests are without an answer", cluster_->open_requests()));
    fail_all("replicas", check_states(*cluster_, 10s));
    fail_all("pages", check_pages(*cluster_, whole_copies()));
    fail_all("raft", cluster_->violations());
    look_at_states(true);
    check_root();
    check_log_bytes();
    fail_all("ends", cluster_->own_ends());
    fail_all("error lines", cluster_->error_lines());
    if (what_.seconds >= full_seconds &&
        (faults_.counts().size() < 3 || cluster_->requests() < operations_min))
      fail("thin", "fewer than 3 kinds of fault or 200 operations");
  }

  /// Of each page at least. Damage on the one unlucky node is found when it is read.
  std::uint32_t whole_copies() const {
    const auto& options = cluster_->topology().options;
    const auto damaged = faults_.counts().contains("flip_bits");
    return std::min(options.write_quorum, options.object_replicas - (damaged ? 1 : 0));
  }

  void check_root() {
    const auto root = any_rows(0);
    for (partition_id id = 1; id <= cluster_->topology().options.partitions; ++id)
      if (const auto rows = any_rows(id); root && rows)
        fail_all("buckets", check_buckets(*root, *rows));
  }

  std::optional<partition_rows> any_rows(partition_id id) {
    for (const auto& name : cluster_->topology().partition_nodes(id))
      if (const auto state = cluster_->state(name, id)) return rows_of(*state);
    fail("progress", fmt::format("partition {} has no replica that runs", id));
    return std::nullopt;
  }

  void check_log_bytes() {
    for (const auto& name : cluster_->nodes()) {
      std::uint64_t bytes = 0;
      for (const auto& [path, size] : cluster_->disk(name).durable_files("wal"))
        bytes += size;
      if (bytes > cluster_->topology().options.wal_bytes_max)
        fail("bounds", fmt::format("the log of {} has {} bytes", name, bytes));
    }
  }

  /// Nothing stays in flight for ever, and in clusters that collect soon enough to wait for it
  /// nothing stays on disk that nobody names.
  void check_leftovers() {
    auto& time = cluster_->time();
    const auto running = [&] { return time.system().registry().running(); };
    const auto nodes = cluster_->nodes().size();
    // Each node makes a stub of a remote role when it first needs it.
    const auto stubs = nodes * (nodes - 1) * (cluster_->topology().options.partitions + 4) + nodes;
    if (!time.run_until([&] { return running() <= actors_ + stubs; }, 120s))
      fail("in flight", fmt::format("{} actors run, {} at first", running(), actors_));
    const auto& tuning = cluster_->shape().tuning;
    if (tuning.collect_interval > 3s || tuning.garbage_grace > 8s || tuning.sweep_interval > 20s ||
        tuning.orphan_age > 15s || cluster_->topology().options.replica_sets > 16)
      return;
    std::vector<held_page> unnamed;
    page_ledger ledger;
    const auto clean = [&] {
      ledger = read_ledger(*cluster_);
      unnamed = unnamed_pages(*cluster_, ledger);
      return unnamed.empty() && ledger.garbage_rows == 0;
    };
    // Rounds that failed put the next one off by up to sixteen times; a sweep takes a second a set.
    const auto rounds = (20 * tuning.sweep_interval + 60s) / 5s;
    for (auto round = 0 * rounds; round < rounds && !clean(); ++round)
      time.run_for(5s);
    if (ledger.garbage_rows > 0)
      fail("leaks", fmt::format("{} rows of garbage stay", ledger.garbage_rows));
    for (const auto& page : unnamed)
      if (const auto text = whose(*cluster_, page)) fail("leaks", *text);
    fail_all("pages after collection", check_pages(*cluster_, whole_copies()));
  }

  /// Whatever lives on after its node is in a circle, or waits for what never comes.
  void check_end() {
    report_end();
    for (const auto& name : cluster_->nodes())
      cluster_->crash(name);
    auto& time = cluster_->time();
    ends_ = time.run_until([&] { return time.system().registry().running() == 0; }, 30min);
    if (!ends_)
      fail("in flight", fmt::format("{} actors live on without their nodes",
                                    time.system().registry().running()));
  }

  /// As it was before the nodes went.
  void report_end() {
    report_.virtual_seconds = static_cast<double>(cluster_->time().now().count()) / 1e9;
    report_.trace.assign(trace_.begin(), trace_.end());
  }

  trial_options what_;
  std::map<std::string, std::uint64_t> before_;
  std::unique_ptr<virtual_cluster> cluster_;
  client_workload clients_;
  race_workload races_;
  bucket_workload buckets_;
  user_workload users_;
  bucket_policy_workload policies_;
  lookup_workload lookups_;
  chaos faults_;
  std::mt19937_64 moments_;  // when clients hurry
  tick_watch ticks_;
  std::size_t actors_ = 0;  // of a cluster at rest
  bool ends_ = true;
  std::deque<std::string> trace_;
  std::map<std::string, int> failed_;  // by checker
  trial_report report_;
};

}  // namespace

trial_report run_trial(const trial_options& what) {
  trial one(what);
  try {
    one.run();
  } catch (const start_refused& problem) {
    one.give_up("start", problem.what());
  } catch (const std::exception& problem) {
    one.give_up("exception", problem.what());
  }
  return one.report();
}

}  // namespace dunlin::testkit
