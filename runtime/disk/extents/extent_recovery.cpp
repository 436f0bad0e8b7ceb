// What the extent store does when it opens: index and extents are brought together again.
#include "messages/page_id.hpp"
#include "runtime/disk/crc32c.hpp"
#include "runtime/disk/extents/extent_store.hpp"
#include "runtime/disk/extents/guarded.hpp"
#include "runtime/observe/reached.hpp"

namespace dunlin::extents {

result<void> extent_store::recover() {
  if (auto done = disk_.make_folder(options_.folder); !done) return done;
  auto names = disk_.list(options_.folder);
  if (!names) return names.error();
  const lock held(mutex_);
  return guarded(index_failed_, [&]() -> result<void> {
    for (const auto& name : *names)
      if (const auto number = extent_number(name)) {
        extents_[*number];
        numbers_used_ = std::max(numbers_used_, *number);
      }
    for (auto at = extents_.begin(); at != extents_.end();) {
      const auto usable = read_salt(held, at->first);
      if (!usable) return usable.error();
      // A crash while an extent was made leaves a file without a start: it holds no page.
      at = *usable ? std::next(at) : extents_.erase(at);
    }
    count_rows(held);
    for (const auto& [number, state] : extents_)
      if (auto done = recover_extent(held, number); !done) return done;
    commit(held);
    beside_ = index_->background();
    return {};
  });
}

result<bool> extent_store::read_salt(const lock& held, std::uint32_t number) {
  auto data = open_extent(held, number);
  if (!data) return data.error();
  const auto start = (*data)->pread(0, step_bytes);
  if (!start) return start.error();
  const auto salt = decode_extent_start(*start);
  if (salt) extents_[number].salt = *salt;
  return salt.has_value();
}

void extent_store::count_rows(const lock& held) {
  std::map<std::string, place> lost;
  index_->scan(table::pages, page_key({}), [&](std::string_view key, std::string_view value) {
    const auto page = page_of_key(key);
    if (!page) return false;
    const auto where = decode_place(value);
    if (!where) return true;
    ++pages_;
    bytes_ += where->length;
    if (auto at = extents_.find(where->extent); at != extents_.end())
      ++at->second.pages;
    else
      lost.emplace(*page, *where);
    return true;
  });
  for (const auto& [page, where] : lost)
    erase_row(held, page, where);
}

result<void> extent_store::recover_extent(const lock& held, std::uint32_t number) {
  auto data = open_extent(held, number);
  if (!data) return data.error();
  const auto size = (*data)->size();
  if (!size) return size.error();
  const auto row = index_->get(table::extents, extent_key(number));
  const auto through = std::max<std::uint64_t>(row ? decode_through(*row) : 0, step_bytes);
  // No extent of a former life grows: a place is never used twice. The index may have lost its last
  // commits with this crash, and find them again after the next one, where the log of SQLite is
  // written anew as it was: rows, and how far the extent is indexed, must then still be true.
  return scan_extent(held, **data, number, through, *size);
}

result<void> extent_store::scan_extent(const lock& held, file& data, std::uint32_t number,
                                       std::uint64_t from, std::uint64_t size) {
  const auto salt = extents_[number].salt;
  auto good_end = from;
  for (auto at = from; at < size;) {
    const auto bytes = data.pread(at, header_bytes_max);
    if (!bytes) return bytes.error();
    const auto found = decode(*bytes, salt);
    if (!found) {
      at += step_bytes;
      continue;
    }
    const auto& header = found->header;
    const place where{number,
                      static_cast<std::uint32_t>(found->encoded_bytes),
                      at,
                      header.length,
                      header.replica_set,
                      header.written_ms};
    const auto taken = index_found_page(held, data, header, where);
    if (!taken) return taken.error();
    at = where.end();
    if (*taken) good_end = at;
  }
  if (good_end > from) put_indexed_through(held, number, good_end);
  return {};
}

result<bool> extent_store::index_found_page(const lock& held, file& data, const page_header& header,
                                            const place& where) {
  const auto bytes = data.pread(where.offset + where.header_bytes, where.length);
  if (!bytes) return bytes.error();
  // Torn by the crash, so never acknowledged: a page is answered only after its sync.
  if (bytes->size() != where.length || block_sums(*bytes) != header.block_sums) {
    DUNLIN_REACHED("extents.torn_page_dropped");
    return false;
  }
  DUNLIN_REACHED("extents.page_found_by_header");
  // An older copy of the same page was damaged and replaced; its place is only lost space.
  put_row(held, header.page, where);
  if (rows_waiting_ >= options_.rows_per_commit) commit(held);
  return true;
}

}  // namespace dunlin::extents
