#include "runtime/disk/wal/wal.hpp"

#include "runtime/disk/wal/log_index.hpp"
#include "runtime/disk/wal/record.hpp"
#include "runtime/disk/wal/recovery.hpp"
#include "runtime/disk/wal/ring.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/planted.hpp"
#include "runtime/observe/reached.hpp"

namespace dunlin::wal {

// Segments that a start may read for each that is needed.
constexpr std::uint64_t spread_max = 4;

/// The writer's state. The tail is the segment that is written; `batch` are its bytes from
/// `batch_start` on that were not flushed yet.
struct log::parts {
  parts(disk& storage, std::string folder, options config)
      : files(storage, std::move(folder), config) {}

  ring files;
  log_index index;
  std::map<group_id, group_state> recovered;
  std::uint64_t tail = 0;
  std::uint64_t batch_start = 0;
  std::string batch;
  std::optional<ec> stopped;
  std::uint64_t flushes = 0;
  std::uint64_t sealed_oldest = 1;  // a start reads from here on

  segment& tail_file() { return files.used().at(tail); }
  std::uint64_t tail_end() const { return batch_start + batch.size(); }
  std::uint64_t entry_bytes_max() const { return files.segment_bytes() / 4 - record_head_bytes; }

  /// Live bytes that the ring can carry: half of all but the tail, so that copying forward always
  /// gains room and at worst doubles what is written.
  std::uint64_t usable() const { return (files.count() - 1) * files.segment_bytes() / 2; }

  result<void> start();
  result<void> start_new();
  result<void> flush();
  result<void> roll();
  result<void> roll_sealed();
  result<void> make_spare();
  result<void> make_room(std::uint64_t bytes);
  void retire_dead();
  std::uint64_t oldest() const { return const_cast<ring&>(files).used().begin()->first; }
  bool oldest_is_cheap() const { return index.live_bytes(oldest()) <= files.segment_bytes() / 8; }
  /// Whether a start would read far more than it needs: a few old records, of a group that is
  /// quiet, hold back many segments.
  bool is_sparse() const {
    const auto used = const_cast<ring&>(files).used().size();
    return used > spread_max &&
           used > spread_max * (1 + index.live_bytes() / files.segment_bytes());
  }
  bool oldest_fits() const {
    return tail_end() + index.live_bytes(oldest()) + record_head_bytes <= files.segment_bytes();
  }
  result<bool> gather();
  result<void> clean_oldest();
  result<void> move_group(group_id id, log_index::group& of, const segment& from,
                          std::uint64_t sequence);
  result<place> add(record one);
  place put(record one);

