/// PLAN: what a trace means to the near caches of N nodes: look-ups and writes of cached items, in
/// the order in which they are due (docs/replay.md). Row g of the trace is served by node
/// ((g × 2654435761) >> 13) mod N, as a stateless load balancer would spread requests. Pure.
///
/// One look-up: a row is a read or a write of the object. Four look-ups: every row, a write too,
/// first reads user u(h mod 200), bucket b(type) and partition p((h >> 8) mod 64), h being the
/// CRC-32 of the key and type what is before its colon, else its first two characters; then comes
/// the object with the row's operation. A write row draws an even x and also writes the bucket if
/// x < .02, the user if .02 ≤ x < .03, the partition if .03 ≤ x < .032. x is of a Mersenne Twister
/// with seed 5, as Python's random.Random(5).random() gives it.
///
/// Dunlin's partition map is one record (decision 0011), which nobody would look up in 64 parts:
/// the 64 partitions of the rule are stood for by 64 items of type `policy`, of the root partition
/// too.
#pragma once

#include "apps/replay/trace.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::replay {

enum class item_kind : std::uint8_t { user, bucket, policy, object };
inline constexpr std::size_t item_kinds = 4;
/// The cached type that an item of the kind is of.
std::string_view type_of(item_kind kind);

struct item {
  item_kind kind = item_kind::object;
  std::string name;    ///< of an object the trace's key
  std::string bucket;  ///< of an object: the name of the item of its bucket
  std::uint32_t bytes = 0;
};

struct step {
  double due_ms = 0;  ///< since the first
  std::uint32_t item = 0;
  std::uint16_t node = 0;
  bool write = false;
  bool counted = false;
};

struct plan_options {
  std::size_t nodes = 8;
  bool four_lookups = true;
  double speed = 1;               ///< times faster than the trace
  std::uint32_t bytes_max = 512;  ///< of a record
  double uncounted = 0.1;         ///< share of the time that comes before the counting
};

struct plan {
  std::vector<item> items;
  std::vector<step> steps;
  std::size_t nodes = 0;
  std::size_t lookups_a_row = 1;
  double counted_from_ms = 0;
};

plan make_plan(const trace& from, const plan_options& options);

}  // namespace dunlin::replay
