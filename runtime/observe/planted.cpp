#include "runtime/observe/planted.hpp"

#ifdef DUNLIN_PLANTED

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace dunlin {

namespace {

constexpr std::array<std::string_view, 34> names = {
    "none",
    "old_term_commit_by_counting",
    "answer_before_fsync",
    "stale_read_after_leadership",
    "lost_retry_dedupe",
    "wrong_snapshot_index",
    "freed_page_still_referenced",
    "fence_ignored",
    "outbox_entry_skipped",
    "tick_goes_back",
    "seal_ignored",
    "torn_log_tail_accepted",
    "read_without_checksum",
    "vote_forgotten",
    "log_cut_by_late_append",
    "read_before_own_entry",
    "retry_with_new_stamp",
    "page_acknowledged_before_sync",
    "write_quorum_of_one",
    "listing_skips_at_border",
    "condition_checked_early",
    "fence_trusts_look_up",
    "served_unproven",
    "update_ignored",
    "older_value_installed",
    "gap_not_noticed",
    "fill_overtakes_invalidation",
    "deleted_key_not_announced",
    "no_from_a_cache",
    "denied_by_a_cache",
    "own_node_not_told",
    "sampled_as_of_the_answer",
    "overtaken_by_the_last_change",
    "bucket_policy_kept_by_name",
};

bug chosen() {
  const char* wish = std::getenv("DUNLIN_BUG");
  if (!wish || !*wish) return bug::none;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == wish) return static_cast<bug>(i);
  std::fprintf(stderr, "DUNLIN_BUG=%s: there is no such planted bug\n", wish);
  std::exit(2);
}

}  // namespace

bool planted(bug which) {
  static const bug on = chosen();
  return on == which && on != bug::none;
}

}  // namespace dunlin

#endif
