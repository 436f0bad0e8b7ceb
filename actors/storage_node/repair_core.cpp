#include "actors/storage_node/repair_core.hpp"

#include "messages/page_id.hpp"

#include <algorithm>

namespace dunlin {

bool repair_core::add(std::uint32_t replica_set, const std::string& first_page, std::uint64_t pages,
                      const node_id& source) {
  const auto same = [&](const range& other) {
    return other.replica_set == replica_set && other.first_page == first_page &&
           other.pages >= pages && other.begun == 0;
  };
  if (std::any_of(ranges_.begin(), ranges_.end(), same)) return true;
  if (pages == 1 && in_flight_.contains(first_page)) return true;
  if (ranges_.size() >= limits_.ranges_max) return false;
  if (pages > 0) ranges_.push_back({replica_set, first_page, pages, source, 0, {}, 0});
  return true;
}

std::vector<repair_core::fetch> repair_core::next(time now) {
  std::vector<fetch> effects;
  for (auto at = ranges_.begin(); at != ranges_.end();) {
    auto& of = *at;
    while (of.not_before <= now && of.begun < of.pages &&
           in_flight_.size() < limits_.in_flight_max) {
      auto page = page_at(of.first_page, of.begun++);
      if (!in_flight_.insert(page).second) continue;
      effects.push_back({std::move(page), of.replica_set, of.source, of.attempt});
    }
    if (in_flight_.size() >= limits_.in_flight_max && of.begun < of.pages) break;
    at = of.begun == of.pages ? ranges_.erase(at) : std::next(at);
  }
  return effects;
}

repair_core::time repair_core::back_off(std::uint32_t attempt) const {
  auto wait = limits_.back_off_first;
  for (std::uint32_t i = 0; i < attempt && wait < limits_.back_off_max; ++i)
    wait *= 2;
  return std::min(wait, limits_.back_off_max);
}

void repair_core::on_done(const fetch& what, bool good, time now) {
  in_flight_.erase(what.page);
  if (good || what.attempt + 1 >= limits_.attempts_max) return;
  if (ranges_.size() >= limits_.ranges_max) return;
  ranges_.push_back({what.replica_set, what.page, 1, what.source, what.attempt + 1,
                     now + back_off(what.attempt), 0});
}

std::optional<repair_core::time> repair_core::wake_at() const {
  if (in_flight_.size() >= limits_.in_flight_max || ranges_.empty()) return {};
  const auto first =
      std::min_element(ranges_.begin(), ranges_.end(),
                       [](const range& a, const range& b) { return a.not_before < b.not_before; });
  return first->not_before;
}

}  // namespace dunlin
