/// RECORDER: the ledger of a run whose near caches tell what they hear from any thread.
#pragma once

#include "apps/replay/item_words.hpp"
#include "apps/replay/ledger.hpp"

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace dunlin::replay {

class recorder {
public:
  explicit recorder(const plan& of) : ledger_{of.items.size(), of.nodes} {
    for (std::uint32_t i = 0; i < of.items.size(); ++i)
      known_[type_of(of.items[i].kind)].emplace(key_of(of.items[i]), i);
  }

  /// A change of the type and key has taken effect at the node's near cache.
  void heard(ledger::time now, std::uint16_t node, std::string_view type, const std::string& key,
             std::uint64_t tick) {
    const auto of_type = known_.find(type);
    if (of_type == known_.end()) return;
    const auto found = of_type->second.find(key);
    if (found == of_type->second.end()) return;
    write([&](ledger& to) { to.heard(now, found->second, node, tick); });
  }

  template <class Words>
  void write(Words words) {
    const auto lock = std::scoped_lock{guard_};
    words(ledger_);
  }
  template <class Question>
  auto read(Question question) const {
    const auto lock = std::scoped_lock{guard_};
    return question(ledger_);
  }

private:
  std::map<std::string_view, std::unordered_map<std::string, std::uint32_t>> known_;
  mutable std::mutex guard_;
  ledger ledger_;
};

}  // namespace dunlin::replay
