#include "apps/replay/model.hpp"

#include "apps/replay/percentile.hpp"

#include <limits>
#include <vector>

namespace dunlin::replay {

namespace {

constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

/// One node's cache: entries by item, in a list by use. The last slot is the list's head.
class lru {
public:
  struct entry {
    std::uint32_t version = 0;
    double expires_ms = 0;
    std::uint32_t older = none, newer = none;  // none: not held
  };

  explicit lru(std::size_t items) : entries_(items + 1), head_(static_cast<std::uint32_t>(items)) {
    entries_[head_].older = entries_[head_].newer = head_;
  }

  entry* find(std::uint32_t item) {
    return entries_[item].older == none ? nullptr : &entries_[item];
  }
  void keep(std::uint32_t item, std::uint32_t version, double expires_ms, std::size_t items_max) {
    entries_[item].version = version;
    entries_[item].expires_ms = expires_ms;
    touch(item);
    if (held_ > items_max) drop(entries_[head_].newer);
  }
  void touch(std::uint32_t item) {
    if (find(item)) drop(item);
    auto& it = entries_[item];
    it.newer = head_;
    it.older = entries_[head_].older;
    entries_[it.older].newer = item;
    entries_[head_].older = item;
    ++held_;
  }
  void drop(std::uint32_t item) {
    auto& it = entries_[item];
    entries_[it.older].newer = it.newer;
    entries_[it.newer].older = it.older;
    it.older = it.newer = none;
    --held_;
  }

private:
  std::vector<entry> entries_;
  std::uint32_t head_;
  std::size_t held_ = 0;
};

class modelled {
public:
  modelled(const plan& of, const model& what)
      : what_{what}, nodes_(of.nodes, lru(of.items.size())), written_ms_(of.items.size()) {}

  void write(const step& at) {
    auto& times = written_ms_[at.item];
    times.push_back(at.due_ms);
    const auto version = static_cast<std::uint32_t>(times.size());
    const auto value = what_.others == model::told::what_it_is_now;
    auto& own = nodes_[at.node];
    if (value || own.find(at.item)) own.keep(at.item, version, expiry(at), what_.items_max);
    if (what_.others != model::told::nothing)
      for (auto& node : nodes_)
        if (auto* held = node.find(at.item); held && held->version < version)
          hear(node, at, *held, version);
    figures_.writes += at.counted ? 1 : 0;
  }

  void look_up(const step& at) {
    auto& node = nodes_[at.node];
    const auto& times = written_ms_[at.item];
    const auto newest = static_cast<std::uint32_t>(times.size());
    figures_.lookups += at.counted ? 1 : 0;
    const auto* held = node.find(at.item);
    if (!held || held->expires_ms <= at.due_ms) {
      figures_.reads += at.counted ? 1 : 0;
      return node.keep(at.item, newest, expiry(at), what_.items_max);
    }
    if (at.counted && held->version != newest) {
      ++figures_.stale;
      ages_ms_.push_back(at.due_ms - times[held->version]);
    }
    node.touch(at.item);
  }

  model_figures finish() {
    figures_.age_p50_ms = percentile(ages_ms_, .5);
    figures_.age_p99_ms = percentile(ages_ms_, .99);
    figures_.age_max_ms = percentile(ages_ms_, 1);
    return figures_;
  }

private:
  double expiry(const step& at) const { return at.due_ms + what_.time_to_live_ms; }
  void hear(lru& node, const step& at, lru::entry& held, std::uint32_t version) const {
    if (what_.others == model::told::that_it_changed) return node.drop(at.item);
    held.version = version;
    held.expires_ms = expiry(at);
  }

  const model what_;
  std::vector<lru> nodes_;
  std::vector<std::vector<double>> written_ms_;  // of each item, when it was written
  std::vector<double> ages_ms_;
  model_figures figures_;
};

}  // namespace

double model_figures::reads_per_1000() const {
  return lookups == 0 ? 0 : 1000.0 * static_cast<double>(reads) / static_cast<double>(lookups);
}

double model_figures::stale_share() const {
  return lookups == 0 ? 0 : static_cast<double>(stale) / static_cast<double>(lookups);
}

model_figures run_model(const plan& of, const model& what) {
  modelled world{of, what};
  for (const auto& one : of.steps)
    one.write ? world.write(one) : world.look_up(one);
  return world.finish();
}

}  // namespace dunlin::replay
