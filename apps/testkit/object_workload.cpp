#include "apps/testkit/object_workload.hpp"

namespace dunlin::testkit {

namespace {

/// Short enough to print: its first bytes name the write, the rest follows from them.
std::string shown(const std::optional<std::string>& value) {
  if (!value) return "nothing";
  return value->substr(0, value->find(' ')) + " (" + std::to_string(value->size()) + " bytes)";
}

}  // namespace

object_workload::object_workload(virtual_cluster& cluster, workload_options options)
    : cluster_(cluster), options_(std::move(options)), random_(cluster.seed() + 1) {}

void object_workload::begin() {
  for (int client = 0; client < options_.clients; ++client) {
    ++open_;
    next(client);
  }
}

node_id object_workload::any_node() { return cluster_.any_access_node(random_); }

std::string object_workload::make_value(const std::string& key) {
  const auto size = random_() % 16 == 0 ? options_.large_bytes : random_() % options_.bytes_max;
  auto value = key + "#" + std::to_string(++values_) + " ";
  const auto pattern = value;
  while (value.size() < size)
    value += pattern;
  return value;
}

void object_workload::next(int client) {
  if (started_ >= options_.operations) {
    --open_;
    return;
  }
  ++started_;
  // A client's keys are its own, and it waits for each answer: so the order of writes is known.
  const auto key = "c" + std::to_string(client) + "-k" +
                   std::to_string(random_() % static_cast<unsigned>(options_.keys_per_client));
  switch (random_() % 8) {
    case 0: return remove(client, key);
    case 1:
    case 2:
    case 3: return get(client, key);
    default: return put(client, key);
  }
}

void object_workload::finish(int client) {
  cluster_.time().events().after(options_.pause, [this, client] { next(client); });
}

// A condition that holds: a command that ran twice would refuse itself.
std::vector<http::header> object_workload::condition(const std::string& key) {
  const auto& [possible, etag] = keys_[key];
  if (possible.size() != 1 || random_() % 4 == 0) return {};
  if (!possible.begin()->has_value()) return {{"If-None-Match", "*"}};
  if (etag.empty()) return {};
  return {{"If-Match", etag}};
}

void object_workload::put(int client, const std::string& key) {
  const auto value = make_value(key);
  auto headers = condition(key);
  // Possible from now on: the outcome of a write without an answer is not known.
  keys_[key].possible.insert(value);
  cluster_.send(
      any_node(), "PUT", path(key), "", value,
      [this, client, key, value](const virtual_cluster::answer& seen) {
        if (seen.status == 200) {
          keys_[key].possible = {value};
          for (const auto& header : seen.headers)
            if (header.name == "ETag") keys_[key].etag = header.value;
          ++counts_.acknowledged;
        } else {
          ++counts_.unknown;
          if (seen.status != 0 && seen.status < 500)
            mistakes_.push_back("PUT " + key + " answered " + std::to_string(seen.status) + " " +
                                seen.body);
        }
        finish(client);
      },
      std::move(headers));
}

void object_workload::remove(int client, const std::string& key) {
  keys_[key].possible.insert(std::nullopt);
  cluster_.send(any_node(), "DELETE", path(key), "", "",
                [this, client, key](const virtual_cluster::answer& seen) {
                  if (seen.status == 204) {
                    keys_[key].possible = {std::nullopt};
                    ++counts_.acknowledged;
                  } else {
                    ++counts_.unknown;
                  }
                  finish(client);
                });
}

void object_workload::get(int client, const std::string& key) {
  const auto through = any_node();
  cluster_.send(through, "GET", path(key), "", "",
                [this, client, key, through](const virtual_cluster::answer& seen) {
                  if (seen.status == 200 || seen.status == 404)
                    check_read(through, key, seen);
                  else
                    ++counts_.reads_failed;
                  finish(client);
                });
}

void object_workload::check_read(const std::string& where, const std::string& key,
                                 const virtual_cluster::answer& seen) {
  ++counts_.reads;
  const auto value =
      seen.status == 200 ? std::optional<std::string>(seen.body) : std::optional<std::string>();
  const auto& possible = keys_[key].possible;
  if (possible.contains(value)) return;
  std::string text =
      "GET " + key + " through " + where + " answered " + shown(value) + ", possible:";
  for (const auto& one : possible)
    text += " " + shown(one);
  mistakes_.push_back(text);
}

void object_workload::check_all() {
  for (const auto& name : cluster_.access_nodes()) {
    if (!cluster_.runs(name)) continue;
    for (const auto& [key, state] : keys_) {
      const auto seen = cluster_.call(name, "GET", path(key));
      if (seen.status == 200 || seen.status == 404)
        check_read(name, key, seen);
      else
        mistakes_.push_back("GET " + key + " through " + name + " answered " +
                            std::to_string(seen.status) + " though the cluster is whole");
    }
    check_list(name);
  }
}

void object_workload::check_list(const node_id& through) {
  const auto seen = cluster_.call(through, "GET", "/" + options_.bucket, "list-type=2");
  if (seen.status != 200) {
    mistakes_.push_back("LIST through " + through + " answered " + std::to_string(seen.status));
    return;
  }
  for (const auto& [key, state] : keys_) {
    const bool listed = seen.body.find("<Key>" + key + "</Key>") != std::string::npos;
    const bool may_be_absent = state.possible.contains(std::nullopt);
    const bool may_be_there = state.possible.size() > (may_be_absent ? 1u : 0u);
    if (listed && !may_be_there) mistakes_.push_back("LIST shows " + key + ", which is deleted");
    if (!listed && !may_be_absent) mistakes_.push_back("LIST misses " + key);
  }
}

}  // namespace dunlin::testkit
