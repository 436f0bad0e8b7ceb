/// A log on a simulated disk, and what its groups should hold.
#pragma once

#include "runtime/disk/wal/wal.hpp"
#include "runtime/simulation/sim_disk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace dunlin::wal {

inline buffer bytes_of(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

inline entry entry_of(std::uint64_t term, std::uint64_t index, std::string data) {
  return {term, index, 1, data.empty() ? buffer{} : bytes_of(std::move(data))};
}

/// term:index:data of every entry, to compare and to print.
inline std::vector<std::string> texts(const std::vector<entry>& entries) {
  std::vector<std::string> all;
  for (const auto& one : entries)
    all.push_back(std::to_string(one.term) + ":" + std::to_string(one.index) + ":" +
                  (one.data ? *one.data : ""));
  return all;
}

inline std::string text_of(const group_state& group) {
  auto text = std::to_string(group.term) + "/" + group.vote + "/" +
              std::to_string(group.compacted_index) + "." + std::to_string(group.compacted_term);
  for (const auto& one : texts(group.entries))
    text += " " + one;
  return text;
}

/// What a log of the same calls must hold: the specification in a dozen lines.
class model {
public:
  std::map<group_id, group_state> groups;

  void hard(group_id id, std::uint64_t term, const std::string& vote) {
    groups[id].term = term;
    groups[id].vote = vote;
  }
  void append(group_id id, const std::vector<entry>& added) {
    auto& entries = groups[id].entries;
    std::erase_if(entries, [&](const entry& one) { return one.index >= added.front().index; });
    entries.insert(entries.end(), added.begin(), added.end());
  }
  void compact(group_id id, std::uint64_t index, std::uint64_t term) {
    auto& group = groups[id];
    if (index <= group.compacted_index) return;
    const auto same = std::ranges::any_of(
        group.entries, [&](const entry& one) { return one.index == index && one.term == term; });
    std::erase_if(group.entries, [&](const entry& one) { return !same || one.index <= index; });
    group.compacted_index = index;
    group.compacted_term = term;
  }
  std::uint64_t last_index(group_id id) {
    return groups[id].compacted_index + groups[id].entries.size();
  }
  std::string text() const {
    std::string all;
    for (const auto& [id, group] : groups)
      if (text_of(group) != "0//0.0")  // nothing at all
        all += std::to_string(id) + "=" + text_of(group) + "\n";
    return all;
  }
};

inline std::string text_of(const std::map<group_id, group_state>& groups) {
  return model{groups}.text();
}

class Wal : public testing::Test {
protected:
  simulation::sim_disk storage{1};
  options config{.segment_bytes = 16384, .bytes_max = 16 * 16384, .reserve_bytes = 0};

  std::unique_ptr<log> open() { return log::open(storage, "wal", config).value(); }
  result<std::unique_ptr<log>> try_open() { return log::open(storage, "wal", config); }
};

}  // namespace dunlin::wal
