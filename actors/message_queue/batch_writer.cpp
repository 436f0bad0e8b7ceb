#include "actors/message_queue/batch_writer.hpp"

#include <algorithm>

namespace dunlin::queue {

namespace {

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

/// Zero is not written, as in proto3.
void put_number(std::string& out, int field, std::uint64_t value) {
  if (value == 0) return;
  put_varint(out, static_cast<std::uint64_t>(field) << 3);
  put_varint(out, value);
}

void put_bytes(std::string& out, int field, std::string_view bytes) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3 | 2);
  put_varint(out, bytes.size());
  out.append(bytes);
}

void put_name(std::string& out, int field, std::string_view name) {
  if (!name.empty()) put_bytes(out, field, name);
}

std::string pair_of(std::uint64_t first, std::uint64_t second) {
  std::string out;
  put_number(out, 1, first);
  put_number(out, 2, second);
  return out;
}

std::string partition_words(const aged_news& of, const std::vector<std::string>& types) {
  std::string out;
  put_number(out, 1, of.news->partition);
  put_number(out, 2, of.news->tick);
  put_number(out, 3, of.age_ms);
  for (const auto& [type, ordinal] : of.news->last) {
    if (!std::binary_search(types.begin(), types.end(), type)) continue;
    std::string last;
    put_name(last, 1, type);
    put_number(last, 2, ordinal);
    put_bytes(out, 4, last);
  }
  return out;
}

}  // namespace

std::size_t bytes_of(const type_updates& of) {
  std::size_t sum = 16 + of.type.size() + 24 * of.covered.size();
  for (const auto& update : of.updates)
    sum += 4 + update.encoded->size();
  return sum;
}

std::size_t bytes_of(const enqueue& of) {
  std::size_t sum = 16;
  for (const auto& changes : of.changes)
    sum += bytes_of(changes);
  return sum;
}

batch_writer::batch_writer(const node_id& queue, std::uint64_t incarnation, std::size_t bytes) {
  out_.reserve(bytes + queue.size() + 64);
  put_name(out_, 1, queue);
  put_number(out_, 2, incarnation);
}

void batch_writer::begin_changes(std::string_view type, partition_id partition,
                                 const std::vector<ordinal_run>& covered) {
  changes_.clear();
  put_name(changes_, 1, type);
  put_number(changes_, 2, partition);
  for (const auto& run : covered)
    put_bytes(changes_, 3, pair_of(run.first, run.last));
}

void batch_writer::add_update(std::string_view encoded) { put_bytes(changes_, 4, encoded); }

void batch_writer::end_changes() { put_bytes(out_, 4, changes_); }

std::string batch_writer::finish(std::uint64_t after, std::uint64_t sequence) && {
  put_number(out_, 3, sequence);
  put_number(out_, 5, after);
  return std::move(out_);
}

std::string write_news(const node_id& queue, std::uint64_t incarnation, std::uint64_t last_sequence,
                       std::uint64_t idle_through, const std::vector<std::string>& types,
                       const std::vector<aged_news>& partitions) {
  std::string out;
  put_name(out, 1, queue);
  put_number(out, 2, incarnation);
  put_number(out, 3, last_sequence);
  put_number(out, 7, idle_through);
  for (const auto& one : partitions)
    put_bytes(out, 6, partition_words(one, types));
  return out;
}

std::string news_for_one(const std::string& shared, std::uint64_t first_kept, std::uint64_t echo) {
  std::string out;
  out.reserve(shared.size() + 24);
  out = shared;
  put_number(out, 4, first_kept);
  put_number(out, 5, echo);
  return out;
}

}  // namespace dunlin::queue
