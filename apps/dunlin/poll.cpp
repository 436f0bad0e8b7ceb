#include "apps/dunlin/poll.hpp"

#include "runtime/http/client.hpp"
#include "runtime/topology/values.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <future>

namespace dunlin::commands {

namespace {

template <class Status>
using parser = result<Status> (*)(std::string_view json);

/// Why a node did not do what it was asked for.
std::string reason_of(const http::answer& said) {
  if (said.status == 401 || said.status == 403)
    return "it refuses our admin token: does this folder belong to that cluster?";
  boost::system::error_code error;
  const auto body = boost::json::parse(said.body, error);
  const auto* why = body.is_object() ? body.as_object().if_contains("error") : nullptr;
  if (error || !why || !why->is_string()) return fmt::format("it answers HTTP {}", said.status);
  return why->as_string().c_str();
}

template <class Status>
answer_of<Status> ask(const topology::node& node, const http::call& call, parser<Status> parse) {
  auto where = node.admin;
  if (topology::wildcard(where)) where.host = "127.0.0.1";
  const auto answer = http::send({where.host, where.port}, call);
  if (!answer) return {{}, std::string(to_string(answer.error()))};
  if (answer->status != 200) return {{}, reason_of(*answer)};
  auto status = parse(answer->body);
  if (!status) return {{}, "its answer is no status: is something else listening there?"};
  if (status->name != node.name) return {{}, fmt::format("node '{}' answers there", status->name)};
  return {std::move(*status), {}};
}

http::call call_of(const std::string& path, const std::string& token,
                   std::chrono::milliseconds timeout) {
  http::call call;
  call.target = path;
  call.bearer_token = token;
  call.timeout = timeout;
  return call;
}

template <class Status>
std::vector<answer_of<Status>> ask_all(const topology::cluster& of, const http::call& call,
                                       parser<Status> parse) {
  std::vector<std::future<answer_of<Status>>> asked;
  for (const auto& node : of.nodes)
    asked.push_back(
        std::async(std::launch::async, [&, parse] { return ask<Status>(node, call, parse); }));
  std::vector<answer_of<Status>> answers;
  for (auto& one : asked)
    answers.push_back(one.get());
  return answers;
}

}  // namespace

std::vector<node_answer> ask_nodes(const topology::cluster& of, const std::string& token,
                                   std::chrono::milliseconds timeout) {
  return ask_all<assembly::node_status>(of, call_of("/status", token, timeout),
                                        assembly::parse_node_status);
}

std::vector<coherence_answer> ask_coherence(const topology::cluster& of, const std::string& token,
                                            std::chrono::milliseconds timeout) {
  return ask_all<assembly::coherence_status>(of, call_of("/coherence", token, timeout),
                                             assembly::parse_coherence_status);
}

std::vector<cache_change_answer> ask_for_change(const topology::cluster& of,
                                                const std::string& token,
                                                std::chrono::milliseconds timeout,
                                                const std::string& body) {
  auto call = call_of("/cache", token, timeout);
  call.method = "POST";
  call.body = body;
  return ask_all<assembly::cache_change_status>(of, call, assembly::parse_cache_change_status);
}

std::vector<balance_answer> ask_balance(const topology::cluster& of, const std::string& token,
                                        std::chrono::milliseconds timeout) {
  return ask_all<assembly::balance_status>(of, call_of("/balance", token, timeout),
                                           assembly::parse_balance_status);
}

balance_change_answer change_balance(const topology::node& through, const std::string& token,
                                     std::chrono::milliseconds timeout, const std::string& body) {
  auto call = call_of("/balance", token, timeout);
  call.method = "POST";
  call.body = body;
  return ask<assembly::balance_change_status>(through, call, assembly::parse_balance_change_status);
}

std::vector<nodes_answer> ask_topology(const topology::cluster& of, const std::string& token,
                                       std::chrono::milliseconds timeout,
                                       const topology::node* joined) {
  auto call = call_of("/nodes", token, timeout);
  if (joined) {
    call.method = "POST";
    call.body = assembly::to_json(*joined);
  }
  return ask_all<assembly::nodes_status>(of, call, assembly::parse_nodes_status);
}

std::vector<fault_answer> ask_faults(const topology::cluster& of, const std::string& token,
                                     std::chrono::milliseconds timeout,
                                     std::optional<double> loss) {
  auto call = call_of("/faults", token, timeout);
  if (loss) {
    call.method = "POST";
    call.body = boost::json::serialize(boost::json::object{{"cache_update_loss", *loss}});
  }
  return ask_all<assembly::fault_status>(of, call, assembly::parse_fault_status);
}

}  // namespace dunlin::commands
