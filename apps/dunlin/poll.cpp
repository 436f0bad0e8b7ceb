#include "apps/dunlin/poll.hpp"

#include "runtime/http/client.hpp"
#include "runtime/topology/values.hpp"

#include <fmt/format.h>

#include <future>

namespace dunlin::commands {

static node_answer ask(const topology::node& node, const std::string& token,
                       std::chrono::milliseconds timeout) {
  auto where = node.admin;
  if (topology::wildcard(where)) where.host = "127.0.0.1";
  http::call call;
  call.target = "/status";
  call.bearer_token = token;
  call.timeout = timeout;
  const auto answer = http::send({where.host, where.port}, call);
  if (!answer) return {{}, std::string(to_string(answer.error()))};
  if (answer->status == 401 || answer->status == 403)
    return {{}, "it refuses our admin token: does this folder belong to that cluster?"};
  if (answer->status != 200) return {{}, fmt::format("it answers HTTP {}", answer->status)};
  auto status = assembly::parse_node_status(answer->body);
  if (!status) return {{}, "its answer is no status: is something else listening there?"};
  if (status->name != node.name) return {{}, fmt::format("node '{}' answers there", status->name)};
  return {std::move(*status), {}};
}

std::vector<node_answer> ask_nodes(const topology::cluster& of, const std::string& token,
                                   std::chrono::milliseconds timeout) {
  std::vector<std::future<node_answer>> asked;
  for (const auto& node : of.nodes)
    asked.push_back(
        std::async(std::launch::async, ask, std::cref(node), std::cref(token), timeout));
  std::vector<node_answer> answers;
  for (auto& one : asked)
    answers.push_back(one.get());
  return answers;
}

}  // namespace dunlin::commands
