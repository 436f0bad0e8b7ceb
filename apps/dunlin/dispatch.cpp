#include "apps/dunlin/commands.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>

namespace dunlin::commands {

int dispatch(int argc, char** argv, node_runner run) {
  CLI::App app{
      "Dunlin: an S3-compatible object store of actors.\n"
      "FILE is a topology file, for example tools/topologies/laptop.toml (docs/topology.md).",
      "dunlin"};
  app.require_subcommand(1);
  app.footer("Exit codes: 0 done, 1 could not be done, 2 called wrongly or FILE has mistakes.");
  action chosen;
  add_up(app, chosen);
  add_down(app, chosen);
  add_status(app, chosen);
  add_coherence(app, chosen);
  add_cache(app, chosen);
  add_faults(app, chosen);
  add_balance(app, chosen);
  add_admin(app, chosen);
  add_apply(app, chosen);
  add_env(app, chosen);
  add_check(app, chosen);
  add_init(app, chosen);
  add_node(app, chosen, std::move(run));
  try {
    app.parse(argc, argv);
    return chosen();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? done : called_wrongly;
  } catch (const std::exception& error) {
    std::cerr << "dunlin: " << error.what() << "\n";
    return failed;
  }
}

}  // namespace dunlin::commands
