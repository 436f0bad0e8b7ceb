#include "runtime/disk/wal/recovery.hpp"

#include "runtime/disk/wal/record.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>
#include <optional>

namespace dunlin::wal {
namespace {

constexpr std::uint64_t blank_bytes = 64u << 10;

/// A group while records are replayed. What a copy brought forward comes after what followed it, so
/// until the end there may be gaps.
struct replayed {
  group_state state;
  place hard, compact;
  struct one {
    entry what;
    place at;
  };
  std::map<std::uint64_t, one> entries;
};

class replay {
public:
  explicit replay(ring& files) : files_(files) {}

  result<recovered_log> run() {
    recovered_log done;
    if (!files_.used().empty()) {
      auto& [sequence, tail] = *files_.used().rbegin();
      done.tail = sequence;
    }
    // A segment whose head is unreadable looks like a spare one: it must not have been the tail.
    for (const auto& spare : files_.spare())
      if (auto checked = check_spare(spare, done.tail + 1); !checked) return checked.error();
    if (done.tail == 0) return done;
    if (auto known = drop_unneeded(done.tail); !known) return known.error();
    for (auto& [sequence, from] : files_.used())
      if (auto read = read_segment(sequence, from, done); !read) return read.error();
    if (auto built = build(done); !built) return built.error();
    return done;
  }

private:
  struct scanned {
    std::uint64_t end = 0;
    std::optional<std::uint64_t> oldest;  // of the seal, if there is one
  };

  result<void> load(const segment& from) { return load(from, files_.segment_bytes()); }

  result<void> load(const segment& from, std::uint64_t bytes) {
    bytes_.resize(bytes);
    const auto got = from.bytes->pread(0, bytes_.data(), bytes_.size());
    if (!got) return got.error();
    if (*got != bytes_.size()) return report_damage(from.path, *got, "the file is too short");
    return {};
  }

  /// Of a blank one the first records would betray that it only lost its head: a ring that was
  /// long once must not be read whole at every start.
  result<void> check_spare(const segment& spare, std::uint64_t next) {
    const auto all = files_.segment_bytes();
    if (auto loaded = load(spare, spare.blank ? std::min(all, blank_bytes) : all); !loaded)
      return loaded;
    if (highest_synced(bytes_, next))
      return report_damage(spare.path, 0, "the head of a segment is unreadable");
    return {};
  }

  /// Visits the good records of the loaded segment up to its seal or the first bad one.
  template <class Visit>
  scanned scan(std::uint64_t sequence, Visit visit) const {
    scanned seen;
    for (;;) {
      const auto found = decode(std::string_view(bytes_).substr(seen.end));
      if (!found || found->sequence != sequence) return seen;
      if (found->kind == record_kind::seal) {
        seen.oldest = found->index;
        return seen;
      }
      visit(*found, place{sequence, static_cast<std::uint32_t>(seen.end),
                          static_cast<std::uint32_t>(record_bytes(found->payload.size()))});
      seen.end += record_bytes(found->payload.size());
    }
  }

  /// The newest seal says which segments are still needed: all of them have to be there.
  result<void> drop_unneeded(std::uint64_t tail) {
    std::uint64_t oldest = 1;
    for (auto sequence = tail; sequence > 0 && sequence + 1 >= tail; --sequence) {
      const auto from = files_.used().find(sequence);
      if (from == files_.used().end())
        return report_damage(files_.used().rbegin()->second.path, 0,
                             "the segment before this one is missing");
      if (auto loaded = load(from->second); !loaded) return loaded;
      const auto seen = scan(sequence, [](const record&, place) {});
      if (seen.oldest) {
        oldest = *seen.oldest;
        break;
      }
      if (sequence < tail)
        return report_damage(from->second.path, seen.end, "a bad record before the last segment");
    }
    while (files_.used().begin()->first < oldest)
      files_.retire(files_.used().begin()->first);
    auto expected = oldest;
    for (const auto& [sequence, from] : files_.used())
      if (sequence != expected++)
        return report_damage(from.path, 0, "a segment before this one is missing");
    return {};
  }

  result<void> read_segment(std::uint64_t sequence, const segment& from, recovered_log& done) {
    if (auto loaded = load(from); !loaded) return loaded;
    const auto seen = scan(sequence, [this](const record& one, place at) { apply(one, at); });
    if (sequence == done.tail) return end_tail(from, seen, done);
    if (!seen.oldest)
      return report_damage(from.path, seen.end, "a bad record before the last segment");
    return {};
  }

  result<void> end_tail(const segment& from, const scanned& seen, recovered_log& done) {
    done.tail_end = seen.end;
    done.sealed = seen.oldest.has_value();
    if (done.sealed) return {};
    const auto rest = std::string_view(bytes_).substr(seen.end);
    const auto synced = highest_synced(rest, done.tail);
    if (synced && *synced > seen.end)
      return report_damage(from.path, seen.end, "a bad record before synced ones");
    if (synced || begins_record(rest, done.tail)) {
      DUNLIN_REACHED("wal.torn_tail_cut");
      dunlin::log::warn("wal.cut_torn_tail", {{"file", from.path}, {"offset", seen.end}});
    }
    done.wreckage = synced.has_value();
    return {};
  }

  void apply(const record& one, place at) {
    if (one.kind == record_kind::head) return;
    auto& group = groups_[one.group];
    auto& state = group.state;
    if (one.kind == record_kind::hard) {
      state.term = one.term;
      state.vote = one.payload;
      group.hard = at;
    } else if (one.kind == record_kind::compact) {
      const auto end = one.detail != 0 ? group.entries.end() : group.entries.upper_bound(one.index);
      group.entries.erase(group.entries.begin(), end);
      state.compacted_index = one.index;
      state.compacted_term = one.term;
      group.compact = at;
    } else {
      if (one.kind == record_kind::entry)
        group.entries.erase(group.entries.lower_bound(one.index), group.entries.end());
      if (one.index <= state.compacted_index) return;
      auto data = one.payload.empty() ? buffer{} : std::make_shared<const std::string>(one.payload);
      group.entries[one.index] = {{one.term, one.index, one.detail, std::move(data)}, at};
    }
  }

  result<void> build(recovered_log& done) {
    for (auto& [id, group] : groups_) {
      auto& state = group.state;
      if (group.hard.sequence != 0) done.index.set_hard(id, state.term, state.vote, group.hard);
      if (group.compact.sequence != 0)
        done.index.compact(id, state.compacted_index, state.compacted_term, group.compact);
      auto expected = state.compacted_index;
      for (auto& [index, one] : group.entries) {
        if (index != ++expected) {
          const auto& file = files_.used().at(one.at.sequence);
          return report_damage(file.path, one.at.offset, "entries before this one are missing");
        }
        done.index.add_entry(id, index, {one.what.term, one.at});
        state.entries.push_back(std::move(one.what));
      }
      done.groups.emplace(id, std::move(state));
    }
    groups_.clear();
    return {};
  }

  ring& files_;
  std::string bytes_;  // of one segment
  std::map<group_id, replayed> groups_;
};

}  // namespace

result<recovered_log> recover(ring& files) { return replay(files).run(); }

}  // namespace dunlin::wal
