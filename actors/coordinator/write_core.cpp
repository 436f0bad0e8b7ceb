#include "actors/coordinator/write_core.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

bool write_core::current(std::uint32_t attempt, std::size_t replica) const {
  return phase_ != phase::over && attempt == attempt_ && replica < replicas_.size() &&
         replicas_[replica].alive;
}

std::size_t write_core::open_pages() const {
  return static_cast<std::size_t>(std::count_if(
      pages_.begin(), pages_.end(), [&](const auto& entry) { return !at_quorum(entry.second); }));
}

std::uint64_t write_core::retained_bytes() const {
  std::uint64_t sum = gathered_.size();
  for (const auto& [index, which] : pages_)
    sum += which.bytes->size();
  return sum;
}

// ---- bytes into pages ----

void write_core::cut_page(buffer bytes) {
  length_ += bytes->size();
  const auto index = pages_cut_++;
  pages_[index].bytes = std::move(bytes);
  for (auto& replica : replicas_)
    if (replica.alive) replica.queue.insert(index);
}

write_core::effects write_core::on_bytes(const buffer& bytes) {
  effects out;
  if (phase_ == phase::over) return {failed{ec::closed}};
  DUNLIN_ASSERT(!finishing_ && !waiting_);
  waiting_ = true;
  auto rest = bytes ? std::string_view(*bytes) : std::string_view();
  if (!rest.empty() && !begun_) {
    begun_ = true;
    out.push_back(place{});
  }
  // A page that comes whole is shared, not copied.
  if (gathered_.empty() && rest.size() == limits_.page_bytes) {
    cut_page(bytes);
    rest = {};
  }
  while (!rest.empty()) {
    if (gathered_.empty() && rest.size() > limits_.page_bytes / 16)
      gathered_.reserve(limits_.page_bytes);
    const auto part = rest.substr(0, limits_.page_bytes - gathered_.size());
    gathered_ += part;
    rest.remove_prefix(part.size());
    if (gathered_.size() == limits_.page_bytes)
      cut_page(std::make_shared<const std::string>(std::exchange(gathered_, {})));
  }
  go_on(out);
  return out;
}

write_core::effects write_core::on_finish() {
  if (phase_ == phase::over) return {failed{ec::closed}};
  effects out;
  DUNLIN_ASSERT(!finishing_);
  finishing_ = true;
  if (!gathered_.empty())
    cut_page(std::make_shared<const std::string>(std::exchange(gathered_, {})));
  if (pages_cut_ == 0) {
    phase_ = phase::over;
    return {finished{0}, close{}};
  }
  go_on(out);
  return out;
}

// ---- sets and replicas ----

write_core::effects write_core::on_placed(std::uint32_t set, std::size_t replicas) {
  if (phase_ != phase::placing) return {};
  effects out;
  phase_ = phase::writing;
  sets_tried_.insert(set);
  replicas_.assign(replicas, {});
  // All tickets at once, for the first page may be the only one: one round trip, then its bytes.
  for (auto& replica : replicas_)
    for (const auto& [index, which] : pages_)
      replica.queue.insert(index);
  // Without a full page yet the object is likely a small one. What of a ticket is not spent stays
  // with the storage node until its deadline, and it keeps a bounded number.
  const auto pages = pages_.empty() ? 1 : limits_.ticket_pages;
  for (std::size_t i = 0; i < replicas; ++i) {
    replicas_[i].asking = true;
    replicas_[i].asked_pages = pages;
    out.push_back(open_ticket{attempt_, i, 0, pages});
  }
  go_on(out);
  return out;
}

write_core::effects write_core::on_no_set() {
  if (phase_ != phase::placing) return {};
  phase_ = phase::over;
  return {failed{disk_full_ ? ec::disk_full : ec::unavailable}, close{}};
}

void write_core::drop(std::size_t replica, ec why) {
  auto& dropped = replicas_[replica];
  dropped.alive = false;
  dropped.queue.clear();
  dropped.in_flight.clear();
  if (why == ec::disk_full) disk_full_ = true;
}

std::size_t write_core::lag_of(std::size_t replica) const {
  std::size_t lag = 0;
  for (const auto& [index, which] : pages_)
    if (at_quorum(which) && !which.durable_at.contains(replica)) lag += which.bytes->size();
  return lag;
}

void write_core::drop_laggards() {
  for (std::size_t i = 0; i < replicas_.size(); ++i)
    if (replicas_[i].alive && lag_of(i) > limits_.lag_bytes_max) drop(i, ec::timed_out);
}

void write_core::forget_spread_pages() {
  std::erase_if(pages_, [&](const auto& entry) {
    if (!at_quorum(entry.second)) return false;
    for (std::size_t i = 0; i < replicas_.size(); ++i)
      if (replicas_[i].alive && !entry.second.durable_at.contains(i)) return false;
    return true;
  });
}

bool write_core::quorum_possible() const {
  const auto possible = [&](const page& which) {
    auto count = which.durable_at.size();
    for (std::size_t i = 0; i < replicas_.size(); ++i)
      if (replicas_[i].alive && !which.durable_at.contains(i)) ++count;
    return count >= quorum_;
  };
  return std::all_of(pages_.begin(), pages_.end(),
                     [&](const auto& entry) { return possible(entry.second); });
}

