#include "apps/assembly/node_status.hpp"

#include "apps/assembly/json_reader.hpp"

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

peer_status read_peer(const json::value& value) {
  peer_status peer;
  const json_reader from{value};
  from.read("node", peer.node);
  from.read("connected", peer.connected);
  from.read("error", peer.error);
  return peer;
}

replica_status read_replica(const json::value& value) {
  replica_status replica;
  const json_reader from{value};
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
  return json::serialize(json::object{
      {"name", status.name},
      {"pid", status.pid},
      {"roles", list(status.roles)},
      {"state", status.state},
      {"s3", status.s3 ? json::value(*status.s3) : json::value(nullptr)},
      {"balancer", status.balancer ? json::value(*status.balancer) : json::value(nullptr)},
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
  const json_reader from{value};
  from.read("name", status.name);
  if (status.name.empty()) return ec::bad_message;
  from.read("pid", status.pid);
  from.read("roles", status.roles);
  from.read("state", status.state);
  if (std::string s3; from.read("s3", s3), !s3.empty()) status.s3 = s3;
  if (std::string url; from.read("balancer", url), !url.empty()) status.balancer = url;
  from.read("incarnation", status.incarnation);
  from.read("uptime_s", status.uptime_s);
  from.each("peers", [&](const auto& peer) { status.peers.push_back(read_peer(peer)); });
  from.each("partitions", [&](const auto& one) { status.partitions.push_back(read_replica(one)); });
  from.read("warnings", status.warnings);
  if (const auto* storage = from.find("storage"); storage && storage->is_object())
    for (const auto& [key, amount] : storage->get_object()) {
      std::uint64_t number = 0;
      json_reader{*storage}.read(key, number);
      status.storage[key] = number;
    }
  return status;
}

}  // namespace dunlin::assembly
