#include "runtime/simulation/sim_disk.hpp"

#include "runtime/disk/path.hpp"

#include <algorithm>

namespace dunlin::simulation {

/// From here on a write is kept as blocks: sharing one costs a copy of it at the next write there.
static constexpr std::size_t long_write_bytes = 32u << 10;

/// Closed for good once its disk has crashed. Must not outlive the disk.
class sim_file final : public file {
public:
  sim_file(sim_disk& owner, std::string path, sim_disk::inode_ptr of, bool writable)
      : disk_(owner),
        path_(std::move(path)),
        of_(std::move(of)),
        life_(owner.life_),
        writable_(writable) {}

  result<std::string> pread(std::uint64_t offset, std::size_t size) override {
    std::string bytes(size, '\0');
    const auto got = pread(offset, bytes.data(), size);
    if (!got) return got.error();
    bytes.resize(*got);
    return bytes;
  }

  result<std::size_t> pread(std::uint64_t offset, char* target, std::size_t size) override {
    if (auto error = enter(disk_call::pread)) return *error;
    ++disk_.counts_.reads;
    const auto got = of_->now.read(offset, target, size);
    if (auto left = disk_.leave(); !left) return left.error();
    return got;
  }

  result<void> pwrite(std::uint64_t offset, std::string_view data) override {
    if (auto error = enter(disk_call::pwrite)) return *error;
    if (disk_.used_bytes() + disk_.of_others_ + of_->now.growth(offset, data.size()) >
        disk_.capacity_)
      return refuse();
    ++disk_.counts_.writes;
    disk_.counts_.written_bytes += data.size();
    of_->now.write(offset, data);
    auto& one =
        of_->changes.emplace_back(sim_disk::change{disk_call::pwrite, offset, data.size(), {}, {}});
    if (data.size() < long_write_bytes)
      one.data = data;
    else
      one.kept.share(of_->now, offset, data.size());
    return disk_.leave();
  }

  result<void> truncate(std::uint64_t size) override {
    if (auto error = enter(disk_call::truncate)) return *error;
    return change({disk_call::truncate, size, 0, {}, {}});
  }

  result<void> punch(std::uint64_t offset, std::uint64_t size) override {
    if (auto error = enter(disk_call::punch)) return *error;
    return change({disk_call::punch, offset, size, {}, {}});
  }

  result<void> sync() override {
    if (auto error = enter(disk_call::sync)) {
      if (*error != ec::closed) disk_.settle(*of_, false);
      return *error;
    }
    ++disk_.counts_.syncs;
    if (!disk_.crashing_) disk_.settle(*of_, true);
    return disk_.leave();
  }

  result<std::uint64_t> size() override {
    if (auto error = enter(disk_call::size)) return *error;
    if (auto left = disk_.leave(); !left) return left.error();
    return of_->now.size();
  }

private:
  std::optional<ec> enter(disk_call what) {
    if (life_ != disk_.life_) return ec::closed;
    if (auto error = disk_.enter(what, path_)) return error;
    const auto changes =
        what == disk_call::pwrite || what == disk_call::truncate || what == disk_call::punch;
    if (changes && !writable_) return ec::invalid_argument;
    return std::nullopt;
  }

  result<void> refuse() {
    if (auto left = disk_.leave(); !left) return left;
    return ec::disk_full;
  }

  result<void> change(sim_disk::change one) {
    sim_disk::apply(of_->now, one);
    of_->changes.push_back(std::move(one));
    return disk_.leave();
  }

