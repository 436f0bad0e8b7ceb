#include "runtime/balance/load_meter.hpp"

#include <algorithm>
#include <cmath>

namespace dunlin::balance {

namespace {

constexpr std::size_t window_max = 4096;  // of samples, for linear decay

/// What grows when a connection comes: memory and disk follow it too loosely.
bool follows_connections(resource of) {
  return of != resource::mem && of != resource::disk && of != resource::sockets;
}

}  // namespace

double credit_for(double demand, double capacity, std::uint32_t connections_max, bool measured) {
  const auto most = measured ? 0.5 : 0.05;
  const auto least = std::min(most, 1.0 / std::max(1u, connections_max));
  return capacity > 0 ? std::clamp(demand / capacity, least, most) : most;
}

double load_meter::kept(time elapsed) const {
  const auto span = static_cast<double>(std::max<time::rep>(settings_.history.count(), 1));
  const auto passed = static_cast<double>(std::max<time::rep>(elapsed.count(), 0));
  if (settings_.shape == decay::exponential) return std::exp(-passed / span);
  // A step in the load has reached 1 - (1 - t/span)² of a linearly weighted mean after t.
  const auto left = std::max(0.0, 1 - passed / span);
  return left * left;
}

double load_meter::linear_mean(channel& of, time now) const {
  while (of.window.size() > window_max ||
         (!of.window.empty() && now - of.window.front().at >= settings_.history))
    of.window.pop_front();
  const auto span = static_cast<double>(std::max<time::rep>(settings_.history.count(), 1));
  double sum = 0, weights = 0;
  for (const auto& one : of.window) {
    const auto weight = 1 - static_cast<double>((now - one.at).count()) / span;
    sum += weight * one.load;
    weights += weight;
  }
  return weights > 0 ? sum / weights : of.latest;
}

void load_meter::learn(channel& of, time now, double load, bool first) {
  of.latest = load;
  if (settings_.shape == decay::linear) {
    of.window.push_back({now, load});
    of.history = linear_mean(of, now);
    return;
  }
  of.window.clear();
  const auto keep = first ? 0 : kept(now - *last_);
  of.history = of.history * keep + load * (1 - keep);
}

void load_meter::on_sample(time now, const std::vector<resource_sample>& measured) {
  std::array<bool, all_resources.size()> seen{};
  for (const auto& one : measured) {
    auto& channel = channels_[static_cast<std::size_t>(one.of)];
    learn(channel, now, one.load, !last_ || !channel.measured);
    channel.native = one.native;
    channel.measured = seen[static_cast<std::size_t>(one.of)] = true;
  }
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    auto& channel = channels_[i];
    const auto known = last_ ? (channel.known + channel.fresh) * kept(now - *last_) : 0;
    if (!seen[i]) channel = {};
    channel.known = known;
    channel.fresh = 0;
  }
  last_ = now;
}

void load_meter::on_accepted(double part) {
  if (!settings_.credit) return;
  for (auto& channel : channels_)
    channel.fresh += part;
}

// History misses as much of what it used as the credit for it has not decayed: where it used just
// what it was credited, both are even.
void load_meter::on_departed(time then, double credited, const parts& used) {
  if (!settings_.credit) return;
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    auto& channel = channels_[i];
    channel.fresh -= used[i];
    if (!last_ || then >= *last_)
      channel.fresh -= credited - used[i];
    else
      channel.known -= (credited - used[i]) * kept(*last_ - then);
    if (!channel.measured || channel.native <= 0) continue;
    const auto part = measured(channel) / (channel.native * (1 - settings_.failure_overhead));
    channel.fresh += std::max(0.0, -(part + credit(channel)));
  }
}

double load_meter::measured(const channel& of) const {
  return settings_.latest_weight * of.latest + (1 - settings_.latest_weight) * of.history;
}

double load_meter::credit(const channel& of) const {
  return settings_.credit ? of.fresh + (1 - settings_.latest_weight) * of.known : 0;
}

uses load_meter::all(bool credited) const {
  uses made;
  for (const auto of : all_resources) {
    const auto& channel = channels_[static_cast<std::size_t>(of)];
    if (!channel.measured) continue;
    const auto capacity = channel.native * (1 - settings_.failure_overhead);
    auto load = measured(channel);
    if (credited && follows_connections(of))
      load = std::max(0.0, load + credit(channel) * capacity);
    made.push_back({of, load, capacity});
  }
  return made;
}

uses load_meter::loads() const { return all(true); }

uses load_meter::loads_measured() const { return all(false); }

}  // namespace dunlin::balance
