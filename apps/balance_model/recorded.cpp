#include "apps/balance_model/recorded.hpp"

#include "runtime/topology/balance_change.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

namespace dunlin::balance_model {

namespace {

constexpr std::size_t examples_max = 5;

balance::uses uses_of(const google::protobuf::RepeatedPtrField<v1::ResourceLevel>& from) {
  balance::uses made;
  for (const auto& one : from)
    if (const auto of = balance::resource_named(one.name()))
      made.push_back({*of, one.load(), one.capacity()});
  return made;
}

bool refused_whatever_the_load(v1::OfferReply::Reason why) {
  return why == v1::OfferReply::COOLING || why == v1::OfferReply::DRAINING ||
         why == v1::OfferReply::FULL || why == v1::OfferReply::STARTING;
}

void check(const v1::BalanceRecord& record, const balance::acceptance& by, decision_check& to) {
  const auto& said = record.offer();
  if (refused_whatever_the_load(said.reason())) {
    ++to.whatever_the_load;
    return;
  }
  ++to.checked;
  balance::offer what;
  what.attempt = said.attempt();
  what.last_resort = said.last_resort();
  what.loads = uses_of(said.resources());
  what.fleet_level = said.fleet_level();
  const auto verdict = balance::decide_by_load(by, what);
  if (verdict.accepted == said.accepted() && static_cast<int>(verdict.why) == said.reason()) return;
  ++to.mismatches;
  if (to.examples.size() < examples_max)
    to.examples.push_back(
        fmt::format("{} at {}: attempt {} at level {} was {}, and is {} against {}", record.node(),
                    record.at_ms(), said.attempt(), balance::level_of(what.loads),
                    said.accepted() ? "accepted" : "refused",
                    verdict.accepted ? "accepted" : "refused", verdict.limit));
}

/// Reads the records once, from the first to the last.
class historian {
public:
  explicit historian(const records& all) : all_{all} {}

  result<recorded_past> tell() {
    if (all_.empty()) return ec::not_found;
    begin_ = all_.front().at_ms();
    for (const auto& record : all_)
      read(record);
    made_.seconds = at(all_.back());
    nodes();
    clients();
    figures();
    if (made_.nodes.empty() || made_.clients.empty()) return ec::not_found;
    return std::move(made_);
  }

private:
  using line_key = std::pair<std::string, std::uint64_t>;
  struct line {
    double first_offer = 0;
    std::uint32_t attempts = 0;  ///< that the first accept took; 0: nobody took it
    std::optional<double> ended;
    std::vector<balance_trace::change> demand;
    double last_move = -1e9;
  };
  struct node {
    double capacity = 0;  ///< adjusted, in unit nodes
    double level = 0;     ///< adjusted, of the last word
    double overhead = 0;
    std::uint32_t connections = 0;
  };

  double at(const v1::BalanceRecord& of) const {
    return static_cast<double>(of.at_ms() - begin_) / 1000;
  }

  void read(const v1::BalanceRecord& record) {
    if (record.has_settings()) read_settings(record);
    if (record.has_offer()) read_offer(record);
    if (record.has_leg()) read_leg(record);
    if (record.has_load()) read_load(record);
  }

  void read_settings(const v1::BalanceRecord& record) {
    if (auto outcome = topology::apply_balance({}, record.settings().balance()); outcome.read) {
      made_.settings = std::move(*outcome.read);
      nodes_[record.node()].overhead = made_.settings.load.failure_overhead;
    }
  }

  void read_offer(const v1::BalanceRecord& record) {
    const auto& said = record.offer();
    balancers_.insert(said.balancer());
    auto [found, fresh] = lines_.try_emplace({said.balancer(), said.line()});
    auto& one = found->second;
    if (fresh) one.first_offer = at(record);
    ++(said.accepted() ? made_.figures.accepted : made_.figures.refused);
    if (!said.accepted()) return;
    if (one.attempts == 0) {
      one.attempts = std::max(1u, said.attempt());
      return;
    }
    ++made_.figures.moves;
    const auto cool = static_cast<double>(made_.settings.rebalance.cool_down.count()) / 1000;
    if (at(record) - one.last_move < cool) ++made_.figures.moved_soon;
    one.last_move = at(record);
  }

  void read_leg(const v1::BalanceRecord& record) {
    const auto& said = record.leg();
    auto [found, fresh] = lines_.try_emplace({said.balancer(), said.line()});
    auto& one = found->second;
    if (fresh) {  // it came before the recording
      one.first_offer = 0;
      one.attempts = 1;
    }
    if (said.demand() > 0) one.demand.push_back({at(record), said.demand()});
    if (said.ended() && !said.moved()) one.ended = at(record);
  }

