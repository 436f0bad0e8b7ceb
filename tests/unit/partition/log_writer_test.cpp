#include "actors/partition/log_writer.hpp"

#include "messages/error.hpp"
#include "runtime/simulation/sim_disk.hpp"
#include "tests/support/virtual_system.hpp"

#include <gmock/gmock.h>
#include <caf/all.hpp>

using namespace dunlin;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

struct heard {
  std::vector<std::uint64_t> stored, refused;
  bool full = false;
};

log_client_actor::behavior_type client(log_client_actor::pointer, heard* to) {
  return {
      [to](const log_stored& done) {
        to->stored.push_back(done.token);
        to->full = done.full;
      },
      [to](const log_refused& no) { to->refused.push_back(no.token); },
  };
}

raft::entry entry_at(raft::index_t index, std::size_t size = 10) {
  return {1, index, raft::entry_kind::command, std::make_shared<const std::string>(size, 'x')};
}

struct LogWriter : testing::Test {
  support::virtual_system world;
  simulation::sim_disk disk{1};
  wal::options config{.segment_bytes = 64 << 10, .bytes_max = 192 << 10, .reserve_bytes = 0};
  std::shared_ptr<wal::log> log = wal::log::open(disk, "wal", config).value();
  log_writer_actor writer = world.system.spawn(log_writer, log);
  heard a, b;
  log_client_actor to_a = world.system.spawn(client, &a), to_b = world.system.spawn(client, &b);

  ~LogWriter() override {
    for (const auto& client : {to_a, to_b})
      caf::anon_send_exit(client, caf::exit_reason::kill);
    caf::anon_send_exit(writer, caf::exit_reason::kill);
    world.run();
  }
  void append(const log_client_actor& from, partition_id group, std::uint64_t token,
              std::vector<raft::entry> entries, std::optional<raft::hard_state> hard = {}) {
    caf::anon_send(writer, log_append{from, group, token, std::move(hard), {}, std::move(entries)});
  }
};

TEST_F(LogWriter, StoresWhatAllGroupsSentWithOneSync) {
  world.run();
  const auto before = log->flushes();
  append(to_a, 1, 1, {entry_at(1)}, raft::hard_state{1, "n1"});
  append(to_a, 1, 2, {entry_at(2)});
  append(to_b, 2, 1, {entry_at(1)}, raft::hard_state{1, "n2"});
  EXPECT_THAT(a.stored, IsEmpty());
  world.run();
  EXPECT_EQ(log->flushes(), before + 1);
  EXPECT_THAT(a.stored, ElementsAre(2));  // the newest speaks for those before
  EXPECT_THAT(b.stored, ElementsAre(1));
}

TEST_F(LogWriter, GivesTheNextLifeWhatItStored) {
  append(to_a, 1, 1, {entry_at(1), entry_at(2), {2, 3, raft::entry_kind::noop, nullptr}},
         raft::hard_state{2, "n3"});
  append(to_a, 1, 2, {{2, 4, raft::entry_kind::command, std::make_shared<const std::string>()}});
  caf::anon_send(writer, log_compact{1, 1, 1});
  world.run();
  disk.crash();
  const auto again = wal::log::open(disk, "wal", config).value();
  const auto from = restored_from(again->take_recovered(1), 1);
  EXPECT_EQ(from.hard, (raft::hard_state{2, "n3"}));
  EXPECT_EQ(from.snapshot_index, 1u);
  EXPECT_EQ(from.snapshot_term, 1u);
  EXPECT_EQ(from.applied, 1u);
  ASSERT_EQ(from.entries.size(), 3u);
  EXPECT_EQ(from.entries[1].kind, raft::entry_kind::noop);
  EXPECT_EQ(from.entries[1].data, nullptr);
  EXPECT_NE(from.entries[2].data, nullptr);
}

TEST_F(LogWriter, RefusesWhenFullAndGoesOnAtTheRefusedTokenOnly) {
  raft::index_t index = 0;
  std::uint64_t token = 0;
  while (a.refused.empty() && token < 1000) {
    append(to_a, 1, ++token, {entry_at(++index, 5000)});
    world.run();
  }
  ASSERT_THAT(a.refused, ElementsAre(token));
  const auto stored = a.stored.size();
  append(to_a, 1, token + 1, {entry_at(index + 1)});
  world.run();
  EXPECT_EQ(a.stored.size(), stored);  // it must not overtake
  append(to_a, 1, 0, {});
  world.run();
  EXPECT_EQ(a.stored.back(), 0u);
  EXPECT_TRUE(a.full);
  caf::anon_send(writer, log_compact{1, index - 1, 1});
  append(to_a, 1, token, {entry_at(index, 5000)});
  append(to_a, 1, token + 1, {entry_at(index + 1)});
  world.run();
  EXPECT_EQ(a.stored.back(), token + 1);
  EXPECT_FALSE(a.full);
  // Another group was never held back.
  append(to_b, 2, 1, {entry_at(1)});
  world.run();
  EXPECT_THAT(b.stored, ElementsAre(1));
}

TEST_F(LogWriter, TakesTermsAndVotesWhenItIsFull) {
  raft::index_t index = 0;
  while (a.refused.empty() && index < 1000) {
    append(to_a, 1, index + 1, {entry_at(index + 1, 5000)});
    ++index;
    world.run();
  }
  append(to_b, 2, 1, {}, raft::hard_state{9, "n1"});
  world.run();
  EXPECT_THAT(b.stored, ElementsAre(1));
}

TEST_F(LogWriter, EndsWithTheReasonWhenTheDiskFailsAndPromisesNothing) {
  std::optional<ec> reason;
  const auto watcher = world.system.spawn([&](caf::event_based_actor* self) {
    self->monitor(writer);
    self->set_down_handler([&](const caf::down_msg& down) { reason = code_of(down.reason); });
    return caf::behavior{[](caf::ok_atom) {}};
  });
  world.run();
  disk.set_fault([](simulation::disk_call what, const std::string&) {
    return what == simulation::disk_call::sync ? std::optional{ec::io_error} : std::nullopt;
  });
  append(to_a, 1, 1, {entry_at(1)});
  world.run();
  EXPECT_EQ(reason, ec::io_error);
  EXPECT_THAT(a.stored, IsEmpty());
  caf::anon_send_exit(watcher, caf::exit_reason::kill);
}

}  // namespace
