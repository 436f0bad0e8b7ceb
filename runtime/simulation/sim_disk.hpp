/// The simulated DISK of one node (X1, X5): in memory, outlives the node's crashes, and loses by
/// seed what a real one may lose. Same seed and same calls, same losses. One thread.
///
/// A crash decides for every write since the file's last sync whether it was kept, lost, or torn
/// (each 512-byte sector for itself), and for every creation, removal and rename since the folder's
/// last sync whether it happened.
#pragma once

#include "runtime/disk/disk.hpp"
#include "runtime/simulation/sim_bytes.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace dunlin::simulation {

enum class disk_call : std::uint8_t {
  open,
  exists,
  remove,
  rename,
  sync_folder,
  make_folder,
  list,
  space,
  pread,
  pwrite,
  sync,
  size,
  truncate,
  punch,
};

class sim_disk final : public disk {
public:
  struct counts {
    std::uint64_t calls = 0, reads = 0, writes = 0, syncs = 0, written_bytes = 0, crashes = 0;
  };

  explicit sim_disk(std::uint64_t seed, std::uint64_t capacity_bytes = 1ull << 40);
  ~sim_disk() override;

  // ---- faults ----

  /// Ends this life of the node: open files answer ec::closed from now on, losses are applied, and
  /// the disk is ready for the next life.
  void crash();

  /// The power fails during the `calls`-th call from now (1: the next): whether that call's write
  /// reaches the disk is up to the seed; it and all later ones answer ec::closed until crash().
  /// `down` is called once, at the end of that call.
  void crash_after(std::uint64_t calls, std::function<void()> down = {});
  void cancel_crash() { crash_at_ = 0; }
  bool is_down() const { return down_; }

  /// The `calls`-th call from now fails once, with nothing done. A sync that fails loses and keeps
  /// un-synced writes as a crash does, and no later sync brings them back.
  void fail_call(std::uint64_t calls, ec code = ec::io_error);

  void cancel_failure() { fail_at_ = 0; }

  /// Asked before every call; what it answers is the call's error. Null: none.
  using fault = std::function<std::optional<ec>(disk_call what, const std::string& path)>;
  void set_fault(fault decide) { fault_ = std::move(decide); }

  void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }

  /// Others fill the disk until so much is free, or give everything back.
  void leave_free(std::uint64_t bytes) {
    of_others_ = capacity_ - std::min(capacity_, used_bytes() + bytes);
  }
  void give_back() { of_others_ = 0; }

  /// Flips one bit, durably. The file must be that long.
  void flip_bit(const std::string& path, std::uint64_t offset, int bit);

  /// Durable bytes of the files below a folder, by path; not counted as a call.
  std::map<std::string, std::uint64_t> durable_files(const std::string& folder) const;

  const counts& counted() const { return counts_; }
  std::uint64_t used_bytes() const;

  // ---- the port ----

  result<std::unique_ptr<file>> open(const std::string& path, mode how) override;
  result<bool> exists(const std::string& path) override;
  result<void> remove(const std::string& path) override;
  result<void> rename(const std::string& from, const std::string& to) override;
  result<void> sync_folder(const std::string& folder) override;
  result<void> make_folder(const std::string& folder) override;
  result<std::vector<std::string>> list(const std::string& folder) override;
  result<disk_space> space() override;

private:
  friend class sim_file;
  struct change {  // of one file, not yet durable
    disk_call what;
    std::uint64_t offset = 0;  // truncate: the new size
    std::uint64_t size = 0;
    std::string data;  // of a short write
    sim_bytes kept;    // of a long one: blocks shared with the file
  };
  struct inode {
    sim_bytes now, durable;
    std::vector<change> changes;  // applied to `durable` they make it equal to `now`...
    bool diverged = false;        // ...unless a sync has failed in this life
  };
  using inode_ptr = std::shared_ptr<inode>;
  using tree = std::map<std::string, inode_ptr>;
  struct folder_change {  // creation (to), removal (from) or rename (both)
    std::string from, to;
    inode_ptr created;
  };

  /// Counts the call and answers the error it is to end with. `crashing` is set where the call is
  /// the one in which the power fails: its effect is recorded, un-synced, before it answers closed.
  std::optional<ec> enter(disk_call what, const std::string& path);
  result<void> leave();
  void settle(inode& of, bool all);
  static void settle_all(inode& of);
  void apply_torn(sim_bytes& to, const change& one);
  static void apply(sim_bytes& to, const change& one);
  static std::string content(const change& of, std::uint64_t at, std::uint64_t size);
  static void apply(tree& to, const folder_change& one);
  bool folder_exists(const std::string& folder) const;

  std::mt19937_64 random_;
  std::uint64_t capacity_;
  std::uint64_t of_others_ = 0;
  std::uint64_t life_ = 1;  // files of former lives are closed
  bool down_ = false;
  bool crashing_ = false;
  std::uint64_t crash_at_ = 0;  // in counts_.calls; 0: never
  std::uint64_t fail_at_ = 0;
  ec fail_code_ = ec::io_error;
  std::function<void()> down_callback_;
  fault fault_;
  counts counts_;
  tree files_, durable_files_;
  std::vector<folder_change> folder_changes_;
  std::set<std::string> folders_;
};

}  // namespace dunlin::simulation
