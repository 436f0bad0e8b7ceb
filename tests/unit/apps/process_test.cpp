#include "apps/dunlin/process.hpp"

#include "tests/unit/apps/temp_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

using namespace dunlin::commands;

TEST(Process, KnowsItself) {
  const auto self = identify(::getpid());
  ASSERT_TRUE(self);
  EXPECT_EQ(self->pid, ::getpid());
  EXPECT_GT(self->start_ticks, 0u);
  EXPECT_TRUE(running(*self, {}));
  EXPECT_FALSE(running(*self, {"a word that is not on the command line"}));
}

TEST(Process, IsNotItsSuccessorWithTheSamePid) {
  auto self = *identify(::getpid());
  ++self.start_ticks;
  EXPECT_FALSE(running(self, {}));
}

TEST(Process, FilesReadBackAndNonsenseDoesNot) {
  temp_folder folder;
  EXPECT_TRUE(write_pid_file(folder / "pid", {4711, 12345}));
  EXPECT_EQ(read_pid_file(folder / "pid"), (process_record{4711, 12345}));
  for (const auto* text : {"", "x", "1 1", "0 5", "-1 5", "12"})
    EXPECT_FALSE(read_pid_file(folder.write("bad", text))) << text;
  EXPECT_FALSE(read_pid_file(folder / "none"));
  EXPECT_FALSE(write_pid_file(folder / "no/such/folder", {1, 1}));
}

TEST(Process, StartsWithItsOutputInTheLogAndEndsAsACorpse) {
  temp_folder folder;
  const auto child = spawn({{"/bin/sh", "-c", "echo out; echo err >&2"}, folder / "log"});
  ASSERT_TRUE(child);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child->pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(identify(child->pid)) << "a process that was not reaped is not running";
  ::waitpid(child->pid, nullptr, 0);
  EXPECT_EQ(temp_folder::read(folder / "log"), "out\nerr\n");
}

TEST(Process, IsFoundByTheWordsOfItsCommand) {
  temp_folder folder;
  const auto child = spawn({{"/bin/sleep", "60"}, folder / "log"});
  ASSERT_TRUE(child);
  // Between fork and exec the child still carries our own name.
  while (command_line(child->pid) != std::vector<std::string>{"/bin/sleep", "60"})
    ::sched_yield();
  EXPECT_TRUE(running(*child, {"60"}));
  EXPECT_FALSE(running(*child, {"61"}));
  ::kill(child->pid, SIGKILL);
  ::waitpid(child->pid, nullptr, 0);
  EXPECT_FALSE(running(*child, {"60"}));
}
