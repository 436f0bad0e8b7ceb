/// COMMANDS: the subcommands of `dunlin`, a file each. Exit codes: 0 done, 1 it could not be done
/// (the reason is on stderr), 2 called wrongly or with a topology file that has mistakes.
#pragma once

#include "runtime/topology/topology.hpp"

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace dunlin::commands {

constexpr int done = 0;
constexpr int failed = 1;
constexpr int called_wrongly = 2;

/// What the chosen subcommand does; its result is the exit code.
using action = std::function<int()>;

/// Runs a node in the foreground; apps/assembly's run_node outside tests.
using node_runner = std::function<int(const topology::cluster&, const node_id&)>;

/// Each adds its subcommand to `app` and sets `chosen` when the user names it.
void add_init(CLI::App& app, action& chosen);
void add_check(CLI::App& app, action& chosen);
void add_up(CLI::App& app, action& chosen);
void add_down(CLI::App& app, action& chosen);
void add_node(CLI::App& app, action& chosen, node_runner run);
void add_status(CLI::App& app, action& chosen);
void add_coherence(CLI::App& app, action& chosen);
void add_cache(CLI::App& app, action& chosen);
void add_faults(CLI::App& app, action& chosen);
void add_balance(CLI::App& app, action& chosen);
void add_what_if(CLI::App& balance, action& chosen);  ///< under `dunlin balance`
void add_admin(CLI::App& app, action& chosen);
void add_apply(CLI::App& app, action& chosen);
void add_env(CLI::App& app, action& chosen);

/// Parses the command line and runs the subcommand.
int dispatch(int argc, char** argv, node_runner run);

}  // namespace dunlin::commands
