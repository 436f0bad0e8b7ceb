#include "apps/dunlin/poll.hpp"

#include "runtime/http/client.hpp"
#include "runtime/topology/values.hpp"

#include <fmt/format.h>

#include <future>

namespace dunlin::commands {

namespace {

template <class Status>
using parser = result<Status> (*)(std::string_view json);

template <class Status>
answer_of<Status> ask(const topology::node& node, const std::string& token,
                      std::chrono::milliseconds timeout, const char* path, parser<Status> parse) {
  auto where = node.admin;
  if (topology::wildcard(where)) where.host = "127.0.0.1";
  http::call call;
  call.target = path;
  call.bearer_token = token;
  call.timeout = timeout;
  const auto answer = http::send({where.host, where.port}, call);
  if (!answer) return {{}, std::string(to_string(answer.error()))};
  if (answer->status == 401 || answer->status == 403)
    return {{}, "it refuses our admin token: does this folder belong to that cluster?"};
  if (answer->status != 200) return {{}, fmt::format("it answers HTTP {}", answer->status)};
  auto status = parse(answer->body);
  if (!status) return {{}, "its answer is no status: is something else listening there?"};
  if (status->name != node.name) return {{}, fmt::format("node '{}' answers there", status->name)};
  return {std::move(*status), {}};
}

template <class Status>
std::vector<answer_of<Status>> ask_all(const topology::cluster& of, const std::string& token,
                                       std::chrono::milliseconds timeout, const char* path,
                                       parser<Status> parse) {
  std::vector<std::future<answer_of<Status>>> asked;
  for (const auto& node : of.nodes)
    asked.push_back(std::async(std::launch::async, [&, timeout, path, parse] {
      return ask<Status>(node, token, timeout, path, parse);
    }));
  std::vector<answer_of<Status>> answers;
  for (auto& one : asked)
    answers.push_back(one.get());
  return answers;
}

}  // namespace

std::vector<node_answer> ask_nodes(const topology::cluster& of, const std::string& token,
                                   std::chrono::milliseconds timeout) {
  return ask_all<assembly::node_status>(of, token, timeout, "/status", assembly::parse_node_status);
}

std::vector<coherence_answer> ask_coherence(const topology::cluster& of, const std::string& token,
                                            std::chrono::milliseconds timeout) {
  return ask_all<assembly::coherence_status>(of, token, timeout, "/coherence",
                                             assembly::parse_coherence_status);
}

}  // namespace dunlin::commands
