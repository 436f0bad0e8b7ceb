#include "apps/assembly/cluster_files.hpp"
#include "apps/dunlin/card.hpp"
#include "apps/dunlin/cluster_view.hpp"
#include "apps/dunlin/launch.hpp"
#include "apps/dunlin/load.hpp"
#include "runtime/crypto/random.hpp"
#include "runtime/monotonic.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <filesystem>
#include <iostream>
#include <thread>

namespace dunlin::commands {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

struct up_options {
  std::string file;
  bool detach = false;
  bool no_restart = false;
  int wait_s = 60;
};

/// Paths below the working folder are shown relative: they are for pasting.
std::string shown(const std::string& path) {
  std::error_code error;
  const auto relative = fs::relative(path, error).string();
  return error || relative.starts_with("..") ? path : relative;
}

bool make_folders(const topology::cluster& cluster) {
  std::error_code error;
  fs::create_directories(assembly::run_folder(cluster), error);
  for (const auto& node : cluster.nodes)
    if (!error) fs::create_directories(node.folder, error);
  if (!error) fs::permissions(cluster.options.folder, fs::perms::owner_all, error);
  if (error)
    complain(
        fmt::format("cannot make the folders of {}: {}", cluster.options.folder, error.message()));
  return !error;
}

/// Secrets, free ports; false with the reasons told.
bool prepare_nodes(const topology::cluster& all, const topology::cluster& starting) {
  crypto::system_random random;
  const auto outcome = assembly::init_cluster(all, random);
  for (const auto& path : outcome.made)
    std::cout << "made " << shown(path) << "\n";
  if (!outcome.error.empty()) return complain(outcome.error), false;
  const auto unusable = unusable_addresses(starting);
  for (const auto& sentence : unusable)
    complain(sentence);
  return unusable.empty();
}

/// Folders, secrets, lock, free ports; false with the reasons told.
bool prepare(const topology::cluster& cluster) {
  const auto alive = running_processes(cluster);
  if (!alive.empty() || lock_cluster(cluster) < 0) {
    const auto who =
        alive.empty() ? "another `dunlin up`"
                      : fmt::format("{} (pid {})", alive.front().what, alive.front().process.pid);
    complain(fmt::format("the cluster is already up: {} runs; stop it first: dunlin down {}", who,
                         shown(cluster.file)));
    return false;
  }
  return prepare_nodes(cluster, cluster);
}

/// Those of the file that do not run while others do; none unless a supervisor can start them.
topology::cluster newcomers(const topology::cluster& of) {
  auto found = of;
  const auto alive = running_processes(of);
  const auto runs = [&](const std::string& what) {
    return std::any_of(alive.begin(), alive.end(), [&](auto& one) { return one.what == what; });
  };
  std::erase_if(found.nodes, [&](auto& node) { return runs("node " + node.name); });
  if (!runs("supervisor") || found.nodes.size() == of.nodes.size()) found.nodes.clear();
  return found;
}

/// In the forked child: becomes the supervisor; never returns.
[[noreturn]] void become_supervisor(const topology::cluster& cluster, const up_options& options) {
  if (options.detach) ::setsid();
  if (options.detach && !redirect_output(supervisor_log(cluster))) ::_exit(failed);
  if (const auto self = identify(::getpid())) write_pid_file(supervisor_pid_file(cluster), *self);
  const auto code = supervise(supervision_of(cluster, own_binary(), !options.no_restart));
  ::unlink(supervisor_pid_file(cluster).c_str());
  ::_exit(code);
}

/// Why the cluster is not ready yet when time is over; none once it is ready.
/// `supervisor`: a child of this process, or 0.
std::optional<std::string> wait_until_ready(const topology::cluster& cluster, pid_t supervisor,
                                            int seconds) {
  const auto token = assembly::read_token(cluster);
  if (!token) return "the admin token cannot be read";
  const auto deadline = monotonic_now() + std::chrono::seconds(seconds);
  while (true) {
    const auto view = view_of(cluster, ask_nodes(cluster, *token, 1s));
    if (view.health == verdict::ok) return {};
    if (supervisor != 0 && ::waitpid(supervisor, nullptr, WNOHANG) == supervisor)
      return "every node ended: " + view.reason;
    if (monotonic_now() > deadline) return view.reason;
    std::this_thread::sleep_for(200ms);
  }
}

void show_trouble(const topology::cluster& cluster, const std::string& reason) {
  complain(fmt::format("the cluster is not ready: {}", reason));
  for (const auto& node : cluster.nodes)
    std::cerr << fmt::format("  last lines of {}:\n{}", shown(assembly::log_file(node)),
                             log_tail(assembly::log_file(node), 5));
  std::cerr << fmt::format("  look:  dunlin status {0}\n  stop:  dunlin down {0}\n",
                           shown(cluster.file));
}

int await_end(pid_t supervisor) {
  int status = 0;
  while (::waitpid(supervisor, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : failed;
}

pid_t supervisor_of_foreground = 0;

void say_starting(std::size_t nodes) {
  std::cout << fmt::format("starting {} …", nodes == 1 ? "1 node" : fmt::format("{} nodes", nodes))
            << std::endl;
}

/// What is ready, or why it is not; the exit code.
int tell_outcome(const topology::cluster& cluster, const std::optional<std::string>& trouble) {
  if (trouble) return show_trouble(cluster, *trouble), failed;
  auto for_people = cluster;
  for_people.file = shown(cluster.file);
  std::cout << start_up_card(for_people, shown(own_binary())) << std::flush;
  return done;
}

/// The supervisor that runs already starts them; this process does not stay.
int start_newcomers(const topology::cluster& cluster, const topology::cluster& starting,
                    const up_options& options) {
  if (!prepare_nodes(cluster, starting)) return failed;
  say_starting(starting.nodes.size());
  ::kill(running_processes(cluster).front().process.pid, SIGUSR1);
  return tell_outcome(cluster, wait_until_ready(cluster, 0, options.wait_s));
}

int up(const up_options& options) {
  const auto cluster = load(options.file);
  if (!cluster) return called_wrongly;
  if (!make_folders(*cluster)) return failed;
  if (const auto starting = newcomers(*cluster); !starting.nodes.empty())
    return start_newcomers(*cluster, starting, options);
  if (!prepare(*cluster)) return failed;
  say_starting(cluster->nodes.size());
  const auto supervisor = ::fork();
  if (supervisor < 0) return complain("cannot start a process: the system is out of them");
  if (supervisor == 0) become_supervisor(*cluster, options);
  if (!options.detach) {
    // The supervisor hears Ctrl-C itself and drains; this process only waits for it.
    supervisor_of_foreground = supervisor;
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGTERM, [](int) { ::kill(supervisor_of_foreground, SIGTERM); });
  }
  const auto outcome =
      tell_outcome(*cluster, wait_until_ready(*cluster, supervisor, options.wait_s));
  if (options.detach) return outcome;
  return await_end(supervisor);
}

}  // namespace

void add_up(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand("up",
                                     "Start every node of FILE on this machine, one process each, "
                                     "and keep them running. Makes keys and "
                                     "certificates first, where they are missing.");
  auto options = std::make_shared<up_options>();
  command->add_option("FILE", options->file, "topology file of the cluster")->required();
  command->add_flag("--detach", options->detach, "return once the cluster is ready; it runs on");
  command->add_flag("--no-restart", options->no_restart, "leave a node that ends where it is");
  command->add_option("--wait", options->wait_s, "seconds to wait until it is ready")
      ->capture_default_str();
  command->callback([&chosen, options] { chosen = [options] { return up(*options); }; });
}

}  // namespace dunlin::commands
