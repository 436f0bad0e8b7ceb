#include "actors/admission/demand_book.hpp"

#include <algorithm>
#include <cmath>

namespace dunlin {

namespace {

/// A request costs the processor about as much as so many bytes: to share the node's among its
/// connections, which nobody measures one by one.
constexpr double bytes_of_a_request = 64 << 10;

/// A connection that came from elsewhere is believed as if it had been watched for so long.
constexpr double known_seconds = 60;

double work(std::uint64_t requests, std::uint64_t bytes) {
  return static_cast<double>(requests) * bytes_of_a_request + static_cast<double>(bytes);
}

const balance::resource_sample* find(const demand_book::node_view& node, balance::resource of) {
  const auto found = std::find_if(node.resources.begin(), node.resources.end(),
                                  [&](const auto& one) { return one.of == of; });
  return found == node.resources.end() || found->native <= 0 ? nullptr : &*found;
}

}  // namespace

double demand_book::rate(const entry& was, const account& is, const node_view& node,
                         double cpu_each, double seconds) {
  const auto bytes = static_cast<double>(is.bytes - was.last.bytes);
  auto most = (is.declared - was.last.declared) / seconds / node.declared_rate;
  if (const auto* net = find(node, balance::resource::net))
    most = std::max(most, bytes / seconds / net->native * node.capacity);
  const auto did = work(is.requests - was.last.requests, is.bytes - was.last.bytes);
  return std::max(most, did * cpu_each);
}

void demand_book::on_sample(time now, const node_view& node, const std::vector<account>& all) {
  const auto seconds = last_ < time{0} ? 0.0 : static_cast<double>((now - last_).count()) / 1000;
  const auto history = std::max(static_cast<double>(node.history.count()) / 1000, 1e-3);
  double done = 0;
  for (const auto& one : all) {
    const auto& was = entries_[one.connection].last;
    done += work(one.requests - was.requests, one.bytes - was.bytes);
  }
  const auto* cpu = find(node, balance::resource::cpu);
  const auto cpu_each = cpu && done > 0 ? cpu->load / cpu->native * node.capacity / done : 0.0;
  ++round_;
  for (const auto& one : all) {
    auto& entry = entries_[one.connection];
    if (entry.weight == 0 && one.known > 0 && entry.last.connection == 0) {
      entry.weight = std::min(known_seconds, history);
      entry.sum = one.known * entry.weight;
    }
    if (seconds > 0) {
      const auto keep = std::exp(-seconds / history);
      entry.sum = entry.sum * keep + rate(entry, one, node, cpu_each, seconds) * seconds;
      entry.weight = entry.weight * keep + seconds;
    }
    entry.last = one;
    entry.round = round_;
  }
  std::erase_if(entries_, [&](const auto& entry) { return entry.second.round != round_; });
  last_ = now;
}

double demand_book::demand(std::uint64_t connection) const {
  const auto found = entries_.find(connection);
  if (found == entries_.end() || found->second.weight <= 0) return 0;
  return found->second.sum / found->second.weight;
}

}  // namespace dunlin