  /// Remembers the first failure: what the disk holds is unknown from then on. A disk that is full
  /// in the middle of a write is a failure like any other; disk_full stays the word for a clean
  /// refusal.
  template <class Result>
  Result watch(Result outcome) {
    if (outcome) return outcome;
    if (!stopped) {
      stopped = outcome.error() == ec::disk_full ? ec::io_error : outcome.error();
      // A disk that is closed has crashed in a simulation, which is no news.
      if (*stopped != ec::closed)
        dunlin::log::error("wal.stopped", {{"reason", to_string(outcome.error())}});
    }
    return *stopped;
  }
};

// ---- writing ----

place log::parts::put(record one) {
  one.sequence = tail;
  one.synced = static_cast<std::uint32_t>(batch_start);
  const auto offset = tail_end();
  encode(one, batch);
  return {tail, static_cast<std::uint32_t>(offset),
          static_cast<std::uint32_t>(tail_end() - offset)};
}

result<place> log::parts::add(record one) {
  if (auto room = make_room(record_bytes(one.payload.size())); !room) return room.error();
  return put(one);
}

result<void> log::parts::make_room(std::uint64_t bytes) {
  // Each turn moves one segment's live records; with at most half of them live, one turn of the
  // ring is more than enough.
  for (std::uint64_t turns = files.count() + 1; turns > 0; --turns) {
    if (tail_end() + bytes + record_head_bytes <= files.segment_bytes())
      return {};  // a seal fits too
    if (auto rolled = roll(); !rolled) return rolled;
  }
  return ec::disk_full;
}

result<void> log::parts::flush() {
  if (batch.empty()) return {};
  auto& bytes = *tail_file().bytes;
  if (auto written = bytes.pwrite(batch_start, batch); !written) return written;
  // As if a sync now and then were enough.
  const auto later = planted(bug::answer_before_fsync) && flushes % 16 != 0;
  if (auto synced = later ? result<void>() : bytes.sync(); !synced) return synced;
  ++flushes;
  batch_start += batch.size();
  batch.clear();
  return {};
}

result<void> log::parts::roll() {
  retire_dead();
  put({.index = oldest(), .kind = record_kind::seal});
  sealed_oldest = oldest();
  // The next segment may be written only when this one is complete: a torn record is accepted in
  // the last segment alone. And the seal allows the overwriting of what it does not name.
  if (auto flushed = flush(); !flushed) return flushed;
  return roll_sealed();
}

result<void> log::parts::roll_sealed() {
  if (auto started = start_new(); !started) return started;
  return make_spare();
}

/// Takes a spare segment as the tail. Its head is durable before its first record: a record proves
/// that there was a head.
result<void> log::parts::start_new() {
  DUNLIN_ASSERT(!files.spare().empty());
  ++tail;
  files.used().emplace(tail, std::move(files.spare().front()));
  files.spare().pop_front();
  batch_start = 0;
  batch.clear();
  put({.term = format_version, .index = files.segment_bytes(), .kind = record_kind::head});
  return flush();
}

/// After this one segment at least is spare. Called when the tail is new, so that what is copied
/// forward, a segment's worth at most, fits.
result<void> log::parts::make_spare() {
  retire_dead();
  if (!files.spare().empty()) return {};
  const auto grown = !oldest_is_cheap() && files.may_grow() && files.grow();
  if (grown) return {};
  return clean_oldest();
}

void log::parts::retire_dead() {
  while (oldest() != tail && index.live_bytes(oldest()) == 0) {
    DUNLIN_REACHED("wal.segment_recycled");
    files.retire(oldest());
  }
}

/// A bounded piece of what keeps a start short: the cheap oldest segment's records, or a seal that
/// says how much was given up. Answers whether anything was done.
result<bool> log::parts::gather() {
  if (is_sparse() && oldest_is_cheap() && oldest_fits()) {
    DUNLIN_REACHED("wal.gathered");
    if (auto cleaned = clean_oldest(); !cleaned) return cleaned.error();
    retire_dead();
    return true;
  }
  if (oldest() - sealed_oldest <= spread_max || files.spare().empty()) return false;
  if (auto rolled = roll(); !rolled) return rolled.error();
  return true;
}

/// Copies what is live in the oldest segment to the tail. The original stays intact until the next
/// seal, with the copies before it, is durable.
result<void> log::parts::clean_oldest() {
  DUNLIN_REACHED("wal.copied_forward");
  const auto sequence = oldest();
  DUNLIN_ASSERT(sequence != tail);
  const auto& from = files.used().at(sequence);
  for (auto& [id, of] : index.groups())
    if (auto moved = move_group(id, of, from, sequence); !moved) return moved;
  DUNLIN_ASSERT(index.live_bytes(sequence) == 0);
  files.retire(sequence);
  return {};
}

result<void> log::parts::move_group(group_id id, log_index::group& of, const segment& from,
                                    std::uint64_t sequence) {
  const auto fits = [&](const place& at) {
    return at.sequence == sequence &&
           tail_end() + at.bytes + record_head_bytes <= files.segment_bytes();
  };
  if (fits(of.hard))
    index.move(of.hard,
               put({.group = id, .term = of.term, .kind = record_kind::hard, .payload = of.vote}));
  if (fits(of.compact))
    index.move(of.compact, put({.group = id,
                                .term = of.compacted_term,
                                .index = of.compacted_index,
                                .kind = record_kind::compact}));
  for (auto& one : of.entries) {
    if (!fits(one.at)) continue;
    const auto bytes = from.bytes->pread(one.at.offset, one.at.bytes);
    if (!bytes) return bytes.error();
    auto found = decode(*bytes);
    if (!found || found->sequence != sequence || found->group != id)
      return report_damage(from.path, one.at.offset, "a record has changed since it was written");
    found->kind = record_kind::moved;
    index.move(one.at, put(*found));
  }
  return {};
}

// ---- starting ----

result<void> log::parts::start() {
  if (auto opened = files.open(); !opened) return opened;
  auto found = recover(files);
  if (!found) return found.error();
  recovered = std::move(found->groups);
  index = std::move(found->index);
  tail = found->tail;
  if (tail != 0) sealed_oldest = oldest();
  batch_start = found->tail_end;
  while (files.count() < 2)
    if (auto grown = files.grow(); !grown) return grown;
  if (tail == 0) return start_new();
  // A process that died without a power failure leaves bytes that were read here but are not
  // durable.
  if (found->wreckage)
    if (auto zeroed = files.zero(tail_file(), batch_start); !zeroed) return zeroed;
  if (auto synced = tail_file().bytes->sync(); !synced) return synced;
  // If a crash came between taking the last spare segment and making another, the tail holds
  // nothing but copies from the oldest one, so that the other copies still fit.
  return found->sealed ? roll_sealed() : make_spare();
}

log::log(std::unique_ptr<parts> state) : state_(std::move(state)) {}
log::~log() = default;

result<std::unique_ptr<log>> log::open(disk& storage, std::string folder, options config) {
  // Offsets in a segment are 32 bits; below 4 KiB nothing useful fits into a quarter of it.
  if (config.segment_bytes < 4096 || config.segment_bytes > (1u << 30) ||
      config.segment_bytes % 512 != 0)
    return ec::invalid_argument;
  auto state = std::make_unique<parts>(storage, std::move(folder), config);
  if (auto started = state->start(); !started) return started.error();
  return std::unique_ptr<log>(new log(std::move(state)));
}

// ---- the port ----

const std::map<group_id, group_state>& log::recovered() const { return state_->recovered; }

group_state log::take_recovered(group_id group) {
  auto node = state_->recovered.extract(group);
  return node ? std::move(node.mapped()) : group_state{};
}

void log::release_recovered() { state_->recovered.clear(); }

result<void> log::append_hard(group_id group, std::uint64_t term, const std::string& vote) {
  auto& of = *state_;
  if (of.stopped) return *of.stopped;
  if (vote.size() > of.entry_bytes_max()) return ec::invalid_argument;
  const auto at =
      of.watch(of.add({.group = group, .term = term, .kind = record_kind::hard, .payload = vote}));
  if (!at) return at.error();
  of.index.set_hard(group, term, vote, *at);
  return {};
}

static std::string_view bytes_of(const entry& one) {
  return one.data ? std::string_view(*one.data) : "";
}

result<void> log::append_entries(group_id group, std::span<const entry> entries) {
  auto& of = *state_;
  if (of.stopped) return *of.stopped;
  if (entries.empty()) return {};
  const auto* known = of.index.find(group);
  const auto first = entries.front().index;
  if (first <= (known ? known->compacted_index : 0) ||
      first > (known ? known->last_index() : 0) + 1)
    return ec::invalid_argument;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto size = bytes_of(entries[i]).size();
    if (entries[i].index != first + i || size > of.entry_bytes_max()) return ec::invalid_argument;
    bytes += record_bytes(size);
  }
  while (of.index.live_bytes() + bytes > of.usable()) {
    // Growing fails without harm to what is logged: this append alone is refused.
    if (!of.files.may_grow() || !of.files.grow()) {
      DUNLIN_REACHED("wal.refused_when_full");
      return ec::disk_full;
    }
  }
  for (const auto& one : entries) {
    const auto at = of.watch(of.add({.group = group,
                                     .term = one.term,
                                     .index = one.index,
                                     .kind = record_kind::entry,
                                     .detail = one.kind,
                                     .payload = bytes_of(one)}));
    if (!at) return at.error();
    of.index.add_entry(group, one.index, {one.term, *at});
  }
  return {};
}

