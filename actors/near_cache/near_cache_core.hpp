/// NEAR CACHE CORE: one near cache of one type for one service (Q4 to Q6, Q11, Q14, Q15, Q22, Q23;
/// decision 0011). Decides what is served at once, what the partition's leader is asked, and what
/// is kept of all that comes back or is heard. Knows no clock, no actor, no record's form.
///
/// What it promises, if leaders answer by linearizable reads and the subscription is honest:
///  * A reader in mode `validated`, or one that wants its answer confirmed, gets nothing older than
///    the newest change committed before it came.
///  * A reader in mode `bounded` gets nothing older than the newest change committed staleness_max
///    before it came.
///  * The ticks that readers of one key are served never go back, whatever arrives in any order.
///  * Every reader is answered once, if every `ask` is. Every bound of the parameters holds.
/// And if messages lie: a tick however absurd drops an entry or leaves one answer unkept, no more.
///
/// What it relies on: a partition that gives keys away announces a `whole` change of each type as
/// its last of them, and the partition that takes them goes on with greater ticks (decision 12).
#pragma once

#include "actors/near_cache/entry_store.hpp"
#include "actors/near_cache/near_cache_types.hpp"
#include "messages/vocabulary.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace dunlin {

class near_cache_core {
public:
  using time = cache_entry::time;  ///< since any fixed moment, the service's own clock
  using reader_id = std::uint64_t;
  using ticket_id = std::uint64_t;  ///< 0: none

  enum class wants {
    served,     ///< as the mode says
    confirmed,  ///< as the leader says from now on: before a 404 or 403 is given (decision 16)
  };

  // ---- effects ----
  struct serve {
    reader_id reader = 0;
    cached_item item;
    partition_id partition = 0;
    bool from_cache = false;  ///< no leader was asked for it
    bool confirmed = false;   ///< as good as for wants::confirmed
    time age{};               ///< since it was surely the newest (X2)
  };
  struct fail {
    reader_id reader = 0;
    ec why{};  ///< overloaded: a bound is reached; else as on_answer() was told
  };
  /// Ask whoever leads the key's partition, by a linearizable read; on_answer() must follow, if
  /// only with a failure.
  struct ask {
    ticket_id ticket = 0;
    std::string key;
    std::uint64_t known = 0;  ///< tick held: `unchanged` is answer enough; 0: it is not
    bool prefetch = false;    ///< nobody waits for it
  };
  /// The bounds are too small for a full mirror: from now on it is filled on demand.
  struct mirror_refused {};
  using effect = std::variant<serve, fail, ask, mirror_refused>;
  using effects = std::vector<effect>;

  // ---- what a leader answers ----
  struct found {
    partition_id partition = 0;
    std::uint64_t read = 0;  ///< the partition's tick as of the read
    std::uint64_t tick = 0;  ///< the record's
    cached_value value;
  };
  struct absent {
    partition_id partition = 0;
    std::uint64_t read = 0;
  };
  struct unchanged {
    partition_id partition = 0;
    std::uint64_t read = 0;
  };
  using answer = std::variant<found, absent, unchanged, ec>;

  /// What the subscription knows of this type in one partition.
  struct proof {
    time when{};               ///< every change committed by then has been heard …
    std::uint64_t base = 0;    ///< … if its tick is beyond this
    std::uint64_t newest = 0;  ///< tick of the partition, as its leader said; 0: not known
  };

  explicit near_cache_core(near_cache_parameters parameters, time now = {});

  // ---- readers ----
  effects look_up(time now, std::string_view key, reader_id reader, wants what = wants::served);
  effects on_answer(time now, ticket_id ticket, const answer& said);

  // ---- writers: a ticket before the leader is asked, its end before the client is answered ----
  /// 0 at the bound: the write may go on, its value is not kept. Where changes do not carry values,
  /// neither is that of what was not held: its next writer elsewhere would only make it old.
  ticket_id begin_write(time now, std::string_view key);
  effects on_written(time now, ticket_id ticket, std::string_view key, partition_id partition,
                     std::uint64_t tick, const change_content& content);
  /// It may have happened or may yet: nothing that was known of the key is sure.
  effects on_write_lost(time now, ticket_id ticket, std::string_view key);
  /// It surely has not happened, nor will it.
  effects on_write_refused(time now, ticket_id ticket);

  // ---- what is heard ----
  effects on_update(time now, partition_id partition, std::string_view key, std::uint64_t tick,
                    const change_content& content);
  /// Any item of the partition may have changed by `tick`. A mirror's owner lists it anew.
  effects on_whole(time now, partition_id partition, std::uint64_t tick);
  /// Drops what was read before `base`, the point from which changes are heard again; with base 0
  /// all of the partition, and what is being read of it is not kept.
  effects on_drop(time now, partition_id partition, std::uint64_t base, cache_death why);
  effects on_drop_all(time now, cache_death why);
  void on_proven(time now, partition_id partition, const proof& what);

