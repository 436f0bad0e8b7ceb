#include "apps/testkit/listing_check.hpp"

#include <algorithm>
#include <set>

namespace dunlin::testkit {

namespace {

using operation = register_operation;
using history = std::vector<operation>;

bool puts(const operation& one) { return one.writes && one.value; }
bool deletes(const operation& one) { return one.writes && !one.value; }

/// Whether `anchor` took place before the listing, and nothing of the other kind can have taken
/// place between it and the listing's end.
bool settled(const history& all, const operation& anchor, const listing& seen,
             bool (*other)(const operation&)) {
  if (!anchor.answered || *anchor.answered > seen.called) return false;
  return std::none_of(all.begin(), all.end(), [&](const operation& one) {
    const bool before = one.answered && *one.answered < anchor.called;
    return other(one) && one.called <= seen.answered && !before;
  });
}

bool there_throughout(const history& all, const listing& seen) {
  return std::any_of(all.begin(), all.end(), [&](const operation& one) {
    return puts(one) && settled(all, one, seen, deletes);
  });
}

bool absent_throughout(const history& all, const listing& seen) {
  if (std::none_of(all.begin(), all.end(),
                   [&](const operation& one) { return puts(one) && one.called <= seen.answered; }))
    return true;
  return std::any_of(all.begin(), all.end(), [&](const operation& one) {
    return deletes(one) && settled(all, one, seen, puts);
  });
}

}  // namespace

std::vector<std::string> check_listing(const std::map<std::string, history>& histories,
                                       const listing& seen) {
  std::vector<std::string> wrong;
  const auto what = "a listing of " + seen.bucket + " with prefix '" + seen.prefix + "' ";
  for (std::size_t i = 1; i < seen.keys.size(); ++i)
    if (seen.keys[i - 1] >= seen.keys[i])
      wrong.push_back(what + "shows " + seen.keys[i] + " behind " + seen.keys[i - 1]);
  const auto begin = "/" + seen.bucket + "/";
  const std::set<std::string> listed(seen.keys.begin(), seen.keys.end());
  for (const auto& key : listed) {
    if (!key.starts_with(seen.prefix)) wrong.push_back(what + "shows " + key);
    if (!histories.contains(begin + key)) wrong.push_back(what + "invents " + key);
  }
  for (const auto& [path, all] : histories) {
    if (!path.starts_with(begin + seen.prefix)) continue;
    const auto key = path.substr(begin.size());
    if (listed.contains(key) && absent_throughout(all, seen))
      wrong.push_back(what + "shows " + key + ", which is not there");
    if (!listed.contains(key) && there_throughout(all, seen))
      wrong.push_back(what + "misses " + key);
  }
  return wrong;
}

}  // namespace dunlin::testkit
