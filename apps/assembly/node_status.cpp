#include "apps/assembly/node_status.hpp"

#include <boost/json.hpp>

namespace dunlin::assembly {

namespace json = boost::json;

namespace {

json::array list(const std::vector<std::string>& words) {
  return json::array(words.begin(), words.end());
}

json::object to_object(const replica_status& replica) {
  return {{"id", replica.id},
          {"role", replica.role},
          {"leader", replica.leader.empty() ? json::value(nullptr) : json::value(replica.leader)},
          {"term", replica.term},
          {"commit", replica.commit},
          {"applied", replica.applied},
          {"members", list(replica.members)},
          {"first_hash", replica.first_hash},
          {"last_hash", replica.last_hash}};
}

/// Reads members of an object; what is missing or of another type is left as it was.
class reader {
public:
  explicit reader(const json::value& from) : from_{from.if_object()} {}

  const json::value* find(std::string_view key) const {
    return from_ ? from_->if_contains(key) : nullptr;
  }

  void read(std::string_view key, std::string& into) const {
    if (const auto* value = find(key); value && value->is_string())
      into = value->get_string().c_str();
  }

  void read(std::string_view key, bool& into) const {
    if (const auto* value = find(key); value && value->is_bool()) into = value->get_bool();
  }

  template <std::integral number>
  void read(std::string_view key, number& into) const {
    const auto* value = find(key);
    if (!value) return;
    boost::system::error_code error;
    if (const auto read = value->to_number<number>(error); !error) into = read;
  }

  void read(std::string_view key, std::vector<std::string>& into) const {
    each(key, [&](const json::value& word) {
      if (word.is_string()) into.emplace_back(word.get_string());
    });
  }

  template <class function>
  void each(std::string_view key, function take) const {
    const auto* value = find(key);
    if (const auto* array = value ? value->if_array() : nullptr)
      for (const auto& entry : *array)
        take(entry);
  }

private:
  const json::object* from_;
};

peer_status read_peer(const json::value& value) {
  peer_status peer;
  const reader from{value};
  from.read("node", peer.node);
  from.read("connected", peer.connected);
  from.read("error", peer.error);
  return peer;
}

replica_status read_replica(const json::value& value) {
  replica_status replica;
  const reader from{value};
  from.read("id", replica.id);
  from.read("role", replica.role);
  from.read("leader", replica.leader);
  from.read("term", replica.term);
  from.read("commit", replica.commit);
  from.read("applied", replica.applied);
  from.read("members", replica.members);
  from.read("first_hash", replica.first_hash);
  from.read("last_hash", replica.last_hash);
  return replica;
}

}  // namespace

std::string to_json(const node_status& status) {
  json::array peers, partitions;
  for (const auto& peer : status.peers)
    peers.push_back(
        json::object{{"node", peer.node}, {"connected", peer.connected}, {"error", peer.error}});
  for (const auto& replica : status.partitions)
    partitions.push_back(to_object(replica));
  json::object storage;
  for (const auto& [key, amount] : status.storage)
    storage[key] = amount;
  return json::serialize(
      json::object{{"name", status.name},
                   {"pid", status.pid},
                   {"roles", list(status.roles)},
                   {"state", status.state},
                   {"s3", status.s3 ? json::value(*status.s3) : json::value(nullptr)},
                   {"incarnation", status.incarnation},
                   {"uptime_s", status.uptime_s},
                   {"peers", std::move(peers)},
                   {"partitions", std::move(partitions)},
                   {"storage", std::move(storage)},
                   {"warnings", list(status.warnings)}});
}

result<node_status> parse_node_status(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return ec::bad_message;
  node_status status;
  const reader from{value};
  from.read("name", status.name);
  if (status.name.empty()) return ec::bad_message;
  from.read("pid", status.pid);
  from.read("roles", status.roles);
  from.read("state", status.state);
  if (std::string s3; from.read("s3", s3), !s3.empty()) status.s3 = s3;
  from.read("incarnation", status.incarnation);
  from.read("uptime_s", status.uptime_s);
  from.each("peers", [&](const auto& peer) { status.peers.push_back(read_peer(peer)); });
  from.each("partitions", [&](const auto& one) { status.partitions.push_back(read_replica(one)); });
  from.read("warnings", status.warnings);
  if (const auto* storage = from.find("storage"); storage && storage->is_object())
    for (const auto& [key, amount] : storage->get_object()) {
      std::uint64_t number = 0;
      reader{*storage}.read(key, number);
      status.storage[key] = number;
    }
  return status;
}

}  // namespace dunlin::assembly
