#include "runtime/storage/sqlite_install.hpp"

#include "runtime/disk/path.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/storage/sqlite_store.hpp"

#include <bit>

namespace dunlin {
namespace {

/// Of a database's first bytes (https://www.sqlite.org/fileformat2.html, 1.3): big endian.
std::uint64_t number_at(std::string_view header, std::size_t offset, std::size_t bytes) {
  std::uint64_t number = 0;
  for (const auto one : header.substr(offset, bytes))
    number = number << 8 | static_cast<std::uint8_t>(one);
  return number;
}

result<void> check_header(std::string_view header, std::uint64_t file_bytes) {
  constexpr std::string_view magic("SQLite format 3\0", 16);
  if (header.size() < 100 || !header.starts_with(magic)) return ec::damaged;
  const auto page_bytes = number_at(header, 16, 2);
  if (page_bytes < 512 || !std::has_single_bit(page_bytes)) return ec::damaged;
  // The number of pages counts only if whoever wrote it wrote the change counter too.
  if (number_at(header, 24, 4) != number_at(header, 92, 4)) return ec::damaged;
  if (number_at(header, 28, 4) * page_bytes != file_bytes) return ec::damaged;
  if (number_at(header, 68, 4) != static_cast<std::uint32_t>(sqlite_application_id))
    return ec::damaged;
  const auto tables = number_at(header, 60, 4);
  if (tables == 0) return ec::damaged;
  if (tables > table_count) return ec::unsupported;
  return {};
}

result<void> check_and_sync(disk& storage, const std::string& received) {
  auto opened = storage.open(received, disk::mode::read_write);
  if (!opened) return opened.error();
  const auto bytes = (*opened)->size();
  if (!bytes) return bytes.error();
  const auto header = (*opened)->pread(0, 100);
  if (!header) return header.error();
  if (auto right = check_header(*header, *bytes); !right) {
    dunlin::log::warn("storage.refused_copy",
                      {{"file", received}, {"reason", to_string(right.error())}});
    return right;
  }
  return (*opened)->sync();
}

std::string second_name(const std::string& path) { return path + "-new"; }

}  // namespace

// The rename to the second name is the moment of decision: before it is durable the old database
// is whole with its log, after it only the new one counts, whatever else is still to do. The old
// log has to be gone, durably, before the new file takes the old one's name: SQLite would replay it
// onto the new file, because nothing in a log says which file it belongs to.
result<void> install(disk& storage, const std::string& received, const std::string& path) {
  if (auto whole = check_and_sync(storage, received); !whole) return whole;
  const auto decided = second_name(path);
  if (auto named = storage.rename(received, decided); !named) return named;
  if (auto done = finish_install(storage, path); !done) return done;
  if (folder_of(received) == folder_of(path)) return {};
  return storage.sync_folder(folder_of(received));
}

result<void> finish_install(disk& storage, const std::string& path) {
  const auto decided = second_name(path);
  const auto there = storage.exists(decided);
  if (!there) return there.error();
  if (!*there) return {};
  if (auto synced = storage.sync_folder(folder_of(path)); !synced) return synced;
  for (const auto* old : {"-wal", "-journal"}) {
    const auto gone = storage.remove(path + old);
    if (!gone && gone.error() != ec::not_found) return gone;
  }
  if (auto synced = storage.sync_folder(folder_of(path)); !synced) return synced;
  if (auto named = storage.rename(decided, path); !named) return named;
  return storage.sync_folder(folder_of(path));
}

}  // namespace dunlin
