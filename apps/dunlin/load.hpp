/// What nearly every subcommand starts with: its FILE.
#pragma once

#include "apps/dunlin/commands.hpp"

#include <memory>
#include <optional>
#include <string_view>

namespace dunlin::commands {

/// Adds the FILE argument, required, to a subcommand.
std::shared_ptr<std::string> file_argument(CLI::App& subcommand);

/// The cluster, its file's path made absolute; or none, with every mistake told on stderr.
std::optional<topology::cluster> load(const std::string& file);

/// `--node NAME`: one node of all.
std::shared_ptr<std::string> node_option(CLI::App& subcommand);

/// The same cluster with that node alone, or all of it if `name` is empty; none, with the reason
/// told on stderr, if there is no such node.
std::optional<topology::cluster> narrowed(topology::cluster of, const std::string& name);

/// The admin token of a cluster that was up once; or none, with the reason told on stderr.
std::optional<std::string> load_token(const topology::cluster& of, const std::string& file);

/// "dunlin: …" on stderr; returns `failed`.
int complain(std::string_view sentence);

}  // namespace dunlin::commands
