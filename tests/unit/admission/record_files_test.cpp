#include "actors/admission/record_files.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

using namespace dunlin;
namespace fs = std::filesystem;

namespace {

struct RecordFiles : testing::Test {
  fs::path folder = fs::temp_directory_path() / ("dunlin-records-" + std::to_string(::getpid()));
  RecordFiles() { fs::create_directories(folder); }
  ~RecordFiles() override { fs::remove_all(folder); }
  static v1::BalanceRecord record(std::int64_t at) {
    v1::BalanceRecord made;
    made.set_at_ms(at);
    made.mutable_load()->set_level(0.5);
    return made;
  }
  std::vector<v1::BalanceRecord> read(const char* name) {
    auto all = read_records((folder / name).string());
    return all ? all->records : std::vector<v1::BalanceRecord>{};
  }
};

}  // namespace

TEST_F(RecordFiles, X4WhatWasRecordedIsReadInOrder) {
  {
    record_files files{{folder.string()}};
    for (int i = 1; i <= 1000; ++i)
      files.record(record(i));
  }
  const auto all = read("balance.records");
  ASSERT_EQ(all.size(), 1000u);
  EXPECT_EQ(all.front().at_ms(), 1);
  EXPECT_EQ(all.back().at_ms(), 1000);
}

TEST_F(RecordFiles, X4TheFilesAreBoundedAndTheOtherLifesIsKept) {
  v1::BalanceRecord settings;
  settings.mutable_settings()->set_balance("mode = \"patent\"\n");
  for (int life = 0; life < 3; ++life) {
    record_files files{{folder.string(), 4096}};
    files.record(settings);
    for (int i = 1; i <= 50; ++i)
      files.record(record(life * 1000 + i));
  }
  EXPECT_EQ(read("balance.records").at(1).at_ms(), 2001);
  EXPECT_EQ(read("balance.records.1").at(1).at_ms(), 1001);
  EXPECT_TRUE(read("balance.records").at(0).has_settings());
}

TEST_F(RecordFiles, X4WhatDoesNotFitIsDroppedAndCounted) {
  record_files files{{folder.string(), 1u << 20, 64}};
  for (int i = 1; i <= 1000; ++i)
    files.record(record(i));
  EXPECT_GT(files.dropped(), 900u);
}

TEST_F(RecordFiles, X4AFullDiskLeavesNoHalfRecordBehind) {
  rlimit was{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &was), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  {
    record_files files{{folder.string()}};
    files.record(record(1));
    for (int i = 0; i < 500 && read("balance.records").empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    const rlimit full{fs::file_size(folder / "balance.records") + 3, was.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &full);
    files.record(record(2));
    for (int i = 0; i < 500 && files.dropped() == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    ::setrlimit(RLIMIT_FSIZE, &was);
    files.record(record(3));
  }
  std::signal(SIGXFSZ, handler);
  const auto all = read("balance.records");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].at_ms(), 3);
}

TEST_F(RecordFiles, X4ATornEndIsLeftOut) {
  {
    record_files files{{folder.string()}};
    files.record(record(1));
    files.record(record(2));
  }
  fs::resize_file(folder / "balance.records", fs::file_size(folder / "balance.records") - 3);
  EXPECT_EQ(read("balance.records").size(), 1u);
  EXPECT_FALSE(read_records((folder / "nothing").string()));
  EXPECT_FALSE(read_records(folder.string()));
}

TEST_F(RecordFiles, X4WhatIsNoRecordIsToldInBytes) {
  std::string whole;
  append_record(whole, record(1));
  const std::string rubbish(500, '\xff');
  const auto write = [&](const std::string& bytes) {
    std::ofstream{folder / "file", std::ios::binary} << bytes;
    return *read_records((folder / "file").string());
  };
  EXPECT_EQ(write(whole + whole).unread, 0u);
  EXPECT_EQ(write(whole + whole).records.size(), 2u);
  EXPECT_EQ(write(whole + rubbish + whole).unread, rubbish.size() + whole.size());
  EXPECT_EQ(write(whole + rubbish + whole).records.size(), 1u);
  EXPECT_EQ(write(rubbish).unread, rubbish.size());
  EXPECT_EQ(write(whole + whole.substr(0, 3)).unread, 3u);
  EXPECT_EQ(write("").unread, 0u);
}
