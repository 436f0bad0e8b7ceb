#include "actors/partition/raft_codec.hpp"

#include <gtest/gtest.h>

using namespace dunlin;
using namespace dunlin::raft;

static message sample() {
  message m;
  m.kind = message_kind::append;
  m.from = "n1";
  m.to = "n2";
  m.term = 3;
  m.log_index = 4;
  m.log_term = 2;
  m.commit = 1;
  m.reject = true;
  m.reject_hint = 6;
  m.reject_hint_term = 7;
  m.read_context = 8;
  m.transfer = true;
  m.settled = 9;
  m.entries.push_back({3, 5, entry_kind::noop, nullptr});
  m.entries.push_back(
      {3, 6, entry_kind::command, std::make_shared<const std::string>("\0\xff bytes", 8)});
  m.entries.push_back({3, 7, entry_kind::command, std::make_shared<const std::string>()});
  return m;
}

TEST(RaftCodec, BringsEveryFieldBack) {
  const auto before = sample();
  v1::RaftMessage wire;
  ASSERT_TRUE(wire.ParseFromString(encode(before, 7).SerializeAsString()));
  EXPECT_EQ(wire.partition(), 7u);
  const auto after = decode(wire);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->kind, before.kind);
  EXPECT_EQ(after->from, before.from);
  EXPECT_EQ(after->to, before.to);
  EXPECT_EQ(after->term, before.term);
  EXPECT_EQ(after->log_index, before.log_index);
  EXPECT_EQ(after->log_term, before.log_term);
  EXPECT_EQ(after->commit, before.commit);
  EXPECT_EQ(after->reject, before.reject);
  EXPECT_EQ(after->reject_hint, before.reject_hint);
  EXPECT_EQ(after->reject_hint_term, before.reject_hint_term);
  EXPECT_EQ(after->read_context, before.read_context);
  EXPECT_EQ(after->transfer, before.transfer);
  EXPECT_EQ(after->settled, before.settled);
  ASSERT_EQ(after->entries.size(), 3u);
  EXPECT_EQ(after->entries[0].kind, entry_kind::noop);
  EXPECT_EQ(after->entries[0].data, nullptr);
  EXPECT_EQ(*after->entries[1].data, *before.entries[1].data);
  EXPECT_EQ(after->entries[1].index, 6u);
  EXPECT_EQ(*after->entries[2].data, "");
}

TEST(RaftCodec, BringsTheOfferOfASnapshotBack) {
  message before;
  before.kind = message_kind::snapshot;
  before.snapshot = std::make_shared<snapshot>(
      snapshot{{3, 70}, {"n1", "n2"}, 55, 4096, std::string(32, '\xff'), std::string(16, '\0')});
  v1::RaftMessage wire;
  ASSERT_TRUE(wire.ParseFromString(encode(before, 7).SerializeAsString()));
  const auto after = decode(wire);
  ASSERT_TRUE(after && after->snapshot);
  EXPECT_EQ(after->snapshot->at, before.snapshot->at);
  EXPECT_EQ(after->snapshot->voters, before.snapshot->voters);
  EXPECT_EQ(after->snapshot->tick, 55u);
  EXPECT_EQ(after->snapshot->bytes, 4096u);
  EXPECT_EQ(after->snapshot->hash, before.snapshot->hash);
  EXPECT_EQ(after->snapshot->identity, before.snapshot->identity);
}

TEST(RaftCodec, ReadsEveryKindBackAndNoUnknownOne) {
  for (auto kind = 0; kind <= static_cast<int>(message_kind::snapshot_reply); ++kind) {
    message m;
    m.kind = static_cast<message_kind>(kind);
    EXPECT_EQ(decode(encode(m, 0))->kind, m.kind);
  }
  v1::RaftMessage strange;
  EXPECT_FALSE(decode(strange));
  strange.set_kind(static_cast<v1::RaftMessage::Kind>(77));
  EXPECT_FALSE(decode(strange));
  auto odd = encode(sample(), 0);
  odd.mutable_entries(0)->set_kind(static_cast<v1::RaftEntry::Kind>(9));
  EXPECT_FALSE(decode(odd));
}
