/// One record of the log (decision 9): 48 bytes of head, little endian, then the payload, then
/// zeros up to a multiple of 8. Golden bytes in tests/unit/disk/wal_record_test.cpp: never changed,
/// only added to.
///
///   0 crc32c of all that follows, payload included   4 payload length   8 segment sequence number
///   16 group   20 synced   24 term   32 index   40 kind   41 detail   42 zeros
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::wal {

enum class record_kind : std::uint8_t {
  head = 1,     ///< first of a segment; term: format, index: segment's bytes
  seal = 2,     ///< last of a segment; index: the oldest sequence number still needed
  hard = 3,     ///< term, payload: vote
  entry = 4,    ///< cuts its group at and above index, then adds; detail: the entry's kind
  moved = 5,    ///< an entry that was copied forward: adds, cuts nothing
  compact = 6,  ///< forgets up to index; detail 1: forgets what is above as well
};

struct record {
  /// A recycled segment is full of old records that are intact; this tells them from new ones.
  std::uint64_t sequence = 0;
  std::uint32_t group = 0;
  /// Bytes of this segment that were durable before this record was written. A bad record below
  /// that of a later good one was not torn: it is damage.
  std::uint32_t synced = 0;
  std::uint64_t term = 0;
  std::uint64_t index = 0;
  record_kind kind{};
  std::uint8_t detail = 0;
  std::string_view payload;
};

inline constexpr std::uint64_t record_head_bytes = 48;
inline constexpr std::uint64_t format_version = 1;

constexpr std::uint64_t record_bytes(std::uint64_t payload) {
  return (record_head_bytes + payload + 7) / 8 * 8;
}

/// Appends record_bytes(payload) bytes.
void encode(const record& from, std::string& to);

/// The record at the start of `bytes`; none if it is not whole and right. Its payload points into
/// `bytes`.
std::optional<record> decode(std::string_view bytes);

/// Whether a record of that sequence number was begun at the start of `bytes`, right or not.
bool begins_record(std::string_view bytes, std::uint64_t sequence);

/// The highest `synced` of the good records of `sequence` anywhere in `bytes`; none: there are
/// none.
std::optional<std::uint32_t> highest_synced(std::string_view bytes, std::uint64_t sequence);

}  // namespace dunlin::wal
