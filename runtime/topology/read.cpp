// Text → draft, each value where it stands.
#include "runtime/topology/balance_keys.hpp"
#include "runtime/topology/cache_keys.hpp"
#include "runtime/topology/node_keys.hpp"
#include "runtime/topology/table_reader.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace dunlin::topology {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t file_bytes_max = 1u << 20;
constexpr std::size_t syntax_mistakes_max = 20;
constexpr std::size_t nodes_max = 1024;

class file_reader {
public:
  file_reader(const toml::table& root, draft& into, report& mistakes)
      : root_{&root, "", mistakes}, into_{into}, mistakes_{mistakes} {}

  void read() {
    cluster_section();
    metadata_section();
    wal_section();
    objects_section();
    s3_section();
    admin_section();
    queue_section();
    cache_sections();
    balance_section();
    faults_section();
    nodes();
    root_.finish();
  }

private:
  table_reader section(const std::string& name) {
    const auto* value = root_.take(name, toml::node_type::table, fmt::format("[{}]", name));
    return {value ? value->as_table() : nullptr, name + ".", mistakes_};
  }

  void note(table_reader& from, const std::string& section, const std::string& key, bool read) {
    if (read)
      into_.places[section + "." + key] = from.where(key);
    else if (from.has(key))
      into_.refused.insert(section + "." + key);
  }

  fs::path folder_of_file() const { return fs::absolute(into_.value.file).parent_path(); }

  void cluster_section() {
    auto from = section("cluster");
    auto& to = into_.value.options;
    if (from.text("name", to.name)) {
      if (!good_name(to.name))
        from.refuse("name", fmt::format("'{}' is no name", to.name),
                    "use at most 63 lower-case letters, digits and inner dashes");
    } else if (!from.has("name") && !into_.torn) {
      mistakes_.add(root_has("cluster") ? root_.where("cluster") : place{1, 1},
                    "missing key 'cluster.name'", "add name = \"laptop\" under [cluster]");
    }
    auto folder = fmt::format(".dunlin/{}", to.name);
    if (from.text("folder", folder) && folder.empty())
      from.refuse("folder", "is empty", "name a folder, absolute or relative to this file");
    to.folder = absolute_path(folder_of_file().string(), folder);
    note(from, "cluster", "plain_transport", from.flag("plain_transport", to.plain_transport));
    from.flag("allow_wildcard", into_.allow_wildcard);
    from.finish();
  }

  void metadata_section() {
    using namespace std::chrono_literals;
    auto from = section("metadata");
    auto& to = into_.value.options;
    from.number("partitions", to.partitions, 1, 1024);
    note(from, "metadata", "replicas", from.number("replicas", to.partition_replicas, 1, 9));
    note(from, "metadata", "heartbeat", from.duration("heartbeat", to.heartbeat, 10ms, 10s));
    note(from, "metadata", "election", from.duration("election", to.election, 50ms, 60s));
    from.finish();
  }

  void wal_section() {
    auto from = section("wal");
    auto& to = into_.value.options;
    note(from, "wal", "segment_bytes",
         from.size("segment_bytes", to.wal_segment_bytes, 1u << 20, 1u << 30));
    note(from, "wal", "bytes_max",
         from.size("bytes_max", to.wal_bytes_max, 4u << 20, std::uint64_t(1) << 40));
    from.finish();
  }

  void objects_section() {
    auto from = section("objects");
    auto& to = into_.value.options;
    from.number("replica_sets", to.replica_sets, 1, 1024);
    note(from, "objects", "replicas", from.number("replicas", to.object_replicas, 1, 9));
    note(from, "objects", "write_quorum", from.number("write_quorum", to.write_quorum, 1, 9));
    if (!into_.places.contains("objects.write_quorum"))
      to.write_quorum = to.object_replicas / 2 + 1;
    std::uint64_t page = to.page_bytes;
    if (from.size("page_bytes", page, 64u << 10, 4u << 20))
      to.page_bytes = static_cast<std::uint32_t>(page);
    from.finish();
  }

  void s3_section() {
    auto from = section("s3");
    auto& to = into_.value.options;
    if (from.text("region", to.region) && !good_name(to.region))
      from.refuse("region", fmt::format("'{}' is no region", to.region),
                  "use lower-case letters, digits and inner dashes, for example \"us-east-1\"");
    from.flag("insecure", to.s3_insecure);
    const auto certified = from.text("certificate", to.s3_certificate);
    const auto keyed = from.text("key", to.s3_key);
    if (certified != keyed)
      from.refuse(certified ? "certificate" : "key", "TLS needs both a certificate and its key",
                  "give certificate and key under [s3], or neither");
    if (certified) to.s3_certificate = absolute_path(folder_of_file().string(), to.s3_certificate);
    if (keyed) to.s3_key = absolute_path(folder_of_file().string(), to.s3_key);
    from.number("requests_max", to.requests_max, 1, 65536);
    from.number("connections_max", to.connections_max, 1, 65536);
    from.size("object_bytes_max", to.object_bytes_max, 1u << 20, std::uint64_t(5) << 30);
    from.finish();
  }

  void admin_section() {
    auto from = section("admin");
    from.flag("insecure", into_.admin_insecure);
    from.finish();
  }

