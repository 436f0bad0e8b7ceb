#include "apps/assembly/nodes_status.hpp"

#include "apps/assembly/json_reader.hpp"
#include "runtime/topology/describe.hpp"
#include "runtime/topology/values.hpp"

#include <charconv>

namespace dunlin::assembly {

namespace json = boost::json;

namespace {

json::object to_object(const described_keys& keys) {
  json::object made;
  for (const auto& [key, value] : keys)
    made[key] = value;
  return made;
}

json::object to_object(const node_id& name, const described_keys& keys) {
  auto made = to_object(keys);
  made["name"] = name;
  return made;
}

described_keys keys_of(const json::value& from) {
  described_keys keys;
  if (const auto* members = from.if_object())
    for (const auto& [key, value] : *members)
      if (value.is_string()) keys[key] = value.get_string().c_str();
  return keys;
}

bool read_roles(std::string_view words, std::set<topology::role>& into) {
  while (!words.empty()) {
    const auto end = std::min(words.find(", "), words.size());
    const auto word = words.substr(0, end);
    const auto* found = std::find_if(topology::all_roles.begin(), topology::all_roles.end(),
                                     [&](topology::role one) { return to_string(one) == word; });
    if (found == topology::all_roles.end()) return false;
    into.insert(*found);
    words.remove_prefix(std::min(end + 2, words.size()));
  }
  return !into.empty();
}

/// Takes the values of one node out of text; remembers whether all could be read.
struct node_words {
  described_keys keys;
  bool fine = true;

  void address(const char* key, topology::endpoint& into) {
    const auto read = topology::parse_endpoint(keys[key]);
    if (read)
      into = *read;
    else
      fine = false;
  }
  void address(const char* key, std::optional<topology::endpoint>& into) {
    if (keys.contains(key)) address(key, into.emplace());
  }
  void number(const char* key, double& into) {
    const auto& word = keys[key];
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), into);
    fine = fine && error == std::errc{} && rest == word.data() + word.size() && into > 0;
  }
};

}  // namespace

nodes_status describe(const node_id& self, const topology::settings& settings,
                      const std::vector<topology::node>& nodes) {
  nodes_status made{self, topology::described(settings), {}};
  for (const auto& node : nodes)
    made.nodes[node.name] = topology::described(node);
  return made;
}

std::string to_json(const nodes_status& status) {
  json::array nodes;
  for (const auto& [name, keys] : status.nodes)
    nodes.push_back(to_object(name, keys));
  return json::serialize(json::object{{"name", status.name},
                                      {"settings", to_object(status.settings)},
                                      {"nodes", std::move(nodes)}});
}

result<nodes_status> parse_nodes_status(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return ec::bad_message;
  nodes_status status;
  const json_reader from{value};
  from.read("name", status.name);
  if (status.name.empty()) return ec::bad_message;
  if (const auto* settings = from.find("settings")) status.settings = keys_of(*settings);
  from.each("nodes", [&](const json::value& one) {
    auto keys = keys_of(one);
    const auto name = std::exchange(keys["name"], {});
    keys.erase("name");
    if (!name.empty()) status.nodes[name] = std::move(keys);
  });
  return status;
}

std::string to_json(const topology::node& node) {
  return json::serialize(to_object(node.name, topology::described(node)));
}

result<topology::node> parse_node(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error) return ec::bad_message;
  node_words words{keys_of(value)};
  topology::node made;
  made.name = words.keys["name"];
  words.fine = topology::good_name(made.name) && made.name != "ca" &&
               read_roles(words.keys["roles"], made.roles);
  words.address("control", made.control);
  words.address("bulk", made.bulk);
  words.address("admin", made.admin);
  words.address("s3", made.s3);
  words.address("balancer", made.balancer);
  words.address("leg", made.leg);
  if (made.roles.contains(topology::role::access)) words.number("capacity", made.capacity);
  if (words.keys.contains("rack")) made.rack = words.keys["rack"];
  if (words.keys.contains("peer_group")) made.peer_group = words.keys["peer_group"];
  if (!words.fine) return ec::bad_message;
  return made;
}

}  // namespace dunlin::assembly
