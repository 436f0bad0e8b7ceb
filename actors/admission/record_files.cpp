#include "actors/admission/record_files.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/delimited_message_util.h>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace dunlin {

namespace {

/// Gathers what a burst decides; nobody waits for it.
constexpr std::chrono::milliseconds gather{200};

}  // namespace

void append_record(std::string& to, const v1::BalanceRecord& what) {
  google::protobuf::io::StringOutputStream out{&to};
  google::protobuf::util::SerializeDelimitedToZeroCopyStream(what, &out);
}

result<recorded_file> read_records(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file || std::filesystem::is_directory(path)) return ec::not_found;
  std::ostringstream text;
  text << file.rdbuf();
  const auto bytes = text.str();
  google::protobuf::io::ArrayInputStream in{bytes.data(), static_cast<int>(bytes.size())};
  const google::protobuf::LogSilencer told_by_the_caller;
  recorded_file made;
  for (;;) {
    v1::BalanceRecord next;
    bool clean_end = false;
    made.unread = bytes.size() - static_cast<std::size_t>(in.ByteCount());
    if (!google::protobuf::util::ParseDelimitedFromZeroCopyStream(&next, &in, &clean_end))
      return made;
    made.records.push_back(std::move(next));
  }
}

record_files::record_files(record_files_options options)
    : options_{std::move(options)}, writer_{[this](const std::stop_token& stopped) {
        write_on(stopped);
      }} {}

record_files::~record_files() {
  writer_.request_stop();
  wake_.notify_all();
  writer_.join();
  if (file_ >= 0) ::close(file_);
}

void record_files::record(const v1::BalanceRecord& what) {
  std::string bytes;
  append_record(bytes, what);
  const std::lock_guard lock{guard_};
  if (what.has_settings()) settings_ = bytes;
  if (waiting_.size() + bytes.size() > options_.waiting_bytes_max) {
    ++dropped_;
    return;
  }
  waiting_ += bytes;
}

void record_files::write_on(const std::stop_token& stopped) {
  for (;;) {
    std::string bytes;
    {
      std::unique_lock lock{guard_};
      wake_.wait_for(lock, stopped, gather, [] { return false; });
      bytes.swap(waiting_);
    }
    if (!bytes.empty()) append(bytes);
    if (stopped.stop_requested() && bytes.empty()) return;
  }
}

// A file that could not be opened is tried again with the next bytes, and still owes its head.
void record_files::append(const std::string& bytes) {
  const auto path = options_.folder + "/balance.records";
  if (file_ >= 0 && written_ + bytes.size() > options_.file_bytes_max) {
    ::close(std::exchange(file_, -1));
    std::rename(path.c_str(), (path + ".1").c_str());
    rotated_ = true;
  }
  if (file_ < 0) {
    // Another life's file is kept as the older one.
    if (!rotated_) std::rename(path.c_str(), (path + ".1").c_str());
    file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    written_ = 0;
    if (file_ >= 0 && std::exchange(rotated_, true)) {
      std::unique_lock lock{guard_};
      const auto head = settings_;
      lock.unlock();
      put(head);
    }
  }
  put(bytes);
}

// A full disk: the node goes on, and what is written later does not follow half a record.
void record_files::put(const std::string& bytes) {
  if (bytes.empty()) return;
  const auto done = file_ < 0 ? -1 : ::write(file_, bytes.data(), bytes.size());
  if (done == static_cast<ssize_t>(bytes.size())) {
    written_ += bytes.size();
    return;
  }
  ++dropped_;
  if (done <= 0) return;
  const auto end = static_cast<off_t>(written_);
  if (::ftruncate(file_, end) != 0 || ::lseek(file_, end, SEEK_SET) != end)
    ::close(std::exchange(file_, -1));  // begun anew
}

}  // namespace dunlin
