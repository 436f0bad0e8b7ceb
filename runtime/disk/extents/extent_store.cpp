#include "runtime/disk/extents/extent_store.hpp"

#include "messages/page_id.hpp"
#include "runtime/disk/crc32c.hpp"
#include "runtime/disk/extents/guarded.hpp"
#include "runtime/observe/planted.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>

namespace dunlin::extents {

extent_store::extent_store(disk& where, std::unique_ptr<kv_store> index, const wall_clock& clock,
                           random_source& random, extent_options options)
    : disk_(where),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      index_(std::move(index)) {}

extent_store::~extent_store() = default;

result<std::unique_ptr<extent_store>> extent_store::open(disk& where,
                                                         std::unique_ptr<kv_store> index,
                                                         const wall_clock& clock,
                                                         random_source& random,
                                                         extent_options options) {
  std::unique_ptr<extent_store> store(
      new extent_store(where, std::move(index), clock, random, std::move(options)));
  if (auto done = store->recover(); !done) return done.error();
  return store;
}

// ---- index ----

std::optional<page_place> extent_store::find(const lock&, const std::string& page) {
  const auto row = index_->get(table::pages, page_key(page));
  return row ? decode_place(*row) : std::nullopt;
}

void extent_store::put_row(const lock& held, const std::string& page, const place& where) {
  if (const auto old = find(held, page)) erase_row(held, page, *old);
  index_->put(table::pages, page_key(page), encode(where));
  index_->put(table::pages, set_key(where.replica_set, page), {});
  ++extents_[where.extent].pages;
  ++pages_;
  bytes_ += where.length;
  row_written(held);
}

void extent_store::erase_row(const lock& held, const std::string& page, const place& where) {
  index_->erase(table::pages, page_key(page));
  index_->erase(table::pages, set_key(where.replica_set, page));
  if (auto at = extents_.find(where.extent); at != extents_.end() && at->second.pages > 0)
    --at->second.pages;
  --pages_;
  bytes_ -= where.length;
  row_written(held);
}

void extent_store::put_indexed_through(const lock& held, std::uint32_t number,
                                       std::uint64_t through) {
  index_->put(table::extents, extent_key(number), encode_through(through));
  row_written(held);
}

void extent_store::row_written(const lock&) { ++rows_waiting_; }

void extent_store::commit_if_many(const lock& held) {
  if (rows_waiting_ >= options_.rows_per_commit) commit(held);
}

void extent_store::commit(const lock&) {
  if (rows_waiting_ == 0) return;
  index_->commit();
  rows_waiting_ = 0;
  ++commits_waiting_;
}

/// Readers need the mutex, and a checkpoint takes as long as the disk does.
result<void> extent_store::checkpoint_if_due() {
  return guarded(index_failed_, [&]() -> result<void> {
    {
      const lock held(mutex_);
      if (commits_waiting_ < options_.commits_per_checkpoint) return {};
      commits_waiting_ = 0;
      if (!beside_) index_->checkpoint();
    }
    if (beside_) beside_->checkpoint();
    return {};
  });
}

result<void> extent_store::flush() {
  {
    const lock held(mutex_);
    auto done = guarded(index_failed_, [&]() -> result<void> {
      if (index_failed_ != 0) return static_cast<ec>(index_failed_.load());
      commit(held);
      return {};
    });
    if (!done) return done;
  }
  return checkpoint_if_due();
}

result<std::shared_ptr<file>> extent_store::open_extent(const lock&, std::uint32_t number) {
  const auto at = std::find_if(open_files_.begin(), open_files_.end(),
                               [&](const auto& entry) { return entry.first == number; });
  if (at != open_files_.end()) {
    open_files_.splice(open_files_.begin(), open_files_, at);
    return open_files_.front().second;
  }
  auto opened = disk_.open(options_.folder + "/" + extent_name(number), disk::mode::read_write);
  if (!opened) return opened.error();
  open_files_.emplace_front(number, std::move(*opened));
  if (open_files_.size() > options_.open_files_max) open_files_.pop_back();
  return open_files_.front().second;
}

result<extent_store::located> extent_store::locate(const std::string& page) {
  const lock held(mutex_);
  return guarded(index_failed_, [&]() -> result<located> {
    const auto where = find(held, page);
    if (!where) return ec::not_found;
    auto handle = open_extent(held, where->extent);
    if (!handle) return handle.error();
    return located{*where, std::move(*handle), extents_[where->extent].salt};
  });
}

// ---- reading ----

namespace {

/// A freed page reads as zeros from its first byte; anything else that is no header is damage.
ec why_no_header(std::string_view bytes) {
  const auto zeros = std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
  return zeros ? ec::not_found : ec::damaged;
}

result<page_header> read_header(file& data, const page_place& where, std::uint64_t salt,
                                const std::string& page) {
  const auto bytes = data.pread(where.offset, where.header_bytes);
  if (!bytes) return bytes.error();
  auto decoded = decode(*bytes, salt);
  if (!decoded) return why_no_header(*bytes);
  if (decoded->header.page != page || decoded->header.length != where.length) return ec::damaged;
  return std::move(decoded->header);
}

/// Reads the whole blocks that hold [offset, offset + length), checks them, answers that range.
result<buffer> read_blocks(file& data, const page_place& where, const page_header& header,
                           std::uint64_t offset, std::uint64_t length) {
  const auto from = offset / block_bytes * block_bytes;
  const auto end = std::min<std::uint64_t>(
      (offset + length + block_bytes - 1) / block_bytes * block_bytes, where.length);
  auto bytes = data.pread(where.offset + where.header_bytes + from, end - from);
  if (!bytes) return bytes.error();
  if (bytes->size() != end - from) return ec::damaged;
  const auto view = std::string_view(*bytes);
  for (auto at = from; at < end; at += block_bytes)
    if (crc32c(view.substr(at - from, block_bytes)) != header.block_sums[at / block_bytes] &&
        !planted(bug::read_without_checksum))
      return ec::damaged;
  if (from == offset && end == offset + length)
    return std::make_shared<const std::string>(std::move(*bytes));
  return std::make_shared<const std::string>(bytes->substr(offset - from, length));
}

}  // namespace

result<page_range> extent_store::read_at(const located& found, const std::string& page,
                                         std::uint64_t offset, std::uint64_t length) {
  auto header = read_header(*found.handle, found.where, found.salt, page);
  if (!header) return header.error();
  const std::uint64_t page_length = found.where.length;
  offset = std::min(offset, page_length);
  if (length == 0 || length > page_length - offset) length = page_length - offset;
  auto bytes = read_blocks(*found.handle, found.where, *header, offset, length);
  if (!bytes) return bytes.error();
  return page_range{std::move(*bytes), found.where.length, found.where.replica_set,
                    std::move(header->item)};
}

result<page_range> extent_store::read(const std::string& page, std::uint64_t offset,
                                      std::uint64_t length) {
  auto found = locate(page);
  if (!found) return found.error();
  auto answer = read_at(*found, page, offset, length);
  if (answer) return answer;
  // The page may have been freed or replaced between the look-up and the read.
  auto again = locate(page);
  if (!again) return again.error();
  if (again->where != found->where) return read_at(*again, page, offset, length);
  if (answer.error() == ec::damaged) {
    const lock held(mutex_);
    DUNLIN_REACHED("extents.damaged_page_read");
    ++damaged_;
  }
  if (answer.error() == ec::not_found) static_cast<void>(item_of(page));
  return answer;
}

bool extent_store::holds(const std::string& page) {
  const lock held(mutex_);
  const auto found =
      guarded(index_failed_, [&]() -> result<bool> { return find(held, page).has_value(); });
  return found && *found;
}

result<page_item> extent_store::item_of(const std::string& page) {
  auto found = locate(page);
  if (!found) return found.error();
  auto header = read_header(*found->handle, found->where, found->salt, page);
  if (header) return std::move(header->item);
  if (header.error() != ec::not_found) return header.error();
  // Freed. Its row is erased lazily, so a crash may bring the row back: for ever, if not here.
  auto done = guarded(index_failed_, [&]() -> result<void> {
    const lock held(mutex_);
    if (find(held, page) != std::optional(found->where)) return {};
    DUNLIN_REACHED("extents.row_of_freed_page_forgotten");
    erase_row(held, page, found->where);
    commit_if_many(held);
    return {};
  });
  return done ? ec::not_found : done.error();
}

result<std::vector<held_page>> extent_store::list(std::uint32_t replica_set,
                                                  const std::string& after, std::size_t items_max) {
  const lock held(mutex_);
  return guarded(index_failed_, [&]() -> result<std::vector<held_page>> {
    std::vector<std::string> names;
    index_->scan(table::pages, set_key(replica_set, after),
                 [&](std::string_view key, std::string_view) {
                   auto page = page_of_set_key(replica_set, key);
                   if (!page) return key == std::string_view(set_key(replica_set, after));
                   if (*page != after) names.push_back(std::move(*page));
                   return names.size() < items_max;
                 });
    std::vector<held_page> pages;
    for (auto& name : names)
      if (const auto where = find(held, name))
        pages.push_back({std::move(name), where->length, where->written_ms});
    return pages;
  });
}

result<disk_space> extent_store::space() { return disk_.space(); }

std::uint64_t extent_store::reserve(const disk_space& space) const {
  return std::min(options_.reserve_bytes_max, space.total_bytes / 20);
}

store_status extent_store::status() {
  store_status answer;
  if (const auto now = space()) {
    answer.free_bytes = now->free_bytes;
    answer.full = now->free_bytes < reserve(*now);
  }
  const lock held(mutex_);
  answer.pages = pages_;
  answer.bytes = bytes_;
  answer.damaged_total = damaged_;
  return answer;
}

}  // namespace dunlin::extents
