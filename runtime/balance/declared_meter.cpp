#include "runtime/balance/declared_meter.hpp"

#include <algorithm>

namespace dunlin::balance {

namespace {

double seconds(declared_meter::time span) { return static_cast<double>(span.count()) / 1000; }

}  // namespace

void declared_meter::learn(entry& of, time now, const account& is) const {
  of.known = std::min(is.known, rate_max_);
  if (of.came < time{0}) of.came = now;
  if (is.declared <= of.declared) return;
  if (of.declared > 0 && now > of.changed) {
    of.gap = now - of.changed;
    of.rate = std::min((is.declared - of.declared) / seconds(of.gap), rate_max_);
  }
  of.declared = is.declared;
  of.changed = now;
}

/// Between the requests of a connection, in the mean of those that have asked twice; 0: none has.
declared_meter::time declared_meter::usual_gap() const {
  time sum{0};
  time::rep seen = 0;
  for (const auto& [connection, one] : entries_) {
    sum += one.gap;
    seen += one.gap > time{0};
  }
  return seen > 0 ? sum / seen : time{0};
}

double declared_meter::rate_of(const entry& of, time now, time usual) {
  if (of.gap == time{0}) {
    if (usual <= time{0}) return of.declared > 0 ? of.known : 0;
    if (of.declared > 0) return of.known > 0 ? of.known : of.declared / seconds(usual);
    // It has come from elsewhere and is to ask here soon.
    return now - of.came <= 2 * usual ? of.known : 0;
  }
  // One that is overdue by more than it took has fallen silent. Squared, so that what it is taken
  // for has an end.
  const auto silent = now - of.changed, due = 2 * of.gap;
  const auto late = silent <= due ? 1 : seconds(due) / seconds(silent);
  return of.rate * late * late;
}

void declared_meter::on_sample(time now, const std::map<std::uint64_t, account>& all) {
  std::erase_if(entries_, [&](const auto& one) { return !all.contains(one.first); });
  for (const auto& [connection, is] : all)
    learn(entries_[connection], now, is);
  const auto passed = last_ < time{0} ? 0.0 : seconds(std::max(now - last_, time{0}));
  const auto usual = usual_gap();
  for (auto& [connection, one] : entries_) {
    const auto used = rate_of(one, now, usual) * passed;
    one.spread += used;
    all_ += used;
  }
  last_ = now;
}

double declared_meter::spread(std::uint64_t connection) const {
  const auto found = entries_.find(connection);
  return found == entries_.end() ? 0 : found->second.spread;
}

}  // namespace dunlin::balance
