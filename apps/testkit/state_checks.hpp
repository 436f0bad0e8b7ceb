/// STATE CHECKS: what must be true of the rows of a partition at any index, whatever happened
/// before (decisions 10 to 19): one change one tick, announcements and their ordinals without gaps,
/// nothing named that is fenced or garbage, nothing in sealed buckets, users and what they name
/// complete, bounds held. Functions of rows; the partition's own code is not asked.
#pragma once

#include "messages/v1.hpp"
#include "messages/vocabulary.hpp"
#include "runtime/storage/kv_store.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace dunlin::testkit {

/// All rows of one partition, by table and key.
struct partition_rows {
  std::map<table, std::map<std::string, std::string>> tables;
  const std::map<std::string, std::string>& of(table which) const;
};

partition_rows rows_of(kv_store& state);

/// What is wrong with one partition by itself.
std::vector<std::string> check_rows(const partition_rows& rows);

/// What is wrong between the root's buckets and another partition's rows; when nobody is at work.
std::vector<std::string> check_buckets(const partition_rows& root, const partition_rows& other);

/// Follows partitions through time: what they were at one index they must have been everywhere, and
/// nothing goes back.
class tick_watch {
public:
  /// Of a replica, at any time. What is wrong.
  std::vector<std::string> observe(partition_id partition, const v1::PartitionState& state);

private:
  std::map<partition_id, std::map<std::uint64_t, std::uint64_t>> ticks_;  // by applied index
};

/// As the partition has stored it; none: nothing was applied yet.
v1::PartitionState state_of(kv_store& store);

}  // namespace dunlin::testkit
