#include "runtime/storage/sqlite_background.hpp"

#include "runtime/storage/sqlite_copy.hpp"

#include <utility>

namespace dunlin {
namespace {

constexpr std::uint64_t cache_bytes = 64u << 10;  // pages pass through, none is wanted twice
constexpr int passes_max = 4;
// What the owner may find left to move: a few milliseconds.
constexpr std::uint32_t rest_pages = 256;

}  // namespace

sqlite_background::sqlite_background(disk& storage, std::shared_ptr<sqlite_shared> shared,
                                     std::string path, const sqlite_options& config)
    : storage_(storage),
      shared_(std::move(shared)),
      path_(std::move(path)),
      config_(config),
      connection_(storage, shared_) {
  connection_.open(path_, false, cache_bytes);
  connection_.number("PRAGMA schema_version");  // finds the log: a checkpoint alone would not
}

void sqlite_background::checkpoint() {
  // What the log holds when it is synced is durable, wherever it is moved afterwards.
  connection_.sync_log();
  const auto copied = shared_->copies > 0;
  move_pages();
  if (!copied && shared_->copies == 0) shared_->pages_for_copies = 0;
}

void sqlite_background::move_pages() {
  for (int pass = 0; pass < passes_max; ++pass) {
    const auto moved = connection_.move_pages();
    if (!moved) return;  // the owner itself is at it
    shared_->moved_pages = moved->done;
    const auto pages = shared_->log_pages.load();
    if (moved->done < moved->pages || pages <= moved->done) return;  // a copy reads it; or all done
    if (pages - moved->done > rest_pages) continue;
    if (pages <= config_.log_pages_wanted) return;
    // What was moved is not synced yet, because the log still has it. Here nobody waits for it.
    connection_.sync_database();
    shared_->finish_wanted = true;
    return;
  }
}

std::unique_ptr<store_copy> sqlite_background::copy_to(const std::string& path) {
  connection_.check_usable();
  return std::make_unique<sqlite_copy>(storage_, shared_, path_, path, config_);
}

}  // namespace dunlin
