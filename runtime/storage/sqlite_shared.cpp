#include "runtime/storage/sqlite_shared.hpp"

#include <sqlite3.h>

namespace dunlin {

static_assert(SQLITE_SHM_NLOCK == 8);
// Held by whoever moves pages (https://www.sqlite.org/walformat.html, 2.3.1).
static constexpr int checkpoint_lock = 1;

bool sqlite_shared::lock_file(holder& who, int level) {
  const std::lock_guard held(mutex_);
  if (who.file_level >= level) return true;
  if (who.file_level == SQLITE_LOCK_NONE) {
    if (file_pending_ != nullptr) return false;
    ++file_readers_;
    who.file_level = SQLITE_LOCK_SHARED;
  }
  if (level == SQLITE_LOCK_SHARED) return true;
  if (file_reserved_ != nullptr && file_reserved_ != &who) return false;
  file_reserved_ = &who;
  if (level == SQLITE_LOCK_RESERVED) {
    who.file_level = SQLITE_LOCK_RESERVED;
    return true;
  }
  file_pending_ = &who;
  who.file_level = file_readers_ == 1 ? SQLITE_LOCK_EXCLUSIVE : SQLITE_LOCK_PENDING;
  return file_readers_ == 1;
}

void sqlite_shared::unlock_file(holder& who, int level) {
  const std::lock_guard held(mutex_);
  if (who.file_level <= level) return;
  if (file_reserved_ == &who) file_reserved_ = nullptr;
  if (file_pending_ == &who) file_pending_ = nullptr;
  if (level == SQLITE_LOCK_NONE) --file_readers_;
  who.file_level = level;
}

bool sqlite_shared::is_reserved() {
  const std::lock_guard held(mutex_);
  return file_reserved_ != nullptr;
}

void* sqlite_shared::region(std::size_t number, std::size_t bytes, bool make) {
  const std::lock_guard held(mutex_);
  if (number < regions_.size()) return regions_[number].get();
  if (!make) return nullptr;
  while (regions_.size() <= number)
    regions_.push_back(std::make_unique<char[]>(bytes));
  return regions_[number].get();
}

bool sqlite_shared::lock(holder& who, int first, int count, bool exclusively) {
  DUNLIN_ASSERT(first >= 0 && count > 0 && first + count <= lock_count);
  const std::lock_guard held(mutex_);
  for (int i = first; i < first + count; ++i) {
    const auto holders = locks_[static_cast<std::size_t>(i)];
    if (exclusively ? holders != 0 : holders < 0) return false;
  }
  for (int i = first; i < first + count; ++i) {
    const auto bit = static_cast<std::uint16_t>(1u << i);
    if (exclusively) {
      locks_[static_cast<std::size_t>(i)] = -1;
      who.exclusive |= bit;
    } else if ((who.shared & bit) == 0) {
      ++locks_[static_cast<std::size_t>(i)];
      who.shared |= bit;
    }
  }
  return true;
}

void sqlite_shared::unlock(holder& who, int first, int count) {
  DUNLIN_ASSERT(first >= 0 && count > 0 && first + count <= lock_count);
  const std::lock_guard held(mutex_);
  for (int i = first; i < first + count; ++i) {
    const auto bit = static_cast<std::uint16_t>(1u << i);
    if ((who.exclusive & bit) != 0)
      locks_[static_cast<std::size_t>(i)] = 0;
    else if ((who.shared & bit) != 0)
      --locks_[static_cast<std::size_t>(i)];
    who.exclusive &= static_cast<std::uint16_t>(~bit);
    who.shared &= static_cast<std::uint16_t>(~bit);
  }
  if (locks_[checkpoint_lock] == 0) checkpoint_ended_.notify_all();
}

void sqlite_shared::wait_for_checkpoint() {
  std::unique_lock held(mutex_);
  checkpoint_ended_.wait(held, [this] { return locks_[checkpoint_lock] == 0; });
}

void sqlite_shared::barrier() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const std::lock_guard held(mutex_);  // SQLite's own file locks do the same, against odd compilers
}

void sqlite_shared::name_made(const std::string& folder) {
  const std::lock_guard held(mutex_);
  ++new_names_[folder];
}

std::uint64_t sqlite_shared::new_names(const std::string& folder) {
  const std::lock_guard held(mutex_);
  const auto found = new_names_.find(folder);
  return found == new_names_.end() ? 0 : found->second;
}

void sqlite_shared::names_synced(const std::string& folder, std::uint64_t names) {
  const std::lock_guard held(mutex_);
  const auto found = new_names_.find(folder);
  // One that was made meanwhile may have come too late for that sync.
  if (found != new_names_.end() && found->second == names) new_names_.erase(found);
}

}  // namespace dunlin