  sim_disk& disk_;
  std::string path_;
  sim_disk::inode_ptr of_;
  std::uint64_t life_;
  bool writable_;
};

sim_disk::sim_disk(std::uint64_t seed, std::uint64_t capacity_bytes)
    : random_(seed), capacity_(capacity_bytes) {}

sim_disk::~sim_disk() = default;

// ---- faults ----

std::optional<ec> sim_disk::enter(disk_call what, const std::string& path) {
  if (down_) return ec::closed;
  ++counts_.calls;
  if (counts_.calls == fail_at_) return fail_code_;
  if (fault_)
    if (auto error = fault_(what, path)) return error;
  crashing_ = counts_.calls == crash_at_;
  return std::nullopt;
}

result<void> sim_disk::leave() {
  if (!std::exchange(crashing_, false)) return {};
  down_ = true;
  if (auto callback = std::exchange(down_callback_, {})) callback();
  return ec::closed;
}

void sim_disk::crash_after(std::uint64_t calls, std::function<void()> down) {
  crash_at_ = counts_.calls + calls;
  down_callback_ = std::move(down);
}

void sim_disk::fail_call(std::uint64_t calls, ec code) {
  fail_at_ = counts_.calls + calls;
  fail_code_ = code;
}

void sim_disk::crash() {
  for (auto& one : folder_changes_)
    if (random_() % 2 == 0) apply(durable_files_, one);
  folder_changes_.clear();
  files_ = durable_files_;
  for (auto& [path, of] : files_) {
    settle(*of, false);
    of->now = of->durable;
    of->diverged = false;
  }
  ++life_;
  ++counts_.crashes;
  down_ = crashing_ = false;
  crash_at_ = fail_at_ = 0;
  down_callback_ = {};
}

void sim_disk::apply(sim_bytes& to, const change& one) {
  switch (one.what) {
    case disk_call::pwrite: return to.write(one.offset, content(one, 0, one.size));
    case disk_call::truncate: return to.resize(one.offset);
    default: return to.punch(one.offset, one.size);
  }
}

std::string sim_disk::content(const change& of, std::uint64_t at, std::uint64_t size) {
  if (!of.data.empty()) return of.data.substr(at, size);
  std::string bytes(size, '\0');
  of.kept.read(of.offset + at, bytes.data(), size);
  return bytes;
}

void sim_disk::apply_torn(sim_bytes& to, const change& one) {
  constexpr std::uint64_t sector = 512;
  for (std::uint64_t at = 0; at < one.size;) {
    const auto piece = std::min(sector - (one.offset + at) % sector, one.size - at);
    if (random_() % 2 == 0) to.write(one.offset + at, content(one, at, piece));
    at += piece;
  }
}

// Each change for itself, because a disk orders nothing between two syncs.
void sim_disk::settle(inode& of, bool all) {
  if (all && !of.diverged) return settle_all(of);
  of.diverged = true;
  for (const auto& one : of.changes) {
    const auto fate = all ? 0 : random_() % 3;
    if (fate == 0) apply(of.durable, one);
    if (fate == 1 && one.what == disk_call::pwrite) apply_torn(of.durable, one);
  }
  of.changes.clear();
}

void sim_disk::settle_all(inode& of) {
  const auto cut = std::any_of(of.changes.begin(), of.changes.end(),
                               [](const change& one) { return one.what == disk_call::truncate; });
  if (cut) of.durable = of.now;
  for (const auto& one : of.changes)
    if (!cut) of.durable.share(of.now, one.offset, one.size);
  of.changes.clear();
}

void sim_disk::apply(tree& to, const folder_change& one) {
  if (one.created) {
    to[one.to] = one.created;
    return;
  }
  const auto from = to.find(one.from);
  if (from == to.end()) return;  // its creation was lost
  const auto moved = from->second;
  to.erase(from);
  if (!one.to.empty()) to[one.to] = moved;
}

void sim_disk::flip_bit(const std::string& path, std::uint64_t offset, int bit) {
  auto& of = *files_.at(path);
  DUNLIN_ASSERT(offset < of.durable.size());
  of.now.flip(offset, bit);
  of.durable.flip(offset, bit);
}

std::map<std::string, std::uint64_t> sim_disk::durable_files(const std::string& folder) const {
  std::map<std::string, std::uint64_t> found;
  for (const auto& [path, of] : files_)
    if (folder_of(path) == folder) found[path] = std::min(of->durable.size(), of->now.size());
  return found;
}

std::uint64_t sim_disk::used_bytes() const {
  std::uint64_t used = 0;
  for (const auto& [path, of] : files_)
    used += of->now.allocated();
  return used;
}

// ---- the port ----

bool sim_disk::folder_exists(const std::string& folder) const {
  return folder.empty() || folders_.contains(folder);
}

result<std::unique_ptr<file>> sim_disk::open(const std::string& path, mode how) {
  if (auto error = enter(disk_call::open, path)) return *error;
  if (path.empty() || !stays_below_root(path) || folder_exists(path)) return ec::invalid_argument;
  auto found = files_.find(path);
  if (found == files_.end() && (how != mode::create || !folder_exists(folder_of(path)))) {
    if (auto left = leave(); !left) return left.error();
    return ec::not_found;
  }
  if (found == files_.end()) {
    found = files_.emplace(path, std::make_shared<inode>()).first;
    folder_changes_.push_back({{}, path, found->second});
  }
  if (auto left = leave(); !left) return left.error();
  return std::unique_ptr<file>(new sim_file(*this, path, found->second, how != mode::read));
}

result<bool> sim_disk::exists(const std::string& path) {
  if (auto error = enter(disk_call::exists, path)) return *error;
  if (auto left = leave(); !left) return left.error();
  if (!stays_below_root(path)) return ec::invalid_argument;
  return files_.contains(path) || folder_exists(path);
}

result<void> sim_disk::remove(const std::string& path) {
  if (auto error = enter(disk_call::remove, path)) return *error;
  if (!stays_below_root(path)) return ec::invalid_argument;
  if (!files_.contains(path)) return ec::not_found;
  folder_changes_.push_back({path, {}, nullptr});
  apply(files_, folder_changes_.back());
  return leave();
}

result<void> sim_disk::rename(const std::string& from, const std::string& to) {
  if (auto error = enter(disk_call::rename, from)) return *error;
  if (to.empty() || !stays_below_root(from) || !stays_below_root(to)) return ec::invalid_argument;
  if (!files_.contains(from) || !folder_exists(folder_of(to))) return ec::not_found;
  folder_changes_.push_back({from, to, nullptr});
  apply(files_, folder_changes_.back());
  return leave();
}

result<void> sim_disk::sync_folder(const std::string& folder) {
  if (auto error = enter(disk_call::sync_folder, folder)) return *error;
  if (!stays_below_root(folder)) return ec::invalid_argument;
  if (!folder_exists(folder)) return ec::not_found;
  if (crashing_) return leave();
  const auto concerns = [&](const folder_change& one) {
    return (!one.from.empty() && folder_of(one.from) == folder) ||
           (!one.to.empty() && folder_of(one.to) == folder);
  };
  for (const auto& one : folder_changes_)
    if (concerns(one)) apply(durable_files_, one);
  std::erase_if(folder_changes_, concerns);
  return leave();
}

result<void> sim_disk::make_folder(const std::string& folder) {
  if (auto error = enter(disk_call::make_folder, folder)) return *error;
  if (!stays_below_root(folder)) return ec::invalid_argument;
  for (auto part = folder; !part.empty(); part = folder_of(part))
    folders_.insert(part);
  return leave();
}

result<std::vector<std::string>> sim_disk::list(const std::string& folder) {
  if (auto error = enter(disk_call::list, folder)) return *error;
  if (auto left = leave(); !left) return left.error();
  if (!stays_below_root(folder)) return ec::invalid_argument;
  if (!folder_exists(folder)) return ec::not_found;
  std::set<std::string> names;
  const auto add = [&](const std::string& path) {
    if (folder_of(path) == folder)
      names.insert(path.substr(folder.empty() ? 0 : folder.size() + 1));
  };
  for (const auto& [path, of] : files_)
    add(path);
  for (const auto& path : folders_)
    add(path);
  return std::vector<std::string>(names.begin(), names.end());
}

result<disk_space> sim_disk::space() {
  if (auto error = enter(disk_call::space, {})) return *error;
  if (auto left = leave(); !left) return left.error();
  const auto used = used_bytes() + of_others_;
  return disk_space{capacity_, capacity_ - std::min(capacity_, used)};
}

}  // namespace dunlin::simulation
