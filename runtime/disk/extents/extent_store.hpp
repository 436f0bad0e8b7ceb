/// EXTENT STORE: the pages of one storage node, appended to large files (K2, decisions 17 to 19).
///
/// A page is on disk as header and bytes, at a multiple of 4 KiB of some extent file; each 64 KiB
/// of it has a checksum, so that a range is verified without reading the rest. The index (page ->
/// place) is rows of a kv_store in the tables `pages` and `extents`; it is written lazily, because
/// what is younger than an extent's "indexed through" is found again from the headers.
///
/// Threads: append, sync and free belong to one thread at a time (the extent writer). Everything
/// else may be called from any thread beside them: a mutex guards the index, and is never held over
/// a read, a write or a sync of an extent file.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/clock.hpp"
#include "runtime/disk/disk.hpp"
#include "runtime/disk/extents/index_rows.hpp"
#include "runtime/disk/extents/page_header.hpp"
#include "runtime/storage/kv_store.hpp"

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dunlin::extents {

struct extent_options {
  std::string folder = "extents";
  std::uint64_t extent_bytes_max = 256u << 20;
  std::uint64_t reserve_bytes_max = 64u
                                    << 20;  ///< kept free: the smaller of it and 5 % of the disk
  std::size_t open_files_max = 64;
  std::size_t rows_per_commit = 256;  ///< index rows in one lazy transaction
  std::size_t commits_per_checkpoint = 64;
};

struct new_page {
  std::string page;  ///< 16 bytes
  std::uint32_t replica_set = 0;
  page_item item;
  buffer bytes;
};

/// A verified range of a page.
struct page_range {
  buffer bytes;
  std::uint32_t page_length = 0;
  std::uint32_t replica_set = 0;
  page_item item;
};

struct held_page {
  std::string page;
  std::uint32_t length = 0;
  std::int64_t written_ms = 0;
};

struct store_status {
  std::uint64_t pages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t free_bytes = 0;
  bool full = false;
  std::uint64_t damaged_total = 0;  ///< reads that met a wrong checksum
};

class extent_store {
public:
  /// Opens what is there: finds the pages that the index has missed, forgets rows whose extent is
  /// gone, cuts the torn page at the end. `index` belongs to this store from now on.
  static result<std::unique_ptr<extent_store>> open(disk& where, std::unique_ptr<kv_store> index,
                                                    const wall_clock& clock, random_source& random,
                                                    extent_options options = {});
  ~extent_store();

  /// Puts a page after the others; durable and readable when sync() has succeeded. The same page
  /// with the same bytes again is no error (and replaces a damaged one); with other bytes:
  /// already_exists. disk_full while less than the reserve is free.
  result<void> append(const new_page& page);

  /// Makes every page appended since the last call durable with one sync of the file. After an
  /// error none of those pages is held, and the file is never written again.
  result<void> sync();

  /// Gives the pages first … first + count - 1 back to the file system; durable when it returns.
  /// Unknown ones count as freed. Answers how many were held.
  result<std::uint64_t> free(const std::string& first, std::uint64_t count);

  /// Commits the index rows that wait; call when idle. Once the index has failed, whoever met it,
  /// this answers why: the store must be opened anew.
  result<void> flush();

  /// `length` bytes at `offset`, or to the page's end if 0 or beyond it. Errors: not_found,
  /// damaged.
  result<page_range> read(const std::string& page, std::uint64_t offset, std::uint64_t length);

  bool holds(const std::string& page);

  /// Item of a held page, from its header. Errors as of read.
  result<page_item> item_of(const std::string& page);

  /// Pages of a set with page > after, ascending, at most items_max.
  result<std::vector<held_page>> list(std::uint32_t replica_set, const std::string& after,
                                      std::size_t items_max);

  store_status status();

private:
  using place = page_place;
  struct extent {
    std::uint64_t salt = 0;
    std::uint64_t pages = 0;
  };
  /// Appended, not yet synced.
  struct pending_page {
    place where;
    buffer bytes;
  };
  struct located {
    place where;
    std::shared_ptr<file> handle;
    std::uint64_t salt = 0;
  };

  extent_store(disk& where, std::unique_ptr<kv_store> index, const wall_clock& clock,
               random_source& random, extent_options options);

  // index; a lock parameter says that the caller holds mutex_
  using lock = std::unique_lock<std::mutex>;
  std::optional<place> find(const lock&, const std::string& page);
  void put_row(const lock&, const std::string& page, const place& where);
  void erase_row(const lock&, const std::string& page, const place& where);
  void put_indexed_through(const lock&, std::uint32_t number, std::uint64_t through);
  void row_written(const lock&);
  void commit_if_many(const lock&);
  void commit(const lock&);
  result<std::shared_ptr<file>> open_extent(const lock&, std::uint32_t number);
  result<located> locate(const std::string& page);
  result<page_range> read_at(const located& found, const std::string& page, std::uint64_t offset,
                             std::uint64_t length);
  result<disk_space> space();
  std::uint64_t reserve(const disk_space& space) const;

  // opening, in extent_recovery.cpp
  result<void> recover();
  result<bool> read_salt(const lock&, std::uint32_t number);
  void count_rows(const lock&);
  result<void> recover_extent(const lock&, std::uint32_t number);
  result<void> scan_extent(const lock&, file& data, std::uint32_t number, std::uint64_t from,
                           std::uint64_t size);
  result<bool> index_found_page(const lock&, file& data, const page_header& header,
                                const place& where);

  // the writer's thread, in extent_writing.cpp
  static constexpr std::size_t free_batch = 1024;
  result<void> refuse_if_odd(const new_page& page) const;
  result<void> refuse_if_full(std::uint64_t more);
  result<bool> already_held(const new_page& page);
  result<void> make_room(std::uint64_t bytes);
  result<void> start_extent();
  result<void> sync_pending();
  result<void> checkpoint_if_due();
  result<void> index_batch(const std::map<std::string, pending_page>& durable);
  result<void> give_back(const place& where);
  result<void> sync_extents(const std::set<std::uint32_t>& numbers);
  std::map<std::string, place> held_in(const lock&, const std::string& first, std::uint64_t count);
  result<void> free_batch_of(const std::map<std::string, place>& batch);
  void drop_if_empty(std::uint32_t number);

  disk& disk_;
  const wall_clock& clock_;
  random_source& random_;
  const extent_options options_;

  std::mutex mutex_;
  std::unique_ptr<kv_store> index_;
  std::unique_ptr<store_background> beside_;    // of the writer's thread; null: index_ has none
  std::atomic<std::uint8_t> index_failed_ = 0;  // an ec; 0: it works
  std::map<std::uint32_t, extent> extents_;
  std::list<std::pair<std::uint32_t, std::shared_ptr<file>>> open_files_;  // newest use first
  std::uint64_t pages_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t damaged_ = 0;
  std::size_t rows_waiting_ = 0;
  std::size_t commits_waiting_ = 0;

  // of the writer's thread
  std::uint32_t active_ = 0;  // extent that grows, made in this life; 0: none
  std::uint32_t numbers_used_ = 0;
  std::shared_ptr<file> active_file_;
  std::uint64_t active_end_ = 0;
  std::map<std::string, pending_page> pending_;
  std::optional<ec> lost_;  // why pages of this batch are gone, until sync() has told
};

}  // namespace dunlin::extents
