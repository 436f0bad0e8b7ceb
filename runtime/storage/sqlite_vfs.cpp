#include "runtime/storage/sqlite_vfs.hpp"

#include "runtime/disk/path.hpp"
#include "runtime/storage/sqlite_log_file.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <new>
#include <thread>

namespace dunlin {

/// What SQLite allocates for an open file: its own part first.
struct vfs_file {
  sqlite3_file base;
  sqlite_vfs* owner;
  file* bytes;
  std::string* path;
  sqlite_shared::holder* locks;
  std::uint64_t unsynced_bytes;  // of a database; its log has another way
};

// A sync of much at once holds up every other sync of the disk, those of the node's log above all.
static constexpr std::uint64_t unsynced_bytes_max = 1u << 20;

/// The functions that SQLite calls.
struct vfs_calls {
  static vfs_file& of(sqlite3_file* handle) { return *reinterpret_cast<vfs_file*>(handle); }
  static sqlite_vfs& of(sqlite3_vfs* vfs) { return *static_cast<sqlite_vfs*>(vfs->pAppData); }

  static sqlite_shared& shared(sqlite3_file* handle) { return *of(handle).owner->shared_; }

  static int close(sqlite3_file* handle) {
    shared(handle).unlock_file(*of(handle).locks, SQLITE_LOCK_NONE);
    auto& log = of(handle).owner->log_;
    if (log == of(handle).bytes) log = nullptr;
    delete of(handle).bytes;
    delete of(handle).path;
    delete of(handle).locks;
    return SQLITE_OK;
  }

  static int read(sqlite3_file* handle, void* target, int size, sqlite3_int64 offset) {
    auto* bytes = static_cast<char*>(target);
    const auto wanted = static_cast<std::size_t>(size);
    const auto got = of(handle).bytes->pread(static_cast<std::uint64_t>(offset), bytes, wanted);
    if (!got) return of(handle).owner->fail(got.error(), SQLITE_IOERR_READ);
    if (*got == wanted) return SQLITE_OK;
    std::memset(bytes + *got, 0, wanted - *got);  // SQLite relies on it
    return SQLITE_IOERR_SHORT_READ;
  }

  static int write(sqlite3_file* handle, const void* data, int size, sqlite3_int64 offset) {
    const std::string_view bytes(static_cast<const char*>(data), static_cast<std::size_t>(size));
    const auto written = of(handle).bytes->pwrite(static_cast<std::uint64_t>(offset), bytes);
    if (!written) return of(handle).owner->fail(written.error(), SQLITE_IOERR_WRITE);
    auto& to = of(handle);
    if (to.bytes == to.owner->log_ || (to.unsynced_bytes += bytes.size()) < unsynced_bytes_max)
      return SQLITE_OK;
    to.unsynced_bytes = 0;
    if (const auto synced = to.bytes->sync(); !synced)
      return to.owner->fail(synced.error(), SQLITE_IOERR_WRITE);
    return SQLITE_OK;
  }

  static int truncate(sqlite3_file* handle, sqlite3_int64 size) {
    const auto cut = of(handle).bytes->truncate(static_cast<std::uint64_t>(size));
    if (!cut) return of(handle).owner->fail(cut.error(), SQLITE_IOERR_TRUNCATE);
    return SQLITE_OK;
  }

  static int sync(sqlite3_file* handle, int) {
    auto& owner = *of(handle).owner;
    if (auto synced = of(handle).bytes->sync(); !synced)
      return owner.fail(synced.error(), SQLITE_IOERR_FSYNC);
    // SQLite trusts a synced file to be there after a crash, so its name has to be.
    if (auto named = owner.sync_new_names(folder_of(*of(handle).path)); !named)
      return owner.fail(named.error(), SQLITE_IOERR_DIR_FSYNC);
    return SQLITE_OK;
  }

  static int file_size(sqlite3_file* handle, sqlite3_int64* size) {
    const auto known = of(handle).bytes->size();
    if (!known) return of(handle).owner->fail(known.error(), SQLITE_IOERR_FSTAT);
    *size = static_cast<sqlite3_int64>(*known);
    return SQLITE_OK;
  }

  // SQLite locks the database file alone, and its log's index through it.
  static int lock(sqlite3_file* handle, int level) {
    return shared(handle).lock_file(*of(handle).locks, level) ? SQLITE_OK : SQLITE_BUSY;
  }
  static int unlock(sqlite3_file* handle, int level) {
    shared(handle).unlock_file(*of(handle).locks, level);
    return SQLITE_OK;
  }
  static int check_reserved_lock(sqlite3_file* handle, int* held) {
    *held = shared(handle).is_reserved() ? 1 : 0;
    return SQLITE_OK;
  }

  static int map_region(sqlite3_file* handle, int number, int bytes, int make,
                        void volatile** target) {
    *target = shared(handle).region(static_cast<std::size_t>(number),
                                    static_cast<std::size_t>(bytes), make != 0);
    return SQLITE_OK;
  }
  static int lock_index(sqlite3_file* handle, int first, int count, int flags) {
    auto& locks = *of(handle).locks;
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
      const auto* log = of(handle).owner->log_;
      DUNLIN_ASSERT(log == nullptr || log->is_written());  // others may look from here on
      shared(handle).unlock(locks, first, count);
      return SQLITE_OK;
    }
    const auto exclusively = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    return shared(handle).lock(locks, first, count, exclusively) ? SQLITE_OK : SQLITE_BUSY;
  }
  static void barrier(sqlite3_file* handle) { shared(handle).barrier(); }
  // The memory belongs to the database's whole life: nothing to give back here but the locks.
  static int unmap(sqlite3_file* handle, int) {
    shared(handle).unlock(*of(handle).locks, 0, SQLITE_SHM_NLOCK);
    return SQLITE_OK;
  }