  // ---- the rest ----
  /// Keys that a full mirror is to hold, as a listing named them; nothing happens on demand.
  effects mirror(time now, const std::vector<std::string>& keys);
  /// Of a page of a listing; without value only that there is such an item.
  struct listed {
    std::string key;
    std::uint64_t tick = 0;
    std::optional<cached_value> value;
  };
  /// Before a page is asked for, by a linearizable read; on_page() or give_up_page() must follow.
  void begin_page(time now);
  /// `read`: the partition's tick as of the read. What came with its value is held without asking.
  effects on_page(time now, partition_id partition, std::uint64_t read, std::vector<listed> items);
  void give_up_page();
  /// Obeyed at once. A mirror that was refused is tried again.
  effects set_parameters(time now, near_cache_parameters parameters);
  effects on_timer(time now);
  /// When on_timer() has work; none: never.
  std::optional<time> next_wake() const;

  const near_cache_parameters& parameters() const { return parameters_; }
  near_cache_figures figures() const;
  bool mirroring() const { return mirroring_; }
  std::size_t waiting() const { return readers_; }
  std::size_t tickets() const { return tickets_.size(); }
  /// Stops the process if something contradicts itself. O(n), for tests.
  void check() const;

private:
  struct ticket {
    cache_slot* slot = nullptr;
    time begun{};
    bool given_up = false;  // a request that another one has taken the place of
    bool kept_here = true;  // a write of what somebody here has asked for
  };
  struct partition_state {
    std::optional<time> proven;
    std::uint64_t base = 0;
    std::uint64_t newest = 0;  // that a leader named: what goes far beyond it is not believed
  };
  // What might be kept, and where it stands in time.
  struct candidate {
    partition_id partition = 0;
    std::uint64_t read = 0;
    cached_item item;
    time proven_at{};
  };

  // near_cache_core.cpp: readers and answers
  bool fresh_enough(time now, const cache_slot& slot) const;
  time proof_of(const cache_entry& entry) const;
  void hit(time now, cache_slot& slot, reader_id reader, effects& out);
  void refuse(reader_id reader, effects& out);
  void wait(time now, cache_slot& slot, key_requests::reader who, effects& out);
  bool hurry(time now, cache_slot& slot, effects& out);
  bool may_join(time now, const cache_slot& slot, const key_requests::reader& who) const;
  bool send_ask(time now, cache_slot& slot, bool prefetch, effects& out);
  std::optional<candidate> read_from(const answer& said, const key_requests& requests) const;
  void hand_out(time now, cache_slot& slot, const candidate& read, effects& out);
  void fail_waiting(time now, cache_slot& slot, ec why, effects& out);
  void serve_next(time now, cache_slot& slot, effects& out);
  void give(cache_slot& slot, serve what, effects& out);

  // near_cache_core_keep.cpp: what is kept, and how long
  ticket_id open_ticket(time now, cache_slot& slot);
  void close_ticket(ticket_id id);
  std::uint64_t heard_since(ticket_id id, const cache_slot& slot, partition_id partition) const;
  std::optional<fill_refusal> judge(const cache_slot& slot, const candidate& what,
                                    std::uint64_t heard) const;
  void take_in(time now, cache_slot& slot, ticket_id id, candidate what, std::uint64_t heard);
  void die(cache_slot& slot, cache_death why);
  void drop_all(std::vector<cache_slot*> slots, cache_death why);
  bool fits(const cache_slot& slot, const cached_item& item) const;
  void hold_bounds(effects& out);
  void leave_mirror(effects& out);
  void go_on(time now, effects& out);
  void settle(time now, cache_slot& slot, effects& out);
  void invalidate_if_due(time now);
  void note_all();
  void note_whole(partition_id partition, std::uint64_t tick);
  void stop_mirror();
  bool expired(time now, const cache_slot& slot) const;

  // near_cache_core_listing.cpp
  void note_page(std::uint64_t tick);

  // near_cache_core_updates.cpp
  std::optional<cached_item> item_after(const cache_slot& slot, std::uint64_t tick,
                                        const change_content& content) const;
  bool believable(const cache_slot& slot, partition_id partition, std::uint64_t tick);
  void apply(time now, cache_slot& slot, partition_id partition, std::uint64_t tick,
             const change_content& content);

  near_cache_parameters parameters_;
  entry_store store_;
  std::map<ticket_id, ticket> tickets_;
  ticket_id last_ticket_ = 0;
  std::map<partition_id, partition_state> partitions_;
  std::map<partition_id, heard_log> wholes_;  // heard while tickets are open
  heard_log all_;                             // the same, of every partition
  ticket_id last_whole_ = 0;                  // last ticket when something was noted in these two
  std::size_t readers_ = 0;
  bool mirroring_ = false;
  std::size_t prefetching_ = 0;
  std::optional<time> prefetch_at_;  // none go out before
  time invalidate_at_{};             // if there is an interval
  struct page {
    time asked_at{};
    std::uint64_t heard = 0;  // newest change since
  };
  std::optional<page> page_;  // of a listing, on its way
  near_cache_figures figures_;
};

}  // namespace dunlin
