#include "actors/partition/state_files.hpp"

#include "messages/v1.hpp"
#include "runtime/disk/crc32c.hpp"
#include "runtime/disk/path.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>

namespace dunlin {

void remove_state(disk& storage, const std::string& path) {
  for (const auto* suffix : {"", "-wal", "-journal", "-shm"})
    (void)storage.remove(path + suffix);
}

// ---- outgoing ----

outgoing_state::outgoing_state(disk& storage, std::string path, std::string identity,
                               store_background& of)
    : disk_{storage}, path_{std::move(path)} {
  remove_state(disk_, path_);
  copy_ = of.copy_to(path_);
  made_.identity = std::move(identity);
}

outgoing_state::~outgoing_state() {
  copy_.reset();
  file_.reset();
  remove_state(disk_, path_);
}

result<bool> outgoing_state::step(std::uint64_t bytes_max, const inspect_state& inspect) try {
  if (complete_) return true;
  if (copy_) return copy(bytes_max, inspect);
  const auto piece = file_->pread(hashed_, std::min(bytes_max, made_.bytes - hashed_));
  if (!piece) return piece.error();
  if (piece->empty()) return ec::damaged;
  hash_.update(*piece);
  hashed_ += piece->size();
  if (hashed_ < made_.bytes) return false;
  made_.hash = hash_.finish();
  complete_ = true;
  return true;
} catch (const store_error& error) {
  return error.code();
}

result<bool> outgoing_state::copy(std::uint64_t bytes_max, const inspect_state& inspect) {
  if (!copy_->step(bytes_max)) return false;
  copy_.reset();
  if (auto opened = open_copy(inspect); !opened) return opened.error();
  return false;
}

// The owner may have committed again between asking for a copy and its beginning: the copy itself
// says what it is.
result<void> outgoing_state::open_copy(const inspect_state& inspect) {
  const auto place = inspect(path_);
  if (!place) return place.error();
  made_.at = place->at;
  made_.tick = place->tick;
  auto opened = disk_.open(path_, disk::mode::read);
  if (!opened) return opened.error();
  file_ = std::move(*opened);
  const auto bytes = file_->size();
  if (!bytes) return bytes.error();
  made_.bytes = *bytes;
  return {};
}

result<std::string> outgoing_state::read(std::uint64_t offset, std::size_t bytes) {
  if (!complete_) return ec::not_found;
  if (offset >= made_.bytes) return ec::invalid_argument;
  return file_->pread(offset, bytes);
}

// ---- incoming ----

incoming_state::incoming_state(disk& storage, std::string path, raft::snapshot_ptr offered)
    : disk_{storage}, path_{std::move(path)}, offered_{std::move(offered)} {}

incoming_state::~incoming_state() {
  file_.reset();
  remove_state(disk_, path_);
}

result<void> incoming_state::open(std::uint64_t reserve_bytes) {
  const auto space = disk_.space();
  if (!space) return space.error();
  if (space->free_bytes < offered_->bytes + reserve_bytes) return ec::disk_full;
  remove_state(disk_, path_);
  auto opened = disk_.open(path_, disk::mode::create);
  if (!opened) return opened.error();
  file_ = std::move(*opened);
  return {};
}

result<void> incoming_state::add(std::string_view piece) {
  if (piece.empty() || piece.size() > offered_->bytes - offset_) return ec::bad_message;
  if (auto written = file_->pwrite(offset_, piece); !written) return written;
  hash_.update(piece);
  offset_ += piece.size();
  return {};
}

result<void> incoming_state::finish(const inspect_state& inspect) {
  if (!file_) return {};  // it was found to be whole before
  if (auto synced = file_->sync(); !synced) return synced;
  // Its name too: what takes the state's place later is a rename of it.
  if (auto synced = disk_.sync_folder(folder_of(path_)); !synced) return synced;
  file_.reset();
  if (hash_.finish() != offered_->hash) return ec::damaged;
  const auto place = inspect(path_);
  if (!place) return place.error();
  if (place->at != offered_->at) {
    DUNLIN_REACHED("partition.snapshot_of_another_place");
    return ec::damaged;
  }
  return {};
}

// ---- the mark ----

static constexpr std::size_t crc_bytes = 4;

static std::string crc_of(std::string_view bytes) {
  const auto crc = crc32c(bytes);
  std::string text;
  for (auto shift = 0; shift < 32; shift += 8)
    text += static_cast<char>(crc >> shift & 0xff);
  return text;
}

result<void> write_mark(disk& storage, const std::string& path, raft::position at) {
  v1::RaftSnapshot mark;
  mark.set_index(at.index);
  mark.set_term(at.term);
  const auto bytes = mark.SerializeAsString();
  auto opened = storage.open(path, disk::mode::create);
  if (!opened) return opened.error();
  if (auto cut = (*opened)->truncate(0); !cut) return cut;
  if (auto written = (*opened)->pwrite(0, crc_of(bytes) + bytes); !written) return written;
  if (auto synced = (*opened)->sync(); !synced) return synced;
  return storage.sync_folder(folder_of(path));
}

result<std::optional<raft::position>> read_mark(disk& storage, const std::string& path) {
  constexpr std::size_t bytes_max = 256;
  const auto opened = storage.open(path, disk::mode::read);
  if (!opened && opened.error() == ec::not_found) return std::optional<raft::position>{};
  if (!opened) return opened.error();
  const auto bytes = (*opened)->pread(0, bytes_max);
  if (!bytes) return bytes.error();
  v1::RaftSnapshot mark;
  if (bytes->size() < crc_bytes ||
      crc_of(bytes->substr(crc_bytes)) != bytes->substr(0, crc_bytes) ||
      !mark.ParseFromString(bytes->substr(crc_bytes)))
    return std::optional<raft::position>{};
  return std::optional{raft::position{mark.term(), mark.index()}};
}

}  // namespace dunlin
