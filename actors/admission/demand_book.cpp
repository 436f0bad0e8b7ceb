#include "actors/admission/demand_book.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

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

/// One connection cannot use more than the node has; twice, for what comes in lumps.
double believable(double demand, double capacity) {
  return std::isfinite(demand) ? std::clamp(demand, 0.0, 2 * capacity) : 0;
}

const balance::resource_sample* find(const demand_book::node_view& node, balance::resource of) {
  const auto found = std::find_if(node.resources.begin(), node.resources.end(),
                                  [&](const auto& one) { return one.of == of; });
  return found == node.resources.end() || found->native <= 0 ? nullptr : &*found;
}

}  // namespace

double demand_book::share(const node_view& node, balance::resource of, double done) {
  const auto* use = find(node, of);
  return use && done > 0 ? use->load / use->native * node.capacity / done : 0;
}

balance::parts demand_book::rates(const entry& was, const account& is, const node_view& node,
                                  const shares& each, double seconds) {
  using balance::resource;
  balance::parts made{};
  const auto of = [&](resource which) -> double& { return made[static_cast<std::size_t>(which)]; };
  const auto bytes = static_cast<double>(is.bytes - was.last.bytes);
  const auto did = work(is.requests - was.last.requests, is.bytes - was.last.bytes);
  of(resource::declared) = (is.declared - was.last.declared) / seconds / node.declared_rate;
  if (const auto* net = find(node, resource::net))
    of(resource::net) = bytes / seconds / net->native * node.capacity;
  of(resource::cpu) = did * each.cpu;
  of(resource::requests) = did * each.requests;
  for (auto& one : made)
    one = believable(one, node.capacity);
  return made;
}

/// What requests in flight hold is no work: they wait for each other.
double demand_book::demand_of(const balance::parts& used) {
  using balance::resource;
  return std::max({used[static_cast<std::size_t>(resource::declared)],
                   used[static_cast<std::size_t>(resource::net)],
                   used[static_cast<std::size_t>(resource::cpu)]});
}

void demand_book::on_sample(time now, const node_view& node, const std::vector<account>& all) {
  const auto seconds = last_ < time{0} ? 0.0 : static_cast<double>((now - last_).count()) / 1000;
  const auto history = std::max(static_cast<double>(node.history.count()) / 1000, 1e-3);
  auto done = work(node.direct_requests - std::exchange(direct_requests_, node.direct_requests),
                   node.direct_bytes - std::exchange(direct_bytes_, node.direct_bytes));
  for (const auto& one : all) {
    const auto& was = entries_[one.connection].last;
    done += work(one.requests - was.requests, one.bytes - was.bytes);
  }
  const shares each{share(node, balance::resource::cpu, done),
                    share(node, balance::resource::requests, done)};
  ++round_;
  for (const auto& one : all) {
    auto& entry = entries_[one.connection];
    if (entry.weight == 0 && one.known > 0 && entry.last.connection == 0) {
      entry.weight = std::min(known_seconds, history);
      entry.sum = believable(one.known, node.capacity) * entry.weight;
    }
    if (seconds > 0) {
      const auto keep = std::exp(-seconds / history);
      const auto used = rates(entry, one, node, each, seconds);
      entry.sum = entry.sum * keep + demand_of(used) * seconds;
      for (std::size_t i = 0; i < used.size(); ++i)
        entry.sums[i] = entry.sums[i] * keep + used[i] * seconds;
      entry.weight = entry.weight * keep + seconds;
      entry.seen = entry.seen * keep + seconds;
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

balance::parts demand_book::parts(std::uint64_t connection) const {
  balance::parts made{};
  const auto found = entries_.find(connection);
  if (found == entries_.end() || found->second.seen <= 0) return made;
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i] = found->second.sums[i] / found->second.seen;
  return made;
}

}  // namespace dunlin
