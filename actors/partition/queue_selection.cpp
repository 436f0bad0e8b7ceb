#include "actors/partition/queue_selection.hpp"

#include "messages/bucket_hash.hpp"

#include <algorithm>

namespace dunlin {

namespace {

class random_selection final : public queue_selection {
public:
  explicit random_selection(random_source& random) : random_{random} {}
  std::size_t choose(const std::vector<node_id>& queues, std::string_view) override {
    return random_.next() % queues.size();
  }

private:
  random_source& random_;
};

class round_robin_selection final : public queue_selection {
public:
  std::size_t choose(const std::vector<node_id>& queues, std::string_view) override {
    const auto next = std::upper_bound(queues.begin(), queues.end(), last_);
    const auto chosen = next == queues.end() ? queues.begin() : next;
    last_ = *chosen;
    return static_cast<std::size_t>(chosen - queues.begin());
  }

private:
  node_id last_;
};

/// The queue whose name and the item's together have the greatest hash: when a queue goes, only its
/// own items move.
class rendezvous_selection final : public queue_selection {
public:
  std::size_t choose(const std::vector<node_id>& queues, std::string_view item) override {
    std::size_t best = 0;
    std::uint64_t best_weight = 0;
    for (std::size_t i = 0; i < queues.size(); ++i) {
      const auto weight = bucket_hash(queues[i] + '\0' + std::string(item));
      if (i > 0 && weight <= best_weight) continue;
      best = i;
      best_weight = weight;
    }
    return best;
  }
  bool by_item() const override { return true; }
};

class nearest_selection final : public queue_selection {
public:
  nearest_selection(node_id self, random_source& random)
      : self_{std::move(self)}, random_{random} {}

  std::size_t choose(const std::vector<node_id>& queues, std::string_view) override {
    const auto own = std::find(queues.begin(), queues.end(), self_);
    if (own != queues.end()) return static_cast<std::size_t>(own - queues.begin());
    if (random_.next() % look_around == 0) return random_.next() % queues.size();
    std::size_t best = 0;
    for (std::size_t i = 1; i < queues.size(); ++i)
      if (cost(queues[i]) < cost(queues[best])) best = i;
    return best;
  }

  void observe(const node_id& queue, time took) override {
    const auto [found, first] = costs_.try_emplace(queue, took.count());
    if (!first) found->second += (static_cast<double>(took.count()) - found->second) / 8;
  }

private:
  /// Other queues may have come nearer.
  static constexpr std::uint64_t look_around = 64;

  /// One never asked comes first, so that all are known before long.
  double cost(const node_id& queue) const {
    const auto found = costs_.find(queue);
    return found == costs_.end() ? -1 : found->second;
  }

  node_id self_;
  random_source& random_;
  std::map<node_id, double> costs_;  // milliseconds, smoothed
};

}  // namespace

std::unique_ptr<queue_selection> select_queues(queue_choice how, const node_id& self,
                                               random_source& random) {
  switch (how) {
    case queue_choice::random: break;
    case queue_choice::round_robin: return std::make_unique<round_robin_selection>();
    case queue_choice::rendezvous: return std::make_unique<rendezvous_selection>();
    case queue_choice::nearest: return std::make_unique<nearest_selection>(self, random);
  }
  return std::make_unique<random_selection>(random);
}

}  // namespace dunlin
