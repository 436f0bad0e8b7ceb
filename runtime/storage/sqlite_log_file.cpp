#include "runtime/storage/sqlite_log_file.hpp"

#include <algorithm>

namespace dunlin {
namespace {

constexpr std::size_t frame_head_bytes = 24;
constexpr std::size_t gathered_bytes_max = 256u << 10;
constexpr std::uint64_t unsent_bytes_max = 512u << 10;

}  // namespace

result<void> sqlite_log_file::flush() {
  if (gathered_.empty()) return {};
  auto written = bytes_->pwrite(start_, gathered_);
  start_writing(start_, gathered_.size());
  gathered_.clear();  // after an error the store stops
  return written;
}

result<void> sqlite_log_file::pwrite(std::uint64_t offset, std::string_view data) {
  if (offset != start_ + gathered_.size())
    if (auto flushed = flush(); !flushed) return flushed;
  if (gathered_.empty()) start_ = offset;
  gathered_ += data;
  if (data.size() == frame_head_bytes) {
    const auto pages_after_commit = data.substr(4, 4);
    ends_commit_ = std::ranges::any_of(pages_after_commit, [](char c) { return c != 0; });
    // One that was read before may be written anew for itself: checksums, after a frame was
    // replaced. Or recovery ended here, and a page follows.
    return offset == read_last_ ? flush() : result<void>();
  }
  return ends_commit_ || gathered_.size() >= gathered_bytes_max ? flush() : result<void>();
}

// A checkpoint syncs all of the log: what it finds on the disk already does not hold up others'
// syncs then.
void sqlite_log_file::start_writing(std::uint64_t offset, std::uint64_t size) {
  if (offset != unsent_end_) unsent_start_ = offset;
  unsent_end_ = offset + size;
  if (unsent_end_ - unsent_start_ < unsent_bytes_max) return;
  bytes_->start_writing(unsent_start_, unsent_end_ - unsent_start_);
  unsent_start_ = unsent_end_;
}

result<std::string> sqlite_log_file::pread(std::uint64_t offset, std::size_t size) {
  if (auto flushed = flush(); !flushed) return flushed.error();
  return bytes_->pread(offset, size);
}

result<std::size_t> sqlite_log_file::pread(std::uint64_t offset, char* target, std::size_t size) {
  if (auto flushed = flush(); !flushed) return flushed.error();
  read_last_ = offset;
  return bytes_->pread(offset, target, size);
}

result<void> sqlite_log_file::sync() {
  if (auto flushed = flush(); !flushed) return flushed;
  return bytes_->sync();
}

result<std::uint64_t> sqlite_log_file::size() {
  if (auto flushed = flush(); !flushed) return flushed.error();
  return bytes_->size();
}

result<void> sqlite_log_file::truncate(std::uint64_t size) {
  if (auto flushed = flush(); !flushed) return flushed;
  return bytes_->truncate(size);
}

result<void> sqlite_log_file::punch(std::uint64_t offset, std::uint64_t size) {
  if (auto flushed = flush(); !flushed) return flushed;
  return bytes_->punch(offset, size);
}

}  // namespace dunlin
