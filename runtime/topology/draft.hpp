/// What reading leaves for the rules: the values, and where in the file each was said.
#pragma once

#include "runtime/topology/topology.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::topology {

struct place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

class report {
public:
  explicit report(std::string file) : file_{std::move(file)} {}
  void add(place where, std::string text, std::string mend);
  bool empty() const { return mistakes_.empty(); }
  std::size_t size() const { return mistakes_.size(); }
  /// In file order; those without a place come last.
  std::vector<mistake> take();

private:
  std::string file_;
  std::vector<mistake> mistakes_;
};

struct draft_node {
  node value;
  place where;                          ///< of its [[node]]
  std::map<std::string, place> places;  ///< of each key that was read without a mistake
  bool roles_known = true;  ///< false: a role was misspelt, so nothing follows from the others
};

struct draft {
  cluster value;
  std::map<std::string, place> places;  ///< "objects.write_quorum" → its value
  std::set<std::string> refused;        ///< keys of sections whose value was wrong
  std::vector<draft_node> nodes;
  bool allow_wildcard = false;
  bool admin_insecure = false;
  bool torn = false;  ///< lines that are no TOML were left out: do not complain of what is missing
};

/// What no single value shows: duplicates, quorums, roles of the whole cluster, open doors.
void check_rules(const draft& file, report& mistakes);

/// Of them those of one type of near caches: what news prove is up to two of their intervals old
/// when the next come.
void check_cache_rules(const draft& file, const std::string& type, report& mistakes);

}  // namespace dunlin::topology
