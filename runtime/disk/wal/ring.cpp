#include "runtime/disk/wal/ring.hpp"

#include "runtime/disk/wal/record.hpp"
#include "runtime/observe/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace dunlin::wal {

namespace {

constexpr std::string_view suffix = ".wal";
constexpr std::uint64_t fill_bytes = 1u << 20;  // per step of growth, a few milliseconds

std::optional<std::uint32_t> number_of(std::string_view name) {
  std::uint32_t number = 0;
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return number;
}

result<void> fill(file& bytes, std::uint64_t from, std::uint64_t to) {
  static const std::string zeros(fill_bytes, '\0');
  while (from < to) {
    const auto piece = std::min(fill_bytes, to - from);
    if (auto written = bytes.pwrite(from, std::string_view(zeros).substr(0, piece)); !written)
      return written;
    from += piece;
  }
  return {};
}

}  // namespace

ec report_damage(const std::string& path, std::uint64_t offset, const char* reason) {
  dunlin::log::error("wal.found_damaged", {{"file", path}, {"offset", offset}, {"reason", reason}});
  return ec::damaged;
}

ring::ring(disk& storage, std::string folder, options config)
    : disk_(storage), folder_(std::move(folder)), config_(config) {}

std::uint64_t ring::count_max() const {
  return std::max<std::uint64_t>(2, config_.bytes_max / config_.segment_bytes);
}

result<void> ring::open() {
  if (auto made = disk_.make_folder(folder_); !made) return made;
  auto names = disk_.list(folder_);
  if (!names) return names.error();
  std::vector<found> all;
  for (const auto& name : *names) {
    const auto number = number_of(name);
    if (!number) continue;
    next_number_ = std::max(next_number_, *number + 1);
    auto one = examine(name);
    if (!one) return one.error();
    all.push_back(std::move(*one));
  }
  if (auto adopted = adopt_size(all); !adopted) return adopted;
  for (auto& one : all)
    if (auto taken = take(std::move(one)); !taken) return taken;
  return {};
}

result<ring::found> ring::examine(const std::string& name) {
  found one;
  one.made.path = folder_.empty() ? name : folder_ + "/" + name;
  auto opened = disk_.open(one.made.path, disk::mode::read_write);
  if (!opened) return opened.error();
  one.made.bytes = std::move(*opened);
  const auto size = one.made.bytes->size();
  if (!size) return size.error();
  one.size = *size;
  const auto start = one.made.bytes->pread(0, record_head_bytes);
  if (!start) return start.error();
  one.made.blank = std::ranges::all_of(*start, [](char c) { return c == 0; });
  const auto head = decode(*start);
  if (!head || head->kind != record_kind::head) return one;
  if (head->term != format_version) {
    dunlin::log::error("wal.refused", {{"file", one.made.path}, {"format", head->term}});
    return ec::unsupported;
  }
  one.sequence = head->sequence;
  one.head_bytes = head->index;
  return one;
}

// The segments of one log are all of one size, whatever the options say today.
result<void> ring::adopt_size(const std::vector<found>& all) {
  const auto first = std::ranges::find_if(all, [](const found& one) { return one.sequence != 0; });
  if (first == all.end()) return {};
  config_.segment_bytes = first->head_bytes;
  for (const auto& one : all)
    if (one.sequence != 0 &&
        (one.head_bytes != config_.segment_bytes || one.size != config_.segment_bytes))
      return report_damage(one.made.path, 0, "the file is not as long as its head says");
  return {};
}

result<void> ring::take(found one) {
  if (one.sequence == 0) {
    // Its making was interrupted; nothing was ever logged there.
    if (one.size != config_.segment_bytes) return disk_.remove(one.made.path);
    spare_.push_back(std::move(one.made));
    return {};
  }
  const auto path = one.made.path;
  if (!used_.emplace(one.sequence, std::move(one.made)).second)
    return report_damage(path, 0, "two segments have this sequence number");
  return {};
}

result<void> ring::zero(segment& of, std::uint64_t from) {
  return fill(*of.bytes, from, config_.segment_bytes);
}

result<void> ring::check_room() const {
  if (growing_) return {};
  if (count() >= count_max()) return ec::disk_full;
  const auto space = disk_.space();
  if (!space) return space.error();
  if (space->free_bytes < config_.segment_bytes + config_.reserve_bytes) return ec::disk_full;
  return {};
}

result<void> ring::start_growing() {
  if (auto room = check_room(); !room) return room;
  growth next;
  const auto name = fmt::format("{:06}{}", next_number_, suffix);
  next.next.path = folder_.empty() ? name : folder_ + "/" + name;
  auto made = disk_.open(next.next.path, disk::mode::create);
  if (!made) return made.error();
  ++next_number_;
  next.next.bytes = std::move(*made);
  growing_ = std::move(next);
  return {};
}

result<bool> ring::grow_a_little() {
  if (!growing_)
    if (auto started = start_growing(); !started) return started.error();
  auto& bytes = *growing_->next.bytes;
  const auto until = std::min(growing_->filled + fill_bytes, config_.segment_bytes);
  auto done = fill(bytes, growing_->filled, until);
  if (done && until == config_.segment_bytes) {
    done = bytes.sync();
    if (done) done = disk_.sync_folder(folder_);
  }
  if (!done) {
    const auto path = growing_->next.path;
    growing_.reset();
    (void)disk_.remove(path);  // what is left of it is taken up at the next start
    return done.error();
  }
  growing_->filled = until;
  if (until < config_.segment_bytes) return false;
  spare_.push_back(std::move(growing_->next));
  growing_.reset();
  return true;
}

result<void> ring::grow() {
  for (;;) {
    const auto made = grow_a_little();
    if (!made) return made.error();
    if (*made) return {};
  }
}

void ring::retire(std::uint64_t sequence) {
  const auto found = used_.find(sequence);
  DUNLIN_ASSERT(found != used_.end());
  spare_.push_back(std::move(found->second));
  used_.erase(found);
}

}  // namespace dunlin::wal
