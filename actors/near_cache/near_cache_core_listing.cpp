// What a listing brings to a full mirror (Q22).
#include "actors/near_cache/near_cache_core.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

void near_cache_core::begin_page(time now) { page_ = page{now, 0}; }

void near_cache_core::note_page(std::uint64_t tick) {
  if (page_) page_->heard = std::max(page_->heard, tick);
}

// Of what is not held nobody keeps what is heard, so a page that is older than anything heard since
// it was asked for may name what has changed or gone: then each item is asked for.
near_cache_core::effects near_cache_core::on_page(time now, partition_id partition,
                                                  std::uint64_t read, std::vector<listed> items) {
  effects out;
  const auto asked_for = std::exchange(page_, {});
  if (!asked_for) return out;
  auto& state = partitions_[partition];
  state.newest = std::max(state.newest, read);
  const auto sure = asked_for->heard <= read && read >= state.base;
  for (auto& item : items) {
    if (!mirroring_) break;
    auto& slot = store_.find_or_add(item.key);
    if (!slot.held && !asked(slot)) {
      cached_item what{item.tick, std::move(item.value)};
      if (sure && what.value && !slot.requests && item.tick <= read && fits(slot, what)) {
        ++figures_.listed;
        store_.unwant(slot);
        store_.keep(slot,
                    {partition, read, std::move(what), asked_for->asked_at, now, last_ticket_});
      } else {
        store_.want(slot);
      }
    }
    settle(now, slot, out);
  }
  go_on(now, out);
  return out;
}

void near_cache_core::give_up_page() { page_.reset(); }

}  // namespace dunlin
