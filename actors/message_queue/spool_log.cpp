#include "actors/message_queue/spool_log.hpp"

#include <algorithm>

namespace dunlin::queue {

spool_log::spool_log(const options& limits, std::uint64_t incarnation, spool_header stored,
                     std::vector<spool_row> rows) {
  header_.first_incarnation = stored.first_incarnation ? stored.first_incarnation : incarnation;
  const auto newest = rows.empty() ? 0 : rows.back().number;
  // Rows that went to subscribers, but not to disk before the queue died, had numbers too. They
  // must not be given to other rows.
  header_.start = std::max(stored.start, newest) + life_stride;
  last_ = header_.start;
  last_on_disk_ = newest;
  // Without rows nothing was ever taken on, so nothing is missing.
  kept_after_ = rows.empty() ? 0 : rows.front().number - 1;
  trimmed_ = kept_after_;
  for (auto& row : rows) {
    bytes_ += row.bytes;
    rows_.push_back(std::move(row));
  }
  while (bytes_ > limits.spool_bytes_max)
    pop();
}

bool spool_log::full(const options& limits, std::size_t bytes) const {
  return waiting_.size() >= limits.unpersisted_rows_max ||
         unpersisted_bytes_ + bytes > limits.unpersisted_bytes_max;
}

const spool_row& spool_log::append(const options& limits, enqueue what, std::size_t bytes,
                                   time expires, std::uint64_t request) {
  while (!rows_.empty() && bytes_ + bytes > limits.spool_bytes_max)
    pop();
  waiting_.push_back({++last_, request, bytes});
  unpersisted_bytes_ += bytes;
  bytes_ += bytes;
  rows_.push_back({last_, expires, bytes, std::make_shared<const enqueue>(std::move(what))});
  return rows_.back();
}

std::vector<spool_log::waiting_row> spool_log::persisted(std::uint64_t row) {
  std::vector<waiting_row> out;
  while (!waiting_.empty() && waiting_.front().row <= row) {
    out.push_back({waiting_.front().row, waiting_.front().request});
    unpersisted_bytes_ -= waiting_.front().bytes;
    last_on_disk_ = waiting_.front().row;
    waiting_.pop_front();
  }
  return out;
}

std::optional<spool_log::waiting_row> spool_log::failed(std::uint64_t row) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const unwritten& one) { return one.row == row; });
  if (found == waiting_.end()) return std::nullopt;
  const waiting_row out{found->row, found->request};
  unpersisted_bytes_ -= found->bytes;
  waiting_.erase(found);
  return out;
}

std::optional<std::uint64_t> spool_log::trim(const options& limits, time now,
                                             std::uint64_t all_have) {
  while (!rows_.empty() && (rows_.front().number <= all_have || rows_.front().expires <= now ||
                            bytes_ > limits.spool_bytes_max))
    pop();
  if (last_on_disk_ == 0) return std::nullopt;
  const auto needless = std::min(kept_after_, last_on_disk_ - 1);
  if (needless <= trimmed_) return std::nullopt;
  trimmed_ = needless;
  return trimmed_;
}

void spool_log::pop() {
  kept_after_ = rows_.front().number;
  bytes_ -= rows_.front().bytes;
  rows_.pop_front();
}

}  // namespace dunlin::queue
