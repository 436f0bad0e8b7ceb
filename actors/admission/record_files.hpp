/// RECORD FILES: the recorded decisions of one access node (X4): two files of bounded size in its
/// folder, the newer one `balance.records`, before it `balance.records.1`. Records are v1::
/// BalanceRecord, each preceded by its length as a varint. A file begins with the settings in use.
/// Written by a thread of its own; what it cannot keep up with is dropped and counted.
#pragma once

#include "actors/admission/balance_recorder.hpp"
#include "messages/vocabulary.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace dunlin {

struct record_files_options {
  std::string folder;
  std::uint64_t file_bytes_max = 16u << 20;
  std::size_t waiting_bytes_max = 4u << 20;
};

class record_files final : public balance_recorder {
public:
  explicit record_files(record_files_options options);
  ~record_files() override;  ///< writes what waits

  void record(const v1::BalanceRecord& what) override;
  std::uint64_t dropped() const { return dropped_; }

private:
  void write_on(const std::stop_token& stopped);
  void append(const std::string& bytes);
  void put(const std::string& bytes);

  record_files_options options_;
  std::mutex guard_;
  std::condition_variable_any wake_;
  std::string waiting_;
  std::string settings_;  ///< the last record of them, as bytes
  std::atomic<std::uint64_t> dropped_{0};
  int file_ = -1;
  std::uint64_t written_ = 0;  ///< into the present file
  bool rotated_ = false;       ///< the present file is not the first of this life
  std::jthread writer_;        // last: it uses all the others
};

struct recorded_file {
  std::vector<v1::BalanceRecord> records;
  std::uint64_t unread = 0;  ///< bytes from the first that are no whole record
};
/// All whole records of a file, in order, up to a torn end or what is no record.
result<recorded_file> read_records(const std::string& path);
/// Appends it as record_files does.
void append_record(std::string& to, const v1::BalanceRecord& what);

}  // namespace dunlin
