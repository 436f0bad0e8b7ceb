#include "apps/assembly/run_node.hpp"

#include "apps/assembly/admin.hpp"
#include "apps/assembly/node.hpp"
#include "apps/assembly/process_ports.hpp"
#include "runtime/monotonic.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/scheduling/frugal_scheduler.hpp"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

namespace dunlin::assembly {

using namespace std::chrono_literals;

namespace {

constexpr auto drain_time = 8s;  // 10 s are promised, stopping included
constexpr auto legs_time = 5s;   // of it, to give connections away

/// The signals that end a node, taken by one thread that waits for them.
class stop_signals {
public:
  /// Before any other thread starts: they inherit the mask.
  stop_signals() {
    sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1})
      sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
  }

  /// True: asked to drain. False: a role died.
  bool wait() {
    int signal = 0;
    sigwait(&set_, &signal);
    return signal != SIGUSR1;
  }

  /// From any thread: the node cannot go on.
  static void give_up() { ::kill(::getpid(), SIGUSR1); }

private:
  sigset_t set_{};
};

caf::actor_system_config system_config() {
  caf::actor_system_config config;
  const auto threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 2, 16);
  scheduling::use_frugal_scheduler(config, threads);
  return config;
}

std::vector<std::string> role_names(const topology::node& self) {
  std::vector<std::string> names;
  for (const auto role : self.roles)
    names.emplace_back(to_string(role));
  return names;
}

result<std::unique_ptr<http::server>> start_admin(caf::actor_system& system, process_ports& ports,
                                                  const topology::cluster& of,
                                                  const topology::node& self, node& running) {
  auto token = read_token(of);
  if (!token || token->empty()) {
    log::error("node.admin_token_not_read", {{"file", token_file(of)}});
    return ec::not_found;
  }
  http::server_options options;
  options.listen = to_socket(self.admin);
  options.wildcard = true;  // the topology's rules have decided
  options.connections_max = 64;
  options.render_error = render_admin_error;
  auto server = http::make_server(options, *ports.random, *ports.counts);
  if (!server) return server.error();
  admin_options admin;
  admin.token = *token;
  admin.manager = running.manager();
  admin.loss = running.loss();
  admin.caches = running.caches();
  admin.topology = of;
  admin.sampler = running.sampler();
  admin.fixed.name = self.name;
  admin.fixed.pid = ::getpid();
  admin.fixed.roles = role_names(self);
  if (self.s3) admin.fixed.s3 = of.s3_scheme() + "://" + self.s3->text();
  if (self.balancer) admin.fixed.balancer = of.s3_scheme() + "://" + self.balancer->text();
  admin.balance = running.balance();
  admin.nodes = [&running] { return running.nodes(); };
  admin.join = [&running](const topology::node& joined) { return running.add_node(joined); };
  auto done = (*server)->serve(admin_plane(system, *ports.counts, std::move(admin)));
  if (!done) {
    log::error("node.admin_not_listening",
               {{"address", self.admin.text()}, {"reason", to_string(done.error())}});
    return done.error();
  }
  return server;
}

/// Legs go to other access nodes while their clients wait a moment; then open requests end, at
/// their boundaries, and so do the clients of a balancer. Leaders move meanwhile.
void drain(node& running, process_ports& ports) {
  log::info("node.drain_began");
  const auto end = monotonic_now() + drain_time;
  running.begin_drain();
  // Shared: an answer may come when nobody waits any more.
  const auto given_away = std::make_shared<std::promise<void>>();
  running.drain_connections(legs_time, [given_away] { given_away->set_value(); });
  given_away->get_future().wait_for(legs_time + 1s);
  const auto left = std::chrono::ceil<std::chrono::seconds>(end - monotonic_now());
  if (ports.s3) ports.s3->drain(static_cast<int>(std::max(left, 1s).count()));
  for (; running.lines() > 0 && monotonic_now() < end; std::this_thread::sleep_for(50ms))
    running.drain_lines();
}

int run(stop_signals& signals, const topology::cluster& of, const topology::node& self) {
  auto ports = open_process_ports(of, self);
  if (!ports) return 1;
  auto config = system_config();
  caf::actor_system system{config};
  std::atomic<bool> fatal = false;
  node_options options;
  if (auto keys = read_credentials(of)) options.seed = *keys;
  // Every node has the token, and nobody else.
  if (auto token = read_token(of)) options.client_key = *token;
  options.on_fatal = [&fatal](const std::string& role, const std::string& reason) {
    log::error("node.role_died", {{"role", role}, {"reason", reason}});
    if (!fatal.exchange(true)) stop_signals::give_up();
  };
  // Roles that were started already would keep the actor system, and so the process, alive.
  auto running = node::start(system, of, self.name, ports->ports(), std::move(options));
  if (!running) std::_Exit(1);
  auto admin = start_admin(system, *ports, of, self, **running);
  if (!admin) std::_Exit(1);
  log::info("node.started", {{"incarnation", (*running)->incarnation()},
                             {"control", self.control.text()},
                             {"s3", self.s3 ? self.s3->text() : "none"}});
  const bool asked = signals.wait();
  if (!asked) {
    // A disk or role that failed may hold a thread for ever: nothing is flushed at the end anyway.
    log::error("node.ended_by_failure");
    std::_Exit(1);
  }
  drain(**running, *ports);
  (*admin)->stop();
  (*running)->stop();
  ports->wires->stop();
  ports->bulk->stop();
  if (ports->line_threads) ports->line_threads->stop();
  log::info("node.stopped");
  // Everything acknowledged is on disk (decision 0003); destructors have nothing to add but time.
  std::_Exit(0);
}

}  // namespace

int run_node(const topology::cluster& of, const node_id& name) {
  // Per-thread arenas keep what one burst needed for ever; a node must stay small (U1).
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
  const auto* self = of.find(name);
  if (!self) return 1;
  stop_signals signals;
  log::set_node(name);
  return run(signals, of, *self);
}

}  // namespace dunlin::assembly
