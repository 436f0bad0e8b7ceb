#include "runtime/topology/node_keys.hpp"

#include <filesystem>

namespace dunlin::topology {

namespace {

constexpr std::size_t peer_group_bytes_max = 63;

class node_reader {
public:
  node_reader(const toml::table& table, draft& into, report& mistakes)
      : from_{&table, "node.", mistakes},
        into_{into},
        mistakes_{mistakes},
        node_{into.nodes.emplace_back()} {
    node_.where = at(table.source());
  }

  void read() {
    read_name();
    read_roles();
    read_address("control", node_.value.control);
    read_address("bulk", node_.value.bulk);
    read_address("admin", node_.value.admin);
    read_address("s3", node_.value.s3);
    read_address("balancer", node_.value.balancer);
    read_address("leg", node_.value.leg);
    if (from_.real("capacity", node_.value.capacity, 0.01, 1000))
      node_.places["capacity"] = from_.where("capacity");
    from_.size("network_per_second", node_.value.network_per_second, 1u << 10,
               std::uint64_t(1) << 40);
    read_peer_group();
    if (from_.text("rack", node_.value.rack) && node_.value.rack.empty())
      from_.refuse("rack", "is empty", "name the rack, or leave the key out");
    read_folder();
    from_.finish();
  }

private:
  void read_name() {
    const auto& name = node_.value.name;
    if (!from_.text("name", node_.value.name)) return missing("name", "\"n1\"");
    if (name == "ca")
      from_.refuse("name", "'ca' is taken by the certificate authority", "choose another");
    else if (!good_name(name))
      from_.refuse("name", fmt::format("'{}' is no name", name),
                   "use at most 63 lower-case letters, digits and inner dashes");
    else
      node_.places["name"] = from_.where("name");
  }

  static std::vector<std::string> role_names() {
    std::vector<std::string> names;
    for (const auto one : all_roles)
      names.emplace_back(to_string(one));
    return names;
  }

  void read_roles() {
    static const auto names = role_names();
    const auto* value = from_.take("roles", toml::node_type::array, "a list of roles");
    if (!value) {
      node_.roles_known = false;
      return missing("roles", "[\"database\", \"storage\", \"access\"]");
    }
    for (const auto& entry : *value->as_array()) {
      const auto* word = entry.as_string();
      const auto found = word ? std::find(names.begin(), names.end(), word->get()) : names.end();
      if (found != names.end()) {
        const auto which = all_roles[static_cast<std::size_t>(found - names.begin())];
        if (!node_.value.roles.insert(which).second)
          mistakes_.add(at(entry.source()), fmt::format("role '{}' is named twice", *found),
                        "leave one out");
        continue;
      }
      node_.roles_known = false;
      const auto text = word ? fmt::format("unknown role '{}'", word->get()) : "a role is text";
      mistakes_.add(at(entry.source()), text, suggest(word ? word->get() : "", names));
    }
    if (value->as_array()->empty()) {
      node_.roles_known = false;
      from_.refuse("roles", "is empty",
                   fmt::format("name at least one of: {}", fmt::join(names, ", ")));
    }
    node_.places["roles"] = from_.where("roles");
  }

  void read_address(const std::string& key, endpoint& into) {
    if (from_.address(key, into))
      node_.places[key] = from_.where(key);
    else
      missing(key, "\"127.0.0.1:7111\"");
  }

  /// Of those that not every node has; the rules ask for a wrong one, too, to be quiet about it.
  void read_address(const std::string& key, std::optional<endpoint>& into) {
    if (endpoint read; from_.address(key, read)) {
      into = read;
      node_.places[key] = from_.where(key);
    } else if (from_.has(key)) {
      node_.places[key + " refused"] = from_.where(key);
    }
  }

  void read_peer_group() {
    auto& group = node_.value.peer_group;
    if (!from_.text("peer_group", group)) return;
    if (group.empty() || group.size() > peer_group_bytes_max)
      from_.refuse(
          "peer_group", fmt::format("has {} bytes", group.size()),
          fmt::format("give a name of 1 to {}, or leave the key out", peer_group_bytes_max));
    else
      node_.places["peer_group"] = from_.where("peer_group");
  }

  void read_folder() {
    std::string folder;
    if (from_.text("folder", folder)) {
      if (folder.empty()) from_.refuse("folder", "is empty", "name a folder, or leave the key out");
      const auto file = std::filesystem::absolute(into_.value.file).parent_path();
      node_.value.folder = absolute_path(file.string(), folder);
      node_.places["folder"] = from_.where("folder");
    } else {
      node_.value.folder = absolute_path(into_.value.options.folder, node_.value.name);
    }
  }

  void missing(const std::string& key, std::string_view example) {
    if (from_.has(key) || into_.torn) return;
    mistakes_.add(node_.where, fmt::format("this node has no '{}'", key),
                  fmt::format("add {} = {}", key, example));
  }

  table_reader from_;
  draft& into_;
  report& mistakes_;
  draft_node& node_;
};

}  // namespace

void read_node(const toml::table& from, draft& into, report& mistakes) {
  node_reader{from, into, mistakes}.read();
}

}  // namespace dunlin::topology