  static int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  static int sector_size(sqlite3_file*) { return 512; }
  // A sector that is torn keeps its old or its new bytes: what lies beside a write is not touched.
  static int device_characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* handle, int flags,
                  int* out_flags) {
    handle->pMethods = nullptr;                   // then SQLite does not close what was not opened
    if (name == nullptr) return SQLITE_CANTOPEN;  // temporary files stay in memory
    auto& owner = of(vfs);
    const auto creates = (flags & SQLITE_OPEN_CREATE) != 0;
    const auto writes = (flags & SQLITE_OPEN_READWRITE) != 0;
    const auto there = owner.disk_.exists(name);
    if (!there) return owner.fail(there.error(), SQLITE_CANTOPEN);
    auto opened = owner.disk_.open(name, creates  ? disk::mode::create
                                         : writes ? disk::mode::read_write
                                                  : disk::mode::read);
    if (!opened) return owner.fail(opened.error(), SQLITE_CANTOPEN);
    if (!*there) owner.shared_->name_made(folder_of(name));
    auto* made = new (handle) vfs_file{{&methods}, &owner, nullptr, nullptr, nullptr, 0};
    made->locks = new sqlite_shared::holder;
    made->path = new std::string(name);
    if ((flags & SQLITE_OPEN_WAL) != 0)
      made->bytes = owner.log_ = new sqlite_log_file(std::move(*opened));
    else
      made->bytes = opened->release();
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
  }

  static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    auto& owner = of(vfs);
    const auto gone = owner.disk_.remove(name);
    if (!gone && gone.error() == ec::not_found) return SQLITE_IOERR_DELETE_NOENT;
    if (!gone) return owner.fail(gone.error(), SQLITE_IOERR_DELETE);
    if (sync_folder == 0) return SQLITE_OK;
    if (auto synced = owner.disk_.sync_folder(folder_of(name)); !synced)
      return owner.fail(synced.error(), SQLITE_IOERR_DIR_FSYNC);
    return SQLITE_OK;
  }

  static int access(sqlite3_vfs* vfs, const char* name, int, int* answer) {
    const auto there = of(vfs).disk_.exists(name);
    if (!there) return of(vfs).fail(there.error(), SQLITE_IOERR_ACCESS);
    *answer = *there ? 1 : 0;
    return SQLITE_OK;
  }

  static int full_pathname(sqlite3_vfs*, const char* name, int size, char* target) {
    sqlite3_snprintf(size, target, "%s", name);
    return SQLITE_OK;
  }

  // SQLite seeds its salts from the default VFS; nothing of ours depends on chance or on the clock.
  static int randomness(sqlite3_vfs*, int size, char* target) {
    std::memset(target, 0, static_cast<std::size_t>(size));
    return size;
  }
  // Another connection holds a lock of the index for a few instructions. In a simulation, where all
  // connections share a thread, none is ever met in the middle of a call.
  static int sleep(sqlite3_vfs*, int microseconds) {
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
    return microseconds;
  }
  static int current_time(sqlite3_vfs*, double* julian_day) {
    *julian_day = 2440587.5;  // the epoch
    return SQLITE_OK;
  }
  static int last_error(sqlite3_vfs*, int, char*) { return 0; }

  static const sqlite3_io_methods methods;
};

// Version 2: with an index of the log, without memory mapping.
const sqlite3_io_methods vfs_calls::methods = {2,
                                               close,
                                               read,
                                               write,
                                               truncate,
                                               sync,
                                               file_size,
                                               lock,
                                               unlock,
                                               check_reserved_lock,
                                               file_control,
                                               sector_size,
                                               device_characteristics,
                                               map_region,
                                               lock_index,
                                               barrier,
                                               unmap,
                                               nullptr,
                                               nullptr};

sqlite_vfs::sqlite_vfs(disk& storage, std::shared_ptr<sqlite_shared> shared)
    : disk_(storage), shared_(std::move(shared)) {
  static std::atomic<std::uint64_t> next{1};
  name_ = "dunlin-" + std::to_string(next++);
  vfs_.iVersion = 1;
  vfs_.szOsFile = sizeof(vfs_file);
  vfs_.mxPathname = 1024;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = vfs_calls::open;
  vfs_.xDelete = vfs_calls::remove;
  vfs_.xAccess = vfs_calls::access;
  vfs_.xFullPathname = vfs_calls::full_pathname;
  vfs_.xRandomness = vfs_calls::randomness;
  vfs_.xSleep = vfs_calls::sleep;
  vfs_.xCurrentTime = vfs_calls::current_time;
  vfs_.xGetLastError = vfs_calls::last_error;
  sqlite3_vfs_register(&vfs_, 0);
}

sqlite_vfs::~sqlite_vfs() { sqlite3_vfs_unregister(&vfs_); }

int sqlite_vfs::fail(ec code, int sqlite_code) {
  last_error_ = code;
  return code == ec::disk_full ? SQLITE_FULL : sqlite_code;
}

result<void> sqlite_vfs::sync_new_names(const std::string& folder) {
  const auto names = shared_->new_names(folder);
  if (names == 0) return {};
  if (auto synced = disk_.sync_folder(folder); !synced) return synced;
  shared_->names_synced(folder, names);
  return {};
}

}  // namespace dunlin
