/// BATCH WRITER: CacheBatch and QueueNews of cache.proto in Protobuf's wire format. Updates are
/// copied as they came, so a batch costs its bytes and nothing per field of an update.
#pragma once

#include "actors/message_queue/queue_words.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::queue {

class batch_writer {
public:
  batch_writer(const node_id& queue, std::uint64_t incarnation, std::size_t bytes);

  void begin_changes(std::string_view type, partition_id partition,
                     const std::vector<ordinal_run>& covered);
  void add_update(std::string_view encoded);
  void end_changes();

  std::string finish(std::uint64_t after, std::uint64_t sequence) &&;

private:
  std::string out_;
  std::string changes_;
};

struct aged_news {
  const partition_news* news;
  std::uint32_t age_ms;
};

/// What all subscribers of a stream hear; `types`: ascending, others are left out.
std::string write_news(const node_id& queue, std::uint64_t incarnation, std::uint64_t last_sequence,
                       std::uint64_t idle_through, const std::vector<std::string>& types,
                       const std::vector<aged_news>& partitions);

/// What one of them hears: behind `shared` go its own fields.
std::string news_for_one(const std::string& shared, std::uint64_t first_kept, std::uint64_t echo);

}  // namespace dunlin::queue
