#include "actors/partition/raft_progress.hpp"

#include <gtest/gtest.h>

namespace dunlin::raft {
namespace {

options limits() {
  options o;
  o.inflight_messages_max = 2;
  o.inflight_bytes_max = 100;
  return o;
}

TEST(RaftProgress, ProbesWithOneMessageUntilItIsAnswered) {
  progress peer{10};
  EXPECT_TRUE(peer.may_send(limits()));
  peer.on_sent(12, 10);
  EXPECT_FALSE(peer.may_send(limits()));
  EXPECT_EQ(peer.next(), 10u);
  EXPECT_TRUE(peer.on_accepted(12));
  EXPECT_EQ(peer.state(), progress::mode::replicate);
  EXPECT_EQ(peer.next(), 13u);
}

TEST(RaftProgress, PipelinesWithinItsLimits) {
  progress peer{1};
  peer.on_accepted(0);
  peer.on_sent(1, 60);
  EXPECT_TRUE(peer.may_send(limits()));
  peer.on_sent(2, 60);
  EXPECT_FALSE(peer.may_send(limits()));
  peer.on_accepted(1);
  EXPECT_TRUE(peer.may_send(limits()));
}

TEST(RaftProgress, ARefusalWhilePipeliningProbesAgainFromTheHint) {
  progress peer{1};
  peer.on_accepted(5);
  peer.on_sent(9, 10);
  peer.on_rejected(9, 7);
  EXPECT_EQ(peer.state(), progress::mode::probe);
  EXPECT_EQ(peer.next(), 8u);
  peer.on_rejected(7, 2);
  EXPECT_EQ(peer.next(), 6u);  // never below what is matched
}

TEST(RaftProgress, OldRefusalsChangeNothing) {
  progress peer{10};
  peer.on_rejected(4, 1);
  EXPECT_EQ(peer.next(), 10u);
  peer.on_accepted(9);
  peer.on_rejected(9, 1);
  EXPECT_EQ(peer.state(), progress::mode::replicate);
  EXPECT_FALSE(peer.on_accepted(4));
  EXPECT_EQ(peer.match(), 9u);
}

}  // namespace
}  // namespace dunlin::raft
