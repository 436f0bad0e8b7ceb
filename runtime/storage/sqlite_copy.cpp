#include "runtime/storage/sqlite_copy.hpp"

#include "runtime/disk/path.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {
namespace {

constexpr std::uint64_t cache_bytes = 64u << 10;  // pages pass through, none is wanted twice
// A sync of much at once holds up every other sync of the disk, those of the log above all.
constexpr std::uint64_t bytes_a_sync = 8u << 20;

}  // namespace

template <class Result>
static void need(const Result& done, const char* step) {
  if (!done) throw store_error(done.error(), std::string("copy: ") + step);
}

sqlite_copy::sqlite_copy(disk& storage, std::shared_ptr<sqlite_shared> shared,
                         const std::string& from, std::string to, const sqlite_options& config)
    : storage_(storage),
      shared_(std::move(shared)),
      path_(std::move(to)),
      config_(config),
      source_(std::make_unique<sqlite_connection>(storage, shared_)),
      target_(std::make_unique<sqlite_connection>(storage, std::make_shared<sqlite_shared>())) {
  const auto there = storage_.exists(path_);
  need(there, "look for an older one");
  if (*there) throw store_error(ec::already_exists, "copy: " + path_ + " is there");
  ++shared_->copies;
  try {
    start(from);
  } catch (const store_error&) {
    end();
    throw;
  }
}

void sqlite_copy::start(const std::string& from) {
  source_->open(from, false, cache_bytes);
  source_->run("BEGIN");
  // The first read fixes what the transaction sees.
  const auto pages = source_->number("PRAGMA page_count");
  page_bytes_ = static_cast<std::uint64_t>(source_->number("PRAGMA page_size"));
  const auto more = std::max(config_.log_pages_of_copy, static_cast<std::uint32_t>(pages));
  shared_->pages_for_copies = std::max(shared_->pages_for_copies.load(), more);
  log_pages_max_ = std::uint64_t{config_.log_pages_max} + more;
  auto made = storage_.open(path_, disk::mode::create);
  need(made, "make the file");
  made_ = std::move(*made);
  target_->open(path_, false, cache_bytes);
  target_->run("PRAGMA journal_mode=OFF");  // half a copy is none: nothing is ever rolled back
  target_->run("PRAGMA synchronous=OFF");
  backup_.reset(sqlite3_backup_init(target_->db(), "main", source_->db(), "main"));
  if (!backup_) target_->stop(sqlite3_errcode(target_->db()));
}

sqlite_copy::~sqlite_copy() { end(); }

void sqlite_copy::end() {
  let_go();
  if (std::exchange(made_, nullptr)) (void)storage_.remove(path_);  // at worst it takes room
}

bool sqlite_copy::step(std::uint64_t bytes_max) {
  if (!backup_) throw store_error(ec::invalid_argument, "copy: it has ended");
  try {
    if (shared_->log_pages > log_pages_max_) {
      DUNLIN_REACHED("sqlite.copy_gave_way");
      throw store_error(ec::overloaded, "copy: the log grew over its bound meanwhile");
    }
    const auto pages = std::clamp<std::uint64_t>(bytes_max / page_bytes_, 1, 1u << 20);
    const auto code = sqlite3_backup_step(backup_.get(), static_cast<int>(pages));
    if (code == SQLITE_DONE) return complete();
    if (code != SQLITE_OK) stop(code);
    sync_now_and_then(pages);
    return false;
  } catch (const store_error&) {
    end();
    throw;
  }
}

void sqlite_copy::stop(int sqlite_code) {
  const auto& broken = target_->last_error() ? *target_ : *source_;
  throw store_error(broken.code_of(sqlite_code),
                    std::string("copy: ") + sqlite3_errstr(sqlite_code));
}

void sqlite_copy::sync_now_and_then(std::uint64_t pages) {
  unsynced_pages_ += pages;
  if (unsynced_pages_ * page_bytes_ < bytes_a_sync) return;
  unsynced_pages_ = 0;
  need(made_->sync(), "sync");
}

void sqlite_copy::let_go() {
  backup_.reset();
  target_.reset();
  if (std::exchange(source_, nullptr)) --shared_->copies;
}

bool sqlite_copy::complete() {
  let_go();  // with its last page the backup has committed
  need(made_->sync(), "sync");
  need(storage_.sync_folder(folder_of(path_)), "sync the folder");
  made_.reset();
  return true;
}

}  // namespace dunlin
