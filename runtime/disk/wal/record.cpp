#include "runtime/disk/wal/record.hpp"

#include "runtime/disk/crc32c.hpp"
#include "runtime/observe/planted.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace dunlin::wal {
namespace {

static_assert(std::endian::native == std::endian::little, "the log is written as the host counts");

struct head {
  std::uint32_t crc;
  std::uint32_t length;
  std::uint64_t sequence;
  std::uint32_t group;
  std::uint32_t synced;
  std::uint64_t term;
  std::uint64_t index;
  std::uint8_t kind;
  std::uint8_t detail;
  std::uint8_t zeros[6];
};
static_assert(sizeof(head) == record_head_bytes);

constexpr std::size_t crc_bytes = sizeof(head::crc);

}  // namespace

void encode(const record& from, std::string& to) {
  const head about{0,
                   static_cast<std::uint32_t>(from.payload.size()),
                   from.sequence,
                   from.group,
                   from.synced,
                   from.term,
                   from.index,
                   static_cast<std::uint8_t>(from.kind),
                   from.detail,
                   {}};
  const auto at = to.size();
  to.append(reinterpret_cast<const char*>(&about), sizeof(about));
  to.append(from.payload);
  const auto checked = std::string_view(to).substr(at + crc_bytes);
  const auto crc = crc32c(checked);
  std::memcpy(to.data() + at, &crc, sizeof(crc));
  to.resize(at + record_bytes(from.payload.size()), '\0');
}

std::optional<record> decode(std::string_view bytes) {
  head about;
  if (bytes.size() < sizeof(about)) return std::nullopt;
  std::memcpy(&about, bytes.data(), sizeof(about));
  if (about.length > bytes.size() - sizeof(about)) return std::nullopt;
  if (crc32c(bytes.substr(crc_bytes, sizeof(about) - crc_bytes + about.length)) != about.crc &&
      !planted(bug::torn_log_tail_accepted))
    return std::nullopt;
  if (about.kind < 1 || about.kind > 6) return std::nullopt;
  return record{about.sequence, about.group,
                about.synced,   about.term,
                about.index,    static_cast<record_kind>(about.kind),
                about.detail,   bytes.substr(sizeof(about), about.length)};
}

bool begins_record(std::string_view bytes, std::uint64_t sequence) {
  if (bytes.size() < record_head_bytes) return false;
  return std::memcmp(bytes.data() + offsetof(head, sequence), &sequence, sizeof(sequence)) == 0;
}

std::optional<std::uint32_t> highest_synced(std::string_view bytes, std::uint64_t sequence) {
  std::optional<std::uint32_t> highest;
  while (bytes.size() >= record_head_bytes) {
    std::uint64_t step = 8;
    if (begins_record(bytes, sequence)) {
      if (const auto found = decode(bytes)) {
        highest = std::max(highest.value_or(0), found->synced);
        step = std::min<std::uint64_t>(record_bytes(found->payload.size()), bytes.size());
      }
    }
    bytes.remove_prefix(step);
  }
  return highest;
}

}  // namespace dunlin::wal
