#include "actors/near_cache/entry_store.hpp"

#include <iterator>

namespace dunlin {

entry_store::~entry_store() {
  // The lists before the slots that they link.
  present_.clear();
  absent_.clear();
  by_age_.clear();
  for (auto& [id, list] : by_partition_)
    list.clear();
  wanted_.clear();
}

cache_slot* entry_store::find(std::string_view key) {
  const auto found = slots_.find(key);
  return found == slots_.end() ? nullptr : &found->second;
}

cache_slot& entry_store::find_or_add(std::string_view key) {
  const auto where = slots_.lower_bound(key);
  if (where != slots_.end() && where->first == key) return where->second;
  const auto added = slots_.try_emplace(where, std::string{key});
  added->second.key = &added->first;
  return added->second;
}

void entry_store::release(cache_slot& slot) {
  if (slot.held || slot.requests || slot.wanted()) return;
  slots_.erase(slots_.find(*slot.key));
}

void entry_store::keep(cache_slot& slot, cache_entry entry) {
  drop(slot);
  slot.entry = std::move(entry);
  slot.held = true;
  slot.charge = charge(*slot.key, slot.entry.item);
  slot.used = ++uses_;
  uses_of(slot).push_back(slot);
  by_age_.push_back(slot);
  by_partition_[slot.entry.partition].push_back(slot);
  ++items_;
  absents_ += slot.absent();
  bytes_ += slot.charge;
}

void entry_store::drop(cache_slot& slot) {
  if (!slot.held) return;
  uses_of(slot).erase(use_list::s_iterator_to(slot));
  by_age_.erase(by_age_.iterator_to(slot));
  const auto partition = by_partition_.find(slot.entry.partition);
  partition->second.erase(partition->second.iterator_to(slot));
  if (partition->second.empty()) by_partition_.erase(partition);
  --items_;
  absents_ -= slot.absent();
  bytes_ -= slot.charge;
  slot.held = false;
  slot.entry = {};
}

void entry_store::use(cache_slot& slot) {
  auto& list = uses_of(slot);
  list.splice(list.end(), list, use_list::s_iterator_to(slot));
  slot.used = ++uses_;
}

cache_slot* entry_store::least_used() {
  if (absent_.empty()) return present_.empty() ? nullptr : &present_.front();
  if (present_.empty()) return &absent_.front();
  return absent_.front().used < present_.front().used ? &absent_.front() : &present_.front();
}

std::vector<cache_slot*> entry_store::read_before(partition_id partition, std::uint64_t tick) {
  std::vector<cache_slot*> found;
  const auto list = by_partition_.find(partition);
  if (list == by_partition_.end()) return found;
  for (auto& slot : list->second)
    if (slot.entry.read < tick) found.push_back(&slot);
  return found;
}

std::vector<cache_slot*> entry_store::all() {
  std::vector<cache_slot*> found;
  found.reserve(items_);
  for (auto& slot : by_age_)
    found.push_back(&slot);
  return found;
}

void entry_store::want(cache_slot& slot) {
  if (slot.wanted()) return;
  wanted_.push_back(slot);
  ++wants_;
}

void entry_store::unwant(cache_slot& slot) {
  if (!slot.wanted()) return;
  wanted_.erase(wanted_.iterator_to(slot));
  --wants_;
}

void entry_store::check() const {
  std::size_t items = 0, absents = 0, bytes = 0, wants = 0;
  for (const auto& [key, slot] : slots_) {
    DUNLIN_ASSERT(slot.key == &key);
    DUNLIN_ASSERT(slot.held || slot.requests || slot.wanted());
    DUNLIN_ASSERT(!slot.held || slot.charge == charge(key, slot.entry.item));
    DUNLIN_ASSERT(!slot.held || slot.entry.item.tick <= slot.entry.read);
    DUNLIN_ASSERT(slot.by_use.is_linked() == slot.held && slot.by_age.is_linked() == slot.held);
    items += slot.held;
    absents += slot.absent();
    bytes += slot.held ? slot.charge : 0;
    wants += slot.wanted();
  }
  DUNLIN_ASSERT(items == items_ && absents == absents_ && bytes == bytes_ && wants == wants_);
  std::size_t of_partitions = 0;
  for (const auto& [id, list] : by_partition_)
    of_partitions += list.size();
  DUNLIN_ASSERT(of_partitions == items && by_age_.size() == items);
  DUNLIN_ASSERT(absent_.size() == absents && present_.size() == items - absents);
}

}  // namespace dunlin
