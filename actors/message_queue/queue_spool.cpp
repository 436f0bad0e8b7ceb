#include "actors/message_queue/queue_spool.hpp"

#include "actors/message_queue/queue_wire.hpp"
#include "runtime/observe/log.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace dunlin::queue {

namespace {

enum kind : std::uint8_t { last_piece = 1, more_follows = 2 };

std::optional<found_row> read_row(const std::string& bytes, std::uint64_t position,
                                  std::int64_t now_ms) {
  v1::SpoolRow row;
  if (!row.ParseFromString(bytes)) return std::nullopt;
  const auto lives = std::int64_t{row.time_to_live_ms()};
  const auto left = std::clamp<std::int64_t>(row.expires_ms() - now_ms, 0, lives);
  return found_row{row.number(), position, time{left}, from_wire(row.updates())};
}

/// Rows that are whole; what the last power failure cut off in the middle of one is overwritten.
result<void> read_rows(const wal::group_state& found, std::int64_t now_ms, opened_spool& to) {
  to.last_position = found.compacted_index;
  std::string pieces;
  auto position = found.compacted_index;
  for (const auto& entry : found.entries) {
    ++position;
    if (entry.data) pieces += *entry.data;
    if (entry.kind == more_follows) continue;
    auto row = read_row(std::exchange(pieces, {}), position, now_ms);
    const auto before = to.rows.empty() ? 0 : to.rows.back().number;
    if (entry.kind != last_piece || !row || row->number <= before) return ec::damaged;
    to.rows.push_back(std::move(*row));
    to.last_position = position;
  }
  return {};
}

result<void> write_header(wal::log& log, const spool_header& header) {
  v1::SpoolHeader message;
  message.set_first_incarnation(header.first_incarnation);
  message.set_start(header.start);
  auto done = log.append_hard(spool_group, spool_term, message.SerializeAsString());
  return done ? log.flush() : done;
}

}  // namespace

result<opened_spool> open_spool(wal::log& log, const options& limits, std::uint64_t incarnation,
                                std::int64_t now_ms) {
  const auto found = log.take_recovered(spool_group);
  opened_spool made;
  made.piece_bytes = log.entry_bytes_max();
  v1::SpoolHeader header;
  if (!header.ParseFromString(found.vote) || !read_rows(found, now_ms, made)) {
    log::error("message_queue.spool_damaged", {{"entries", found.entries.size()}});
    return ec::damaged;
  }
  made.stored = {header.first_incarnation(), header.start()};
  std::vector<spool_row> newest;
  if (!made.rows.empty()) newest.push_back({made.rows.back().number, {}, 0, nullptr});
  const spool_log next{limits, incarnation, made.stored, std::move(newest)};
  if (auto done = write_header(log, next.header()); !done) return done.error();
  return made;
}

std::vector<wal::entry> entries_of(const v1::SpoolRow& row, std::uint64_t position,
                                   std::uint64_t piece_bytes) {
  const auto bytes = row.SerializeAsString();
  std::vector<wal::entry> out;
  for (std::size_t at = 0; at < bytes.size(); at += piece_bytes) {
    const auto kind = at + piece_bytes < bytes.size() ? more_follows : last_piece;
    out.push_back({spool_term, position++, kind,
                   std::make_shared<const std::string>(bytes.substr(at, piece_bytes))});
  }
  return out;
}

}  // namespace dunlin::queue