void write_core::feed(effects& out, std::size_t which) {
  auto& replica = replicas_[which];
  while (replica.alive && !replica.asking && !replica.queue.empty() &&
         replica.in_flight.size() < limits_.in_flight_max) {
    const auto index = *replica.queue.begin();
    if (index < replica.ticket_first || index >= replica.ticket_end) {
      replica.asking = true;
      replica.asked_first = index;
      replica.asked_pages = limits_.ticket_pages;
      out.push_back(open_ticket{attempt_, which, index, limits_.ticket_pages});
      return;
    }
    replica.queue.erase(replica.queue.begin());
    replica.in_flight.emplace(index, replica.ticket_number);
    out.push_back(send_page{attempt_, which, index, pages_.at(index).bytes});
  }
}

// ---- answers ----

write_core::effects write_core::on_ticket(std::uint32_t attempt, std::size_t which,
                                          result<void> outcome) {
  if (!current(attempt, which)) return {};
  effects out;
  auto& replica = replicas_[which];
  replica.asking = false;
  if (outcome) {
    replica.ticket_first = replica.asked_first;
    replica.ticket_end = replica.asked_first + replica.asked_pages;
    ++replica.ticket_number;
  } else {
    drop(which, outcome.error());
  }
  go_on(out);
  return out;
}

write_core::effects write_core::on_page(std::uint32_t attempt, std::size_t which,
                                        std::uint64_t index, result<void> outcome) {
  if (!current(attempt, which)) return {};
  effects out;
  auto& replica = replicas_[which];
  const auto sent = replica.in_flight.extract(index);
  if (sent.empty()) return {};
  if (outcome) {
    replica.refusals = 0;
    replica.durable.insert(index);
    while (replica.durable.erase(replica.durable_below) > 0)
      ++replica.durable_below;
    auto& page = pages_.at(index);
    page.durable_at.insert(which);
    ever_durable_ = ever_durable_ || at_quorum(page);
  } else if (outcome.error() == ec::refused && replica.refusals < limits_.refusals_max) {
    DUNLIN_REACHED("coordinator.ticket_renewed");
    // The ticket ran out while a slow client took its time: another one, and the page again.
    replica.queue.insert(index);
    if (sent.mapped() == replica.ticket_number) {
      ++replica.refusals;
      replica.ticket_end = 0;
    }
  } else {
    drop(which, outcome.error());
  }
  go_on(out);
  return out;
}

/// What follows from the new state, whatever changed it.
void write_core::go_on(effects& out) {
  if (phase_ == phase::over || phase_ == phase::placing) return settle(out);
  drop_laggards();
  if (!quorum_possible()) return give_up(out);
  forget_spread_pages();
  for (std::size_t i = 0; i < replicas_.size(); ++i)
    feed(out, i);
  settle(out);
}

void write_core::settle(effects& out) {
  if (phase_ == phase::over) return;
  if (waiting_ && open_pages() < limits_.window_pages) {
    waiting_ = false;
    out.push_back(take_more{});
  }
  if (!finishing_ || phase_ == phase::placing || !all_at_quorum()) return;
  if (phase_ == phase::answered) {
    if (spread()) end(out);
    return;
  }
  if (spread()) {
    out.push_back(finished{length_});
    return end(out);
  }
  if (phase_ == phase::graced) return;
  phase_ = phase::graced;
  out.push_back(arm_grace{});
}

bool write_core::spread() const { return pages_.empty(); }

void write_core::give_up(effects& out) {
  out.push_back(discard{attempt_, pages_cut_});
  ++attempt_;
  replicas_.clear();
  // Another set can take over only while nothing was forgotten: from the first page on.
  if (ever_durable_ || sets_tried_.size() >= limits_.sets_max) {
    DUNLIN_REACHED("coordinator.write_given_up");
    phase_ = phase::over;
    out.push_back(failed{disk_full_ ? ec::disk_full : ec::unavailable});
    out.push_back(close{});
    return;
  }
  DUNLIN_REACHED("coordinator.other_set_taken");
  for (auto& [index, which] : pages_)
    which.durable_at.clear();
  phase_ = phase::placing;
  out.push_back(place{sets_tried_});
}

// ---- the end ----

write_core::effects write_core::on_grace() {
  if (phase_ != phase::graced) return {};
  DUNLIN_REACHED("coordinator.answered_before_all_replicas");
  phase_ = phase::answered;
  return {finished{length_}, arm_linger{}};
}

write_core::effects write_core::on_linger() {
  effects out;
  if (phase_ == phase::answered) end(out);
  return out;
}

write_core::effects write_core::on_abandoned() {
  if (phase_ == phase::over) return {};
  if (phase_ == phase::answered) return {};  // what it came for is done; the stragglers go on
  const auto written = phase_ == phase::placing ? 0 : pages_cut_;
  phase_ = phase::over;
  if (written == 0) return {close{}};
  return {discard{attempt_, written}, close{}};
}

void write_core::end(effects& out) {
  phase_ = phase::over;
  const auto whole = [&](const replica_state& one) { return one.durable_below == pages_cut_; };
  const auto source = std::find_if(replicas_.begin(), replicas_.end(), whole);
  for (std::size_t i = 0; i < replicas_.size() && source != replicas_.end(); ++i)
    if (!whole(replicas_[i]))
      out.push_back(repair{i, replicas_[i].durable_below, pages_cut_ - replicas_[i].durable_below,
                           static_cast<std::size_t>(source - replicas_.begin())});
  pages_.clear();
  out.push_back(close{});
}

}  // namespace dunlin
