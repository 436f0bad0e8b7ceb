#include "apps/assembly/coherence_status.hpp"

#include "apps/assembly/json_reader.hpp"

#include <fmt/format.h>

#include <set>

namespace dunlin::assembly {

namespace json = boost::json;

namespace {

json::object to_object(const figures& all) {
  json::object made;
  for (const auto& [name, values] : all) {
    if (values.size() == 1 && values.begin()->first.empty()) {
      made[name] = values.begin()->second;
      continue;
    }
    json::object labelled;
    for (const auto& [label, value] : values)
      labelled[label] = value;
    made[name] = std::move(labelled);
  }
  return made;
}

json::object to_object(const queue_coherence& queue) {
  json::array backlogs;
  for (const auto& one : queue.backlogs)
    backlogs.push_back(json::object{{"node", one.node},
                                    {"service", one.service},
                                    {"rows", one.rows},
                                    {"in_flight", one.in_flight},
                                    {"silent_ms", one.silent_ms}});
  return {{"incarnation", queue.incarnation},
          {"figures", to_object(queue.count)},
          {"backlogs", std::move(backlogs)}};
}

figures read_figures(const json_reader& from, const char* where = "figures") {
  figures all;
  const auto* value = from.find(where);
  const auto* object = value ? value->if_object() : nullptr;
  if (!object) return all;
  for (const auto& [name, said] : *object) {
    if (const auto* labelled = said.if_object()) {
      for (const auto& [label, amount] : *labelled)
        json_reader{said}.read(label, all[name][label]);
    } else {
      json_reader{*value}.read(name, all[name][""]);
    }
  }
  return all;
}

queue_coherence read_queue(const json::value& value) {
  queue_coherence queue;
  const json_reader from{value};
  from.read("incarnation", queue.incarnation);
  queue.count = read_figures(from);
  from.read_all("backlogs", queue.backlogs, [](const json_reader& said, auto& one) {
    said.read("node", one.node);
    said.read("service", one.service);
    said.read("rows", one.rows);
    said.read("in_flight", one.in_flight);
    said.read("silent_ms", one.silent_ms);
  });
  return queue;
}

/// Prometheus wants all samples of one name together, under one line of its type.
class exposition {
public:
  void add(const std::string& prefix, const figures& all, const std::string& labels) {
    for (const auto& [name, values] : all)
      for (const auto& [label, value] : values) {
        auto with = labels;
        if (!label.empty()) with += fmt::format("{}kind=\"{}\"", with.empty() ? "" : ",", label);
        samples_[prefix + name] +=
            fmt::format("{}{}{} {}\n", prefix, name, with.empty() ? with : "{" + with + "}", value);
      }
  }

  std::string text() const {
    std::string text;
    for (const auto& [name, samples] : samples_)
      text += fmt::format("# TYPE {} {}\n{}", name, name.ends_with("_total") ? "counter" : "gauge",
                          samples);
    return text;
  }

private:
  std::map<std::string, std::string> samples_;
};

}  // namespace

std::uint64_t sum_of(const figures& all, const std::string& name) {
  std::uint64_t sum = 0;
  if (const auto found = all.find(name); found != all.end())
    for (const auto& [label, value] : found->second)
      sum += value;
  return sum;
}

std::string to_json(const coherence_status& status) {
  json::array subscribers, caches;
  for (const auto& one : status.subscribers)
    subscribers.push_back(
        json::object{{"service", one.service},
                     {"subscribed", json::array(one.subscribed.begin(), one.subscribed.end())},
                     {"figures", to_object(one.count)}});
  for (const auto& one : status.caches)
    caches.push_back(json::object{{"service", one.service},
                                  {"type", one.type},
                                  {"mode", one.mode},
                                  {"figures", to_object(one.count)}});
  return json::serialize(json::object{
      {"name", status.name},
      {"queue", status.queue ? json::value(to_object(*status.queue)) : json::value(nullptr)},
      {"subscribers", std::move(subscribers)},
      {"caches", std::move(caches)},
      {"announcer", to_object(status.announcer)}});
}

result<coherence_status> parse_coherence_status(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return ec::bad_message;
  coherence_status status;
  const json_reader from{value};
  from.read("name", status.name);
  if (status.name.empty()) return ec::bad_message;
  if (const auto* queue = from.find("queue"); queue && queue->is_object())
    status.queue = read_queue(*queue);
  from.read_all("subscribers", status.subscribers, [](const json_reader& said, auto& one) {
    said.read("service", one.service);
    said.read("subscribed", one.subscribed);
    one.count = read_figures(said);
  });
  from.read_all("caches", status.caches, [](const json_reader& said, auto& one) {
    said.read("service", one.service);
    said.read("type", one.type);
    said.read("mode", one.mode);
    one.count = read_figures(said);
  });
  status.announcer = read_figures(from, "announcer");
  return status;
}

std::string to_metrics(const coherence_status& status) {
  exposition all;
  if (status.queue) all.add("dunlin_queue_", status.queue->count, "");
  for (const auto& one : status.subscribers)
    all.add("dunlin_cache_subscriber_", one.count, fmt::format("service=\"{}\"", one.service));
  for (const auto& one : status.caches)
    all.add("dunlin_cache_", one.count,
            fmt::format("service=\"{}\",type=\"{}\"", one.service, one.type));
  return all.text();
}

}  // namespace dunlin::assembly