  void queue_section() {
    using namespace std::chrono_literals;
    auto from = section("queue");
    auto& to = into_.value.options.queue;
    if (root_has("queue")) into_.places["queue"] = root_.where("queue");
    from.duration("window", to.window, 1ms, 1s);
    from.number("attempts", to.attempts, 1, 100);
    from.duration("time_to_live", to.time_to_live, 1s, 10min);
    note(from, "queue", "news_interval",
         from.duration("news_interval", to.news_interval, 50ms, 10s));
    from.finish();
  }

  void cache_sections() {
    auto& to = into_.value.options;
    std::string wanted;
    for (const auto& [type, cache] : to.caches)
      wanted += fmt::format("{}[cache.{}]", wanted.empty() ? "" : ", ", type);
    const auto* value = root_.take("cache", toml::node_type::table, wanted);
    table_reader caches{value ? value->as_table() : nullptr, "cache.", mistakes_};
    caches.flag("shared", to.caches_shared);
    caches.number("samples_per_second", to.cache_samples_a_second, 0, 1000);
    for (auto& [type, cache] : to.caches)
      cache_section(caches, type, cache);
    caches.finish();
  }

  void cache_section(table_reader& caches, const std::string& type, cache_settings& to) {
    const auto name = "cache." + type;
    const auto* value = caches.take(type, toml::node_type::table, fmt::format("[{}]", name));
    table_reader from{value ? value->as_table() : nullptr, name + ".", mistakes_};
    read_cache_keys(from, type, to, into_);
  }

  void balance_section() {
    auto from = section("balance");
    read_balance_keys(from, into_.value.options.balance, mistakes_);
  }

  void faults_section() {
    auto from = section("faults");
    from.fraction("cache_update_loss", into_.value.options.faults.cache_update_loss);
    from.finish();
  }

  void nodes() {
    const auto* value = root_.take("node", toml::node_type::array, "[[node]] once for each node");
    const auto* list = value ? value->as_array() : nullptr;
    if (!list) {
      if (!root_has("node") && !into_.torn)
        mistakes_.add({1, 1}, "the file names no node", "add a [[node]] for each node");
      return;
    }
    if (list->size() > nodes_max)
      return mistakes_.add(at((*list)[nodes_max].source()), "too many nodes",
                           fmt::format("a cluster has at most {}", nodes_max));
    for (const auto& entry : *list) {
      if (const auto* table = entry.as_table())
        read_node(*table, into_, mistakes_);
      else
        mistakes_.add(at(entry.source()), "a node is a table", "write [[node]]");
    }
  }

  bool root_has(const std::string& key) const { return root_.has(key); }

  table_reader root_;
  draft& into_;
  report& mistakes_;
};

bool plain_assignment(std::string_view line) {
  const auto equals = line.find('=');
  const auto first = line.find_first_not_of(" \t");
  return equals != line.npos && line[first] != '[' && line[first] != '#';
}

/// Blanks line `number` (from 1) of `text`; false if it is more than one broken `key = value`.
bool leave_out(std::string& text, std::uint32_t number) {
  std::size_t begin = 0;
  for (std::uint32_t n = 1; n < number; ++n) {
    begin = text.find('\n', begin);
    if (begin == text.npos) return false;
    ++begin;
  }
  const auto end = std::min(text.find('\n', begin), text.size());
  const auto line = std::string_view(text).substr(begin, end - begin);
  if (!plain_assignment(line)) return false;
  text.replace(begin, end - begin, std::string(end - begin, ' '));
  return true;
}

/// Parses; a line that is no TOML is noted and left out, so that the rest is still checked.
std::optional<toml::table> parse(std::string text, const std::string& path, draft& into,
                                 report& mistakes) {
  for (std::size_t i = 0; i < syntax_mistakes_max; ++i) {
    try {
      return toml::parse(text, path);
    } catch (const toml::parse_error& error) {
      const auto where = at(error.source());
      const auto torn_before = std::exchange(into.torn, true);
      const auto mendable = leave_out(text, where.line);
      // What follows a line that was left out may be its consequence: only the first is sure.
      if (mendable || !torn_before)
        mistakes.add(where, fmt::format("this is no TOML: {}", error.description()),
                     "see docs/topology.md for the form of the file");
      if (!mendable) return {};
    }
  }
  return {};
}

}  // namespace

outcome read_text(const std::string& text, const std::string& path) {
  report mistakes{path};
  draft file;
  file.value.file = path;
  if (text.size() > file_bytes_max) {
    mistakes.add({}, "the file is larger than 1MiB", "is it a topology file?");
  } else if (const auto root = parse(text, path, file, mistakes)) {
    file_reader{*root, file, mistakes}.read();
    check_rules(file, mistakes);
  }
  if (!mistakes.empty()) return {{}, mistakes.take()};
  for (auto& node : file.nodes)
    file.value.nodes.push_back(std::move(node.value));
  return {std::move(file.value), {}};
}

outcome read_file(const std::string& path) {
  std::error_code error;
  std::ostringstream text;
  if (std::ifstream in{path}; !fs::is_directory(path, error) && in && text << in.rdbuf())
    return read_text(text.str(), path);
  const auto reason = fs::is_directory(path, error) ? "it is a folder"
                      : fs::exists(path, error)     ? "it is empty or may not be read"
                                                    : "no such file";
  report mistakes{path};
  mistakes.add({}, fmt::format("cannot read the topology file: {}", reason),
               "name a TOML file such as tools/topologies/laptop.toml");
  return {{}, mistakes.take()};
}

}  // namespace dunlin::topology
