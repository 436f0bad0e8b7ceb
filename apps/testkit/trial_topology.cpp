#include "apps/testkit/trial_topology.hpp"

#include <fmt/format.h>

#include <random>
#include <vector>

namespace dunlin::testkit {

namespace {

using shape = std::vector<std::string>;

const std::string all = R"("database", "storage", "access")";
const std::string database = R"("database", "access")";
const std::string storage = R"("storage")";

/// Three of four seeds take the first: what is bought with more nodes is paid in time a seed.
const std::vector<shape> shapes = {
    {all, all, all},
    {all, all, all, storage},
    {all, all, all, all, all},
    {database, database, database, storage, storage, storage},
};

std::string node_text(std::size_t number, const std::string& roles) {
  const auto port = 7110 + 10 * number;
  auto text = fmt::format(
      "\n[[node]]\nname = \"n{}\"\nroles = [{}]\ncontrol = \"127.0.0.1:{}\"\nbulk = "
      "\"127.0.0.1:{}\"\nadmin = \"127.0.0.1:{}\"\n",
      number + 1, roles, port + 1, port + 2, port + 3);
  if (roles.find("access") != roles.npos) text += fmt::format("s3 = \"127.0.0.1:{}\"\n", port);
  return text;
}

}  // namespace

std::string trial_topology(std::uint64_t seed) {
  std::mt19937_64 random(seed * 2862933555777941757ull + 3037000493ull);
  const auto& chosen = random() % 4 > 0 ? shapes.front() : shapes[random() % shapes.size()];
  const auto wide = chosen.size() == 5 && random() % 2 == 0;
  std::string text = "[cluster]\nname = \"virtual\"\nfolder = \"/virtual\"\n";
  text +=
      fmt::format("\n[metadata]\npartitions = {}\nreplicas = {}\n", 1 + random() % 3, wide ? 5 : 3);
  for (std::size_t i = 0; i < chosen.size(); ++i)
    text += node_text(i, chosen[i]);
  return text;
}

}  // namespace dunlin::testkit