  void read_load(const v1::BalanceRecord& record) {
    auto& one = nodes_[record.node()];
    for (const auto& resource : record.load().resources())
      if (resource.name() == "node") one.capacity = resource.capacity();
    one.level = balance::level_of(uses_of(record.load().resources()));
    one.connections = record.load().connections();
    spread();
  }

  /// max/mean of what all nodes last said of themselves.
  void spread() {
    double most = 0, sum = 0, weights = 0;
    std::uint64_t connections = 0;
    for (const auto& [name, one] : nodes_) {
      if (one.capacity <= 0) return;  // not all have spoken
      connections += one.connections;
      most = std::max(most, one.level);
      sum += one.level * one.capacity;
      weights += one.capacity;
    }
    if (weights <= 0 || sum <= 0 || connections == 0) return;
    const auto keep = 1 - nodes_.begin()->second.overhead;
    means_.push_back(sum / weights * keep);
    spreads_.push_back(most / (sum / weights));
    mosts_.push_back(most * keep);
  }

  void nodes() {
    for (const auto& [name, one] : nodes_) {
      if (one.capacity <= 0) continue;
      made_.nodes.push_back(name);
      made_.capacities.push_back(one.capacity / (1 - one.overhead));
    }
    made_.balancers = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(balancers_.size()));
  }

  /// What one used before its first account, and one that had none: as it did then, as others do.
  void clients() {
    double sum = 0, count = 0;
    for (const auto& [key, one] : lines_)
      for (const auto& seen : one.demand)
        sum += seen.factor, ++count;
    for (auto& [key, one] : lines_) {
      if (one.attempts == 0) continue;
      recorded_workload::recorded_client made;
      made.of.begins = one.first_offer;
      made.of.ends = one.ended.value_or(made_.seconds + 1);
      made.of.net = 0;
      made.demand = std::move(one.demand);
      if (made.demand.empty()) made.demand.push_back({0, count > 0 ? sum / count : 0});
      made.demand.front().at = made.of.begins;
      made_.clients.push_back(std::move(made));
    }
    std::stable_sort(made_.clients.begin(), made_.clients.end(),
                     [](const auto& a, const auto& b) { return a.of.begins < b.of.begins; });
  }

  void figures() {
    auto& to = made_.figures;
    std::uint64_t attempts = 0, placed = 0;
    double connection_hours = 0;
    for (const auto& one : made_.clients)
      connection_hours += (std::min(one.of.ends, made_.seconds) - one.of.begins) / 3600;
    for (const auto& [key, one] : lines_) {
      ++to.connects;
      if (one.attempts == 0) {
        ++to.failed;
        continue;
      }
      ++to.attempts[one.attempts];
      attempts += one.attempts;
      ++placed;
    }
    const auto mean = [](const std::vector<double>& of) {
      return of.empty()
                 ? 0
                 : std::accumulate(of.begin(), of.end(), 0.0) / static_cast<double>(of.size());
    };
    to.attempts_mean = placed > 0 ? static_cast<double>(attempts) / static_cast<double>(placed) : 0;
    to.closes_per_hour =
        connection_hours > 0 ? static_cast<double>(to.moves) / connection_hours : 0;
    to.mean = mean(means_);
    to.max_mean = mean(spreads_);
    std::sort(spreads_.begin(), spreads_.end());
    std::sort(mosts_.begin(), mosts_.end());
    if (!spreads_.empty()) to.max_mean_p95 = spreads_[(spreads_.size() - 1) * 95 / 100];
    if (!mosts_.empty()) to.p99 = mosts_[(mosts_.size() - 1) * 99 / 100];
  }

  const records& all_;
  std::int64_t begin_ = 0;
  recorded_past made_;
  std::map<line_key, line> lines_;
  std::map<std::string, node> nodes_;
  std::set<std::string> balancers_;
  std::vector<double> means_, spreads_, mosts_;
};

}  // namespace

records in_order(std::vector<records> files) {
  records made;
  for (auto& file : files)
    for (auto& one : file)
      made.push_back(std::move(one));
  std::stable_sort(made.begin(), made.end(),
                   [](const auto& a, const auto& b) { return a.at_ms() < b.at_ms(); });
  return made;
}

decision_check check_decisions(const records& all) {
  decision_check made;
  std::map<std::string, balance::acceptance> in_use;
  for (const auto& record : all) {
    if (record.has_settings()) {
      const auto outcome = topology::apply_balance({}, record.settings().balance());
      if (outcome.read) in_use[record.node()] = outcome.read->accept;
    }
    if (!record.has_offer()) continue;
    ++made.offers;
    const auto found = in_use.find(record.node());
    if (found == in_use.end())
      ++made.without_settings;
    else
      check(record, found->second, made);
  }
  return made;
}

result<recorded_past> past_of(const records& all) { return historian{all}.tell(); }

}  // namespace dunlin::balance_model