result<void> log::compact(group_id group, std::uint64_t index, std::uint64_t term) {
  auto& of = *state_;
  if (of.stopped) return *of.stopped;
  const auto* known = of.index.find(group);
  if (index <= (known ? known->compacted_index : 0)) return {};
  const std::uint8_t all = of.index.compact_drops_all(group, index, term) ? 1 : 0;
  const auto at = of.watch(of.add(
      {.group = group, .term = term, .index = index, .kind = record_kind::compact, .detail = all}));
  if (!at) return at.error();
  of.index.compact(group, index, term, *at);
  return {};
}

result<void> log::flush() {
  auto& of = *state_;
  if (of.stopped) return *of.stopped;
  return of.watch(of.flush());
}

result<bool> log::tidy() {
  auto& of = *state_;
  if (of.stopped) return *of.stopped;
  of.retire_dead();
  const auto gathered = of.watch(of.gather());
  if (!gathered || *gathered) return gathered;
  const auto wanted =
      (of.files.spare().size() < 2 && of.oldest() != of.tail && !of.oldest_is_cheap()) ||
      of.index.live_bytes() > of.usable() / 4 * 3;
  if (!of.files.is_growing() && !(wanted && of.files.may_grow())) return false;
  const auto made = of.files.grow_a_little();
  return made && !*made;  // an attempt that failed is repeated by whoever needs it
}

bool log::full() const {
  const auto& of = *state_;
  return of.index.live_bytes() + of.entry_bytes_max() > of.usable() && !of.files.may_grow();
}

std::uint64_t log::entry_bytes_max() const { return state_->entry_bytes_max(); }
std::uint64_t log::bytes() const { return state_->files.count() * state_->files.segment_bytes(); }
std::uint64_t log::live_bytes() const { return state_->index.live_bytes(); }
std::uint64_t log::flushes() const { return state_->flushes; }

}  // namespace dunlin::wal
