#include "apps/replay/plan.hpp"

#include "apps/replay/twister.hpp"
#include "messages/cache_types.hpp"

#include <fmt/format.h>
#include <boost/crc.hpp>

#include <algorithm>
#include <array>
#include <unordered_map>

namespace dunlin::replay {

namespace {

constexpr std::uint32_t users = 200, partitions = 64;
constexpr std::uint32_t user_bytes = 160, bucket_bytes = 240, partition_bytes = 96;

std::uint32_t crc_of(const std::string& key) {
  boost::crc_32_type crc;
  crc.process_bytes(key.data(), key.size());
  return crc.checksum();
}

std::string bucket_of(const std::string& key) {
  const auto colon = key.find(':');
  return "b" + (colon == std::string::npos ? key.substr(0, 2) : key.substr(0, colon));
}

class planner {
public:
  explicit planner(const plan_options& options) : options_{options} {
    made_.nodes = options.nodes;
    made_.lookups_a_row = options.four_lookups ? 4 : 1;
  }

  plan make(const trace& from) {
    made_.steps.reserve(from.size() * (options_.four_lookups ? 4 : 1));
    for (std::size_t g = 0; g < from.size(); ++g) {
      due_ms_ = (from[g].time_ms - from.front().time_ms) / options_.speed;
      node_ = static_cast<std::uint16_t>(((g * std::uint64_t{2654435761}) >> 13) % options_.nodes);
      add_row(from[g]);
    }
    made_.counted_from_ms = options_.uncounted * due_ms_;
    for (auto& one : made_.steps)
      one.counted = one.due_ms >= made_.counted_from_ms;
    return std::move(made_);
  }

private:
  void add_row(const request& row) {
    const auto bucket = bucket_of(row.key);
    const auto object = find(item_kind::object, row.key, row.bytes, bucket);
    if (!options_.four_lookups) return add(object, row.write);
    const auto crc = crc_of(row.key);
    const auto user = find(item_kind::user, fmt::format("u{}", crc % users), user_bytes);
    const auto place = find(item_kind::bucket, bucket, bucket_bytes);
    const auto part =
        find(item_kind::policy, fmt::format("p{}", (crc >> 8) % partitions), partition_bytes);
    for (const auto one : {user, place, part})
      add(one, false);
    add(object, row.write);
    if (!row.write) return;
    const auto x = random_.real();
    if (x < .02)
      add(place, true);
    else if (x < .03)
      add(user, true);
    else if (x < .032)
      add(part, true);
  }

  std::uint32_t find(item_kind kind, const std::string& name, std::uint32_t bytes,
                     const std::string& bucket = {}) {
    auto& known = known_[static_cast<std::size_t>(kind)];
    const auto [at, fresh] = known.emplace(name, static_cast<std::uint32_t>(made_.items.size()));
    if (fresh) made_.items.push_back({kind, name, bucket, std::min(bytes, options_.bytes_max)});
    return at->second;
  }

  void add(std::uint32_t item, bool write) {
    made_.steps.push_back({due_ms_, item, node_, write, false});
  }

  const plan_options options_;
  twister random_{5};
  plan made_;
  double due_ms_ = 0;
  std::uint16_t node_ = 0;
  std::array<std::unordered_map<std::string, std::uint32_t>, item_kinds> known_;
};

}  // namespace

std::string_view type_of(item_kind kind) {
  constexpr std::string_view types[] = {cached::user, cached::bucket, cached::policy,
                                        cached::object};
  return types[static_cast<std::size_t>(kind)];
}

plan make_plan(const trace& from, const plan_options& options) {
  return planner{options}.make(from);
}

}  // namespace dunlin::replay
