/// A disk in memory for unit tests: remembers what was synced, so that a crash can forget the rest,
/// and lets a test tear, flip, fill or break it. Clock and random that a test sets.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/disk/disk.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace dunlin::testing {

struct memory_content {
  std::string now;
  std::string durable;
  int syncs = 0;
};

class memory_disk : public disk {
public:
  disk_space room{1ull << 40, 1ull << 39};
  bool syncs_fail = false;
  bool punches_fail = false;

  memory_content& content(const std::string& path) { return *files_.at(path); }
  const std::map<std::string, std::shared_ptr<memory_content>>& files() const { return files_; }

  /// Every file loses what was not synced.
  void crash() {
    for (auto& [path, content] : files_)
      content->now = content->durable;
  }

  int syncs() const {
    int sum = 0;
    for (const auto& [path, content] : files_)
      sum += content->syncs;
    return sum;
  }

  result<std::unique_ptr<file>> open(const std::string& path, mode how) override;

  result<bool> exists(const std::string& path) override { return files_.contains(path); }
  result<void> remove(const std::string& path) override {
    if (files_.erase(path) == 0) return ec::not_found;
    return {};
  }
  result<void> rename(const std::string& from, const std::string& to) override {
    if (!files_.contains(from)) return ec::not_found;
    files_[to] = files_[from];
    files_.erase(from);
    return {};
  }
  result<void> sync_folder(const std::string&) override { return {}; }
  result<void> make_folder(const std::string&) override { return {}; }
  result<std::vector<std::string>> list(const std::string& folder) override {
    std::vector<std::string> names;
    for (const auto& [path, content] : files_)
      if (path.starts_with(folder + "/")) names.push_back(path.substr(folder.size() + 1));
    return names;
  }
  result<disk_space> space() override { return room; }

private:
  std::map<std::string, std::shared_ptr<memory_content>> files_;
};

class memory_file : public file {
public:
  memory_file(memory_disk& owner, std::shared_ptr<memory_content> content)
      : disk_(owner), content_(std::move(content)) {}

  result<std::string> pread(std::uint64_t offset, std::size_t size) override {
    const auto& now = content_->now;
    return offset >= now.size() ? std::string() : now.substr(offset, size);
  }
  result<std::size_t> pread(std::uint64_t offset, char* target, std::size_t size) override {
    const auto bytes = *pread(offset, size);
    std::copy(bytes.begin(), bytes.end(), target);
    return bytes.size();
  }
  result<void> pwrite(std::uint64_t offset, std::string_view data) override {
    auto& now = content_->now;
    now.resize(std::max<std::size_t>(now.size(), offset + data.size()));
    std::copy(data.begin(), data.end(), now.begin() + static_cast<std::ptrdiff_t>(offset));
    return {};
  }
  result<void> sync() override {
    if (disk_.syncs_fail) return ec::io_error;
    content_->durable = content_->now;
    ++content_->syncs;
    return {};
  }
  result<std::uint64_t> size() override { return content_->now.size(); }
  result<void> truncate(std::uint64_t size) override {
    content_->now.resize(size);
    return {};
  }
  result<void> punch(std::uint64_t offset, std::uint64_t size) override {
    if (disk_.punches_fail) return ec::unsupported;
    auto& now = content_->now;
    const auto end = std::min<std::uint64_t>(offset + size, now.size());
    if (offset < end)
      std::fill(now.begin() + static_cast<std::ptrdiff_t>(offset),
                now.begin() + static_cast<std::ptrdiff_t>(end), '\0');
    return {};
  }

private:
  memory_disk& disk_;
  std::shared_ptr<memory_content> content_;
};

inline result<std::unique_ptr<file>> memory_disk::open(const std::string& path, mode how) {
  auto at = files_.find(path);
  if (at == files_.end()) {
    if (how != mode::create) return ec::not_found;
    at = files_.emplace(path, std::make_shared<memory_content>()).first;
  }
  return std::unique_ptr<file>(std::make_unique<memory_file>(*this, at->second));
}

class set_clock : public wall_clock {
public:
  std::int64_t ms = 1'700'000'000'000;
  std::int64_t now_ms() const override { return ms; }
};

class counted_random : public random_source {
public:
  std::uint64_t next() override {
    state_ += 0x9e3779b97f4a7c15u;
    auto z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::string bytes(std::size_t size) override {
    std::string out;
    while (out.size() < size)
      out.push_back(static_cast<char>(next() & 0xff));
    return out;
  }

private:
  std::uint64_t state_ = 4711;
};

}  // namespace dunlin::testing
