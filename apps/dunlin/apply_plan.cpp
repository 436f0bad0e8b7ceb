#include "apps/dunlin/apply_plan.hpp"

#include "runtime/topology/describe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace dunlin::commands {

namespace {

using assembly::described_keys;

/// "rack: r1 in use, r2 in the file", for each key that differs.
std::vector<std::string> differences(const described_keys& in_use, const described_keys& file) {
  std::set<std::string> keys;
  for (const auto* side : {&in_use, &file})
    for (const auto& [key, value] : *side)
      keys.insert(key);
  const auto value_in = [](const described_keys& side, const std::string& key) {
    const auto found = side.find(key);
    return found == side.end() ? std::string("nothing") : found->second;
  };
  std::vector<std::string> all;
  for (const auto& key : keys)
    if (value_in(in_use, key) != value_in(file, key))
      all.push_back(fmt::format("{}: {} in use, {} in the file", key, value_in(in_use, key),
                                value_in(file, key)));
  return all;
}

bool may_join(const topology::node& node) {
  return std::all_of(node.roles.begin(), node.roles.end(), [](topology::role role) {
    return role == topology::role::access || role == topology::role::balancer;
  });
}

class planner {
public:
  explicit planner(const topology::cluster& of) : of_{of} {}

  void hear(const assembly::nodes_status& said) {
    for (const auto& one : differences(said.settings, topology::described(of_.options)))
      add(plan.later, one);
    for (const auto& [name, keys] : said.nodes)
      if (const auto* own = of_.find(name)) {
        for (const auto& one : differences(keys, topology::described(*own)))
          add(plan.refused, fmt::format("node {}: {}", name, one));
      } else {
        add(plan.refused, fmt::format("node {} is not in the file: nodes are not taken away while "
                                      "the cluster runs",
                                      name));
      }
    for (const auto& node : of_.nodes)
      if (!said.nodes.contains(node.name)) join(node);
  }

  apply_plan plan;

private:
  static void add(std::vector<std::string>& to, const std::string& sentence) {
    if (std::find(to.begin(), to.end(), sentence) == to.end()) to.push_back(sentence);
  }

  void join(const topology::node& node) {
    if (!may_join(node))
      return add(plan.refused,
                 fmt::format("node {} has other roles than access and balancer: those hold data "
                             "that would have to move",
                             node.name));
    if (std::find(plan.joining.begin(), plan.joining.end(), &node) == plan.joining.end())
      plan.joining.push_back(&node);
  }

  const topology::cluster& of_;
};

}  // namespace

apply_plan plan_of(const topology::cluster& of, const std::vector<nodes_answer>& answers) {
  planner all{of};
  for (const auto& answer : answers)
    if (answer.status) {
      all.plan.nobody = false;
      all.hear(*answer.status);
    }
  for (std::size_t i = 0; i < of.nodes.size() && i < answers.size(); ++i) {
    const auto* node = &of.nodes[i];
    const auto& joining = all.plan.joining;
    if (!answers[i].status && std::find(joining.begin(), joining.end(), node) == joining.end())
      all.plan.silent.push_back(node->name);
  }
  return std::move(all.plan);
}

std::string to_text(const topology::cluster& of, const apply_plan& plan) {
  std::string text;
  for (const auto* node : plan.joining) {
    text += fmt::format("+ node {}", node->name);
    for (const auto& [key, value] : topology::described(*node))
      text += fmt::format("  {} {}", key, value);
    text += "\n";
  }
  for (const auto& one : plan.refused)
    text += fmt::format("! {}\n", one);
  for (const auto& one : plan.later)
    text += fmt::format("~ {}\n", one);
  for (const auto& name : plan.silent)
    text += fmt::format("? {} does not answer: it reads the file when it starts\n", name);
  if (!plan.later.empty())
    text += fmt::format(
        "~ is in use when nodes start again; settings of [balance] at once: dunlin "
        "admin balance set {} KEY=VALUE\n",
        of.file);
  if (text.empty()) text = "the cluster works with what the file says\n";
  return text;
}

}  // namespace dunlin::commands
