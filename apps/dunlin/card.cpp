#include "apps/dunlin/card.hpp"

#include "runtime/topology/values.hpp"

#include <fmt/format.h>

namespace dunlin::commands {

static std::string url(const topology::cluster& in, const std::optional<topology::endpoint>& at) {
  if (!at) return {};
  auto where = *at;
  if (topology::wildcard(where)) where.host = "127.0.0.1";
  return in.s3_scheme() + "://" + where.text();
}

std::string s3_url(const topology::cluster& in, const topology::node& of) { return url(in, of.s3); }

std::string balancer_url(const topology::cluster& in, const topology::node& of) {
  return url(in, of.balancer);
}

std::string first_s3_url(const topology::cluster& of) {
  for (const auto& node : of.nodes)
    if (node.balancer) return balancer_url(of, node);
  for (const auto& node : of.nodes)
    if (node.s3) return s3_url(of, node);
  return {};
}

/// "S3 http://…  direct http://…": a balancer's clients first.
static std::string endpoints(const topology::cluster& of, const topology::node& node) {
  const auto direct = node.s3 ? s3_url(of, node) : "-";
  if (!of.balanced()) return fmt::format("S3 {:<28}", direct);
  return fmt::format("S3 {:<28} direct {:<28}", node.balancer ? balancer_url(of, node) : "-",
                     direct);
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
    card += fmt::format("    {:<10} {} admin http://{}\n", node.name, endpoints(of, node),
                        node.admin.text());
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
