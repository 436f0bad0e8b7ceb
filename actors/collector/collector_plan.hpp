/// COLLECTOR PLAN: what the collectors decide, as functions of messages: which partitions are this
/// node's turn, which garbage is due and where it lies, which pages belong together, which of them
/// nothing names. Pure; Protobuf is let in, because both ends of every decision here are messages.
#pragma once

#include "messages/dunlin/v1/partition.pb.h"
#include "messages/dunlin/v1/storage.pb.h"
#include "messages/vocabulary.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace dunlin::collector {

/// Partitions (and 0, the root) that `self` looks after in its `round`. Every node takes every n-th
/// one and shifts by one each round, so that what a dead node leaves is done by the others within n
/// rounds without anybody noticing its death. Two nodes may meet: everything here is idempotent.
/// Empty for a node that holds no replica set.
std::vector<partition_id> turn(const v1::ClusterMap& map, const node_id& self, std::uint64_t round);

/// Replica sets that `self` holds pages of, in order.
std::vector<std::uint32_t> sets_of(const v1::ClusterMap& map, const node_id& self);

/// What to free for one answer to ListGarbage.
struct garbage_plan {
  struct row {
    std::uint64_t tick = 0;
    std::set<node_id> nodes;  ///< every replica of its pages
  };
  std::vector<row> rows;
  std::map<node_id, v1::FreePages> by_node;
  std::uint64_t last_tick = 0;  ///< go on after it
  bool more = false;            ///< due rows may follow last_tick
  std::size_t unplaced = 0;     ///< rows whose replica set the map does not know: they stay

  /// Rows that every replica has freed: only these may be forgotten, or a node that was away would
  /// keep their pages for ever.
  v1::ForgetGarbage forget(const std::set<node_id>& freed) const;
};

/// Takes rows that became garbage at or before `due_ms`, oldest first, until `ranges_max` is
/// passed.
garbage_plan plan_garbage(const v1::QueryReply& listed, const v1::ClusterMap& map,
                          std::int64_t due_ms, std::size_t ranges_max);

/// Pages of one item that a node holds.
struct held_item {
  v1::Item item;
  std::uint32_t replica_set = 0;
  std::vector<std::string> pages;  ///< ascending
};
/// Groups by item, in order; pages without a readable item are left out: they are repair's, not
/// ours.
std::vector<held_item> group(const v1::ListPagesReply& listed, std::uint32_t replica_set);

/// Takes out the pages that `layout` names.
void keep_named(held_item& held, const v1::Layout& layout);

/// A fence over the pages, as few runs as their ids allow. A run's page size is not known here and
/// does not matter to a fence: one byte a page names the same ids.
v1::FencePages fence(const held_item& held);

/// What the partition's answer lets go. An answer that does not say of each run whether it is kept
/// (a repeated command answers status and tick only) keeps everything, unless it was OK.
v1::FreePages unkept(const v1::FencePages& asked, const v1::CommandReply& answer);

/// Buckets whose deletion has been under way since `since_ms` or longer.
std::vector<v1::BucketRecord> half_deleted(const v1::QueryReply& listed, std::int64_t since_ms);

}  // namespace dunlin::collector
