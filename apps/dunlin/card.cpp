#include "apps/dunlin/card.hpp"

#include "runtime/topology/values.hpp"

#include <fmt/format.h>

namespace dunlin::commands {

std::string s3_url(const topology::cluster& in, const topology::node& of) {
  if (!of.s3) return {};
  auto where = *of.s3;
  if (topology::wildcard(where)) where.host = "127.0.0.1";
  return in.s3_scheme() + "://" + where.text();
}

std::string first_s3_url(const topology::cluster& of) {
  for (const auto& node : of.nodes)
    if (node.s3) return s3_url(of, node);
  return {};
}

std::string exports(const topology::cluster& of, const assembly::credentials& keys) {
  return fmt::format(
      "export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={} AWS_ENDPOINT_URL={} "
      "AWS_DEFAULT_REGION={}",
      keys.access_key, keys.secret_key, first_s3_url(of), of.options.region);
}

std::string start_up_card(const topology::cluster& of, const std::string& binary) {
  auto card = fmt::format("\n  Cluster '{}' is up: {} {}.\n\n", of.options.name, of.nodes.size(),
                          of.nodes.size() == 1 ? "node" : "nodes");
  for (const auto& node : of.nodes)
    card += fmt::format("    {:<10} S3 {:<28} admin http://{}\n", node.name,
                        node.s3 ? s3_url(of, node) : "-", node.admin.text());
  card += fmt::format("\n  S3 keys      {}\n  Admin token  {}\n  Logs         {}\n",
                      assembly::credentials_file(of), assembly::token_file(of),
                      assembly::log_file(of.nodes.front()));
  card += fmt::format(
      "\n  Try it:\n"
      "    eval \"$({0} env {1})\"\n"
      "    aws --endpoint-url \"$AWS_ENDPOINT_URL\" s3 mb s3://first\n"
      "    aws --endpoint-url \"$AWS_ENDPOINT_URL\" s3 cp README.md s3://first/\n"
      "    {0} status {1}\n"
      "\n  Stop it:\n"
      "    {0} down {1}\n\n",
      binary, of.file);
  return card;
}

}  // namespace dunlin::commands
