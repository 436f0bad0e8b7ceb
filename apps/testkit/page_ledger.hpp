/// PAGE LEDGER: the pages that the partitions of a virtual cluster know of, beside those that its
/// storage nodes hold (K4, decision 18): what is held and known to nobody is leaked.
#pragma once

#include "apps/testkit/virtual_cluster.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct page_ledger {
  std::map<std::uint32_t, std::set<std::string>> named;  ///< by replica set: of objects and parts
  std::size_t garbage_rows = 0;
};

/// Of what one replica of each partition has applied.
page_ledger read_ledger(virtual_cluster& cluster);

struct held_page {
  std::string page;
  std::uint32_t replica_set = 0;
  node_id node;
};

/// Pages that a running storage node holds and no object or part names.
std::vector<held_page> unnamed_pages(virtual_cluster& cluster, const page_ledger& ledger);

/// For people; none: a flipped bit has hit the page's header, so that nobody can say whose it was,
/// and no collector may free it.
std::optional<std::string> whose(virtual_cluster& cluster, const held_page& page);

}  // namespace dunlin::testkit
