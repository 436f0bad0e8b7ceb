/// PENDING BATCH: what one stream gathers between two flushes (Q12). Of an item only its newest
/// change stays, ordinals melt into runs.
#pragma once

#include "actors/message_queue/queue_options.hpp"
#include "actors/message_queue/queue_words.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dunlin::queue {

/// One flush: the same bytes for every subscriber of the stream.
struct batch {
  std::uint64_t after = 0;
  std::uint64_t sequence = 0;
  time expires{};
  buffer bytes;
};

class pending_batch {
public:
  /// Whether the row would make it larger than a batch may be.
  bool overflows(const options& limits, const type_updates& with) const;
  void add(const type_updates& changes, std::uint64_t row, time expires);

  bool empty() const { return sections_.empty(); }
  /// The first and last row that it holds something of; 0 if empty.
  std::uint64_t first_row() const { return first_row_; }
  std::uint64_t last_row() const { return last_row_; }
  /// When the first of its rows is too old.
  time expires() const { return expires_; }
  std::size_t updates() const { return updates_; }
  std::size_t bytes() const { return bytes_; }

  /// The batch behind the one whose sequence is `after`, and nothing is pending any more.
  batch take(const node_id& queue, std::uint64_t incarnation, std::uint64_t after);

private:
  struct newest {
    std::uint64_t tick;
    buffer encoded;
  };
  struct section {
    run_set covered;
    std::optional<newest> whole;
    std::unordered_map<std::string, std::size_t> places;  ///< of a key in `items`; never iterated
    std::vector<newest> items;                            ///< in the order of their first change
  };
  void put(section& into, const update& change);
  void replace(newest& have, const update& with);

  std::map<std::pair<partition_id, std::string>, section> sections_;
  std::uint64_t first_row_ = 0, last_row_ = 0;
  time expires_{};
  std::size_t updates_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace dunlin::queue
