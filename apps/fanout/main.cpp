// dunlin-fanout: from a commit to the last of many subscribers. For tools/bench; what it obeys is
// in commands.hpp.

#include "apps/fanout/commands.hpp"
#include "apps/fanout/redis.hpp"
#include "runtime/observe/log.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <functional>

using namespace dunlin;

namespace {

int with_cluster(const std::string& file, const std::function<int(const topology::cluster&)>& run) {
  const auto read = topology::read_file(file);
  for (const auto& mistake : read.mistakes)
    fmt::print(stderr, "{}\n", mistake.render());
  if (!read.read) return 2;
  log::set_level(log::level::error);
  return run(*read.read);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Measures the way from a commit to many subscribers."};
  app.require_subcommand(1);
  std::string file;
  std::vector<node_id> names;
  node_id database, leader;
  auto* listening = app.add_subcommand("listen", "light nodes that hear of changes");
  listening->add_option("FILE", file)->required();
  listening->add_option("NAMES", names)->required()->delimiter(',');
  auto* driving = app.add_subcommand("drive", "a database node, and a writer");
  driving->add_option("FILE", file)->required();
  driving->add_option("DATABASE", database)->required();
  driving->add_option("LEADER", leader, "node of the file that floods speak as")->required();
  std::uint16_t port = 6379;
  std::size_t connections = 100;
  auto* redis = app.add_subcommand("redis", "the same of a Redis on this machine");
  redis->add_option("PORT", port)->required();
  redis->add_option("CONNECTIONS", connections)->required();
  CLI11_PARSE(app, argc, argv);
  if (*redis) return fanout::drive_redis(port, connections);
  const auto code = with_cluster(file, [&](const topology::cluster& cluster) {
    return *listening ? fanout::listen(cluster, names) : fanout::drive(cluster, database, leader);
  });
  std::_Exit(code);  // nothing here is worth an orderly end
}
