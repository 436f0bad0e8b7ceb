/// ENTRY STORE: the table under a near cache. Slots by key; of those that hold an entry: the order
/// of use (Q15), the order of age (Q6), who is of which partition, and what they cost. Decides
/// nothing: whether and what to keep or drop is near_cache_core's.
#pragma once

#include "actors/near_cache/heard_log.hpp"
#include "actors/near_cache/near_cache_types.hpp"

#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin {

/// What is held of one key: right for every tick from item.tick to `read`.
struct cache_entry {
  using time = std::chrono::milliseconds;

  partition_id partition = 0;
  std::uint64_t read = 0;  ///< the partition's tick at the newest look that saw this item
  cached_item item;
  time proven_at{};         ///< no newer value had been committed then, as a leader said
  time kept_at{};           ///< start of its time to live
  std::uint64_t since = 0;  ///< last ticket when `read` was set
};

/// Tickets that are open on one key, and who waits.
struct key_requests {
  using time = cache_entry::time;
  struct reader {
    std::uint64_t id = 0;
    bool confirm = false;  ///< only what the leader says after this reader came will do
    bool joined = false;   ///< came after the request at hand was sent
  };

  std::size_t tickets = 0;
  heard_log heard;
  std::uint64_t asking = 0;  ///< the request in flight, at most one; 0: none
  bool prefetch = false;     ///< it was not made for a reader
  time asked_at{};
  cached_item known;  ///< what it is to confirm; tick 0: nothing
  std::vector<reader> waiting;
  std::vector<reader> next;           ///< for the request after it
  std::uint64_t seen = 0;             ///< newest tick that a reader got while tickets were open
  std::uint64_t seen_when_asked = 0;  ///< of that, before the request in flight
};

namespace bi = boost::intrusive;

struct cache_slot {
  using hook = bi::list_member_hook<bi::link_mode<bi::safe_link>>;

  const std::string* key = nullptr;
  bool held = false;
  cache_entry entry;                       ///< if held
  std::size_t charge = 0;                  ///< if held: bytes
  std::uint64_t used = 0;                  ///< if held: counts uses of the whole cache
  std::unique_ptr<key_requests> requests;  ///< while tickets are open
  hook by_use, by_age, by_partition, by_want;

  bool absent() const { return held && !entry.item.value; }
  bool wanted() const { return by_want.is_linked(); }
};

/// A request is in flight.
inline bool asked(const cache_slot& slot) { return slot.requests && slot.requests->asking != 0; }

class entry_store {
public:
  /// Beside key and value: a slot, its node in the table, the shared value's block.
  static constexpr std::size_t overhead_bytes = 320;

  entry_store() = default;
  entry_store(const entry_store&) = delete;
  ~entry_store();

  static std::size_t charge(std::string_view key, const cached_item& item) {
    return overhead_bytes + key.size() + (item.value ? item.value->bytes : 0);
  }

  cache_slot* find(std::string_view key);
  cache_slot& find_or_add(std::string_view key);
  /// Forgets the slot if nothing is held, open or wanted; it must not be used afterwards.
  void release(cache_slot& slot);

  /// Holds `entry` from now on, as the most recently used and the youngest.
  void keep(cache_slot& slot, cache_entry entry);
  void drop(cache_slot& slot);
  void use(cache_slot& slot);

  /// Least recently used of all, or of the negative entries only.
  cache_slot* least_used();
  cache_slot* least_used_absent() { return absent_.empty() ? nullptr : &absent_.front(); }
  cache_slot* oldest() { return by_age_.empty() ? nullptr : &by_age_.front(); }
  const cache_slot* oldest() const { return by_age_.empty() ? nullptr : &by_age_.front(); }

  /// Those of the partition whose `read` is below `tick`; O(what the partition holds).
  std::vector<cache_slot*> read_before(partition_id partition, std::uint64_t tick);
  std::vector<cache_slot*> all();

  /// What a mirror has to fetch, oldest wish first.
  void want(cache_slot& slot);
  void unwant(cache_slot& slot);
  cache_slot* first_wanted() { return wanted_.empty() ? nullptr : &wanted_.front(); }

  std::size_t items() const { return items_; }
  std::size_t absents() const { return absents_; }
  std::size_t bytes() const { return bytes_; }
  std::size_t wanted() const { return wants_; }
  std::size_t slots() const { return slots_.size(); }

  /// Stops the process if the orders and sums contradict the table. O(n), for tests.
  void check() const;

private:
  template <cache_slot::hook cache_slot::*Hook>
  using list = bi::list<cache_slot, bi::member_hook<cache_slot, cache_slot::hook, Hook>,
                        bi::constant_time_size<false>>;
  using use_list = list<&cache_slot::by_use>;

  use_list& uses_of(const cache_slot& slot) { return slot.absent() ? absent_ : present_; }

  std::map<std::string, cache_slot, std::less<>> slots_;
  use_list present_, absent_;  // least recently used first
  list<&cache_slot::by_age> by_age_;
  std::map<partition_id, list<&cache_slot::by_partition>> by_partition_;
  list<&cache_slot::by_want> wanted_;
  std::size_t items_ = 0, absents_ = 0, bytes_ = 0, wants_ = 0;
  std::uint64_t uses_ = 0;
};

}  // namespace dunlin
