// The writer's half of the extent store: append, sync, free.
#include "messages/page_id.hpp"
#include "runtime/disk/extents/extent_store.hpp"
#include "runtime/disk/extents/guarded.hpp"
#include "runtime/observe/planted.hpp"
#include "runtime/observe/reached.hpp"

#include <limits>
#include <set>

namespace dunlin::extents {

result<void> extent_store::refuse_if_odd(const new_page& page) const {
  const auto short_enough = [](const std::string& text) {
    return text.size() <= std::numeric_limits<std::uint16_t>::max();
  };
  if (page.page.size() != page_id_bytes || !page.bytes || page.bytes->size() > page_bytes_max)
    return ec::invalid_argument;
  const auto& item = page.item;
  if (!short_enough(item.bucket_id) || !short_enough(item.key) || !short_enough(item.upload_id))
    return ec::invalid_argument;
  page_header header{page.page, page.replica_set, item, 0, 0, {}};
  header.length = static_cast<std::uint32_t>(page.bytes->size());
  if (encoded_bytes(header) > header_bytes_max) return ec::invalid_argument;
  return {};
}

result<void> extent_store::refuse_if_full(std::uint64_t more) {
  const auto now = space();
  if (!now) return now.error();
  if (now->free_bytes < reserve(*now) + more) {
    DUNLIN_REACHED("extents.full_disk_refused");
    return ec::disk_full;
  }
  return {};
}

result<bool> extent_store::already_held(const new_page& page) {
  if (const auto at = pending_.find(page.page); at != pending_.end()) {
    if (*at->second.bytes == *page.bytes && at->second.where.replica_set == page.replica_set)
      return true;
    return ec::already_exists;
  }
  if (!holds(page.page)) return false;
  const auto held = read(page.page, 0, 0);
  if (held && *held->bytes == *page.bytes && held->replica_set == page.replica_set) return true;
  if (held) return ec::already_exists;
  // What cannot be read back is replaced: this is how a damaged replica is put right (K4).
  if (held.error() == ec::damaged) DUNLIN_REACHED("extents.damaged_page_replaced");
  if (held.error() == ec::damaged || held.error() == ec::not_found) return false;
  return held.error();
}

result<void> extent_store::start_extent() {
  const auto number = numbers_used_ + 1;
  const auto path = options_.folder + "/" + extent_name(number);
  const auto salt = random_.next();
  auto made = disk_.open(path, disk::mode::create);
  if (!made) return made.error();
  std::shared_ptr<file> data = std::move(*made);
  // A failed attempt may have left the file behind; its bytes must not be found later.
  if (auto done = data->truncate(0); !done) return done;
  if (auto done = data->pwrite(0, encode_extent_start(salt)); !done) return done;
  if (auto done = data->sync(); !done) return done;
  if (auto done = disk_.sync_folder(options_.folder); !done) return done;
  std::vector<std::uint32_t> empty;
  {
    const lock held(mutex_);
    for (const auto& [other, state] : extents_)
      if (state.pages == 0) empty.push_back(other);
    extents_[number].salt = salt;
    open_files_.emplace_front(number, data);
    if (open_files_.size() > options_.open_files_max) open_files_.pop_back();
  }
  numbers_used_ = number;
  active_ = number;
  active_file_ = std::move(data);
  active_end_ = step_bytes;
  for (const auto other : empty)
    drop_if_empty(other);
  return {};
}

result<void> extent_store::make_room(std::uint64_t bytes) {
  if (active_ != 0 && active_end_ + bytes <= options_.extent_bytes_max) return {};
  // One file at a time is unsynced, so that one sync is enough for a batch.
  if (auto done = sync_pending(); !done) return done;
  return start_extent();
}

result<void> extent_store::append(const new_page& page) {
  if (auto fine = refuse_if_odd(page); !fine) return fine;
  const auto held = already_held(page);
  if (!held) return held.error();
  if (*held) return {};
  page_header header{page.page, page.replica_set,       page.item, clock_.now_ms(),
                     0,         block_sums(*page.bytes)};
  header.length = static_cast<std::uint32_t>(page.bytes->size());
  place where;
  where.header_bytes = static_cast<std::uint32_t>(encoded_bytes(header));
  where.length = header.length;
  where.replica_set = page.replica_set;
  where.written_ms = header.written_ms;
  const auto bytes = where.end();
  if (auto fine = refuse_if_full(bytes); !fine) return fine;
  if (auto fine = make_room(bytes); !fine) return fine;
  where.extent = active_;
  where.offset = active_end_;
  std::uint64_t salt = 0;
  {
    const lock guard(mutex_);
    salt = extents_[active_].salt;
  }
  if (auto done = active_file_->pwrite(where.offset, encode(header, salt)); !done) return done;
  if (auto done = active_file_->pwrite(where.offset + where.header_bytes, *page.bytes); !done)
    return done;
  active_end_ = where.end();
  pending_[page.page] = {where, page.bytes};
  return {};
}

result<void> extent_store::sync() {
  auto done = sync_pending();
  // A batch that spans two extents may have lost its first half in append().
  const auto lost = std::exchange(lost_, std::nullopt);
  if (lost) return *lost;
  return done;
}

result<void> extent_store::sync_pending() {
  if (pending_.empty()) return {};
  const auto batch = std::exchange(pending_, {});
  auto done = planted(bug::page_acknowledged_before_sync) ? result<void>() : active_file_->sync();
  if (!done) {
    // Nothing is known of a file after a failed sync (disk.hpp), so it grows no further.
    active_ = 0;
    active_file_.reset();
  } else {
    done = index_batch(batch);
  }
  if (!done) lost_ = done.error();
  return done;
}

result<void> extent_store::index_batch(const std::map<std::string, pending_page>& durable) {
  std::vector<place> replaced;
  {
    const lock held(mutex_);
    auto done = guarded(index_failed_, [&]() -> result<void> {
      for (const auto& [page, pending] : durable) {
        if (const auto old = find(held, page)) replaced.push_back(*old);
        put_row(held, page, pending.where);
      }
      put_indexed_through(held, active_, active_end_);
      commit_if_many(held);
      return {};
    });
    if (!done) return done;
  }
  // A copy that stays behind only costs space: the index names the new one.
  for (const auto& old : replaced)
    if (give_back(old)) drop_if_empty(old.extent);
  return checkpoint_if_due();
}

result<void> extent_store::give_back(const place& where) {
  std::shared_ptr<file> data;
  {
    const lock held(mutex_);
    auto opened = open_extent(held, where.extent);
    if (!opened) return opened.error();
    data = std::move(*opened);
  }
  if (data->punch(where.offset, where.end() - where.offset)) return {};
  // A file system without holes: the page goes by its header, the space only with the extent.
  return data->pwrite(where.offset, std::string(where.header_bytes, '\0'));
}

result<void> extent_store::sync_extents(const std::set<std::uint32_t>& numbers) {
  for (const auto number : numbers) {
    std::shared_ptr<file> data;
    {
      const lock held(mutex_);
      auto opened = open_extent(held, number);
      if (!opened) return opened.error();
      data = std::move(*opened);
    }
    if (auto done = data->sync(); !done) return done;
  }
  return {};
}

std::map<std::string, page_place> extent_store::held_in(const lock&, const std::string& first,
                                                        std::uint64_t count) {
  std::map<std::string, place> found;
  index_->scan(table::pages, page_key(first), [&](std::string_view key, std::string_view value) {
    const auto page = page_of_key(key);
    const auto distance = page ? page_distance(first, *page) : std::nullopt;
    if (!distance || *distance >= count) return false;
    if (const auto where = decode_place(value)) found.emplace(*page, *where);
    return found.size() < free_batch;
  });
  return found;
}

result<std::uint64_t> extent_store::free(const std::string& first, std::uint64_t count) {
  if (first.size() != page_id_bytes) return ec::invalid_argument;
  if (auto done = sync_pending(); !done) return done.error();
  std::uint64_t freed = 0;
  for (;;) {
    auto batch = guarded(index_failed_, [&]() -> result<std::map<std::string, place>> {
      const lock held(mutex_);
      return held_in(held, first, count);
    });
    if (!batch) return batch.error();
    if (batch->empty()) return freed;
    if (auto done = free_batch_of(*batch); !done) return done.error();
    freed += batch->size();
  }
}

result<void> extent_store::free_batch_of(const std::map<std::string, place>& batch) {
  std::set<std::uint32_t> touched;
  for (const auto& [page, where] : batch) {
    if (auto done = give_back(where); !done && done.error() != ec::not_found) return done;
    touched.insert(where.extent);
  }
  if (auto done = sync_extents(touched); !done) return done;
  auto done = guarded(index_failed_, [&]() -> result<void> {
    const lock held(mutex_);
    for (const auto& [page, where] : batch)
      if (find(held, page) == std::optional(where)) erase_row(held, page, where);
    commit_if_many(held);
    return {};
  });
  if (!done) return done;
  for (const auto number : touched)
    drop_if_empty(number);
  return checkpoint_if_due();
}

void extent_store::drop_if_empty(std::uint32_t number) {
  // The newest extent stays, empty or not: its number must not be given twice.
  if (number == active_ || number == numbers_used_) return;
  const lock held(mutex_);
  const auto at = extents_.find(number);
  if (at == extents_.end() || at->second.pages > 0) return;
  if (!disk_.remove(options_.folder + "/" + extent_name(number))) return;
  extents_.erase(at);
  open_files_.remove_if([&](const auto& entry) { return entry.first == number; });
  // The row may outlive a failure here: it names no file then, and the next opening forgets it.
  static_cast<void>(guarded(index_failed_, [&]() -> result<void> {
    index_->erase(table::extents, extent_key(number));
    row_written(held);
    return {};
  }));
  static_cast<void>(disk_.sync_folder(options_.folder));
}

}  // namespace dunlin::extents
