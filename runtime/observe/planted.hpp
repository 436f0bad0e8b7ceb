/// PLANTED BUGS: deliberate mistakes that the checkers of the simulation must catch (U4). They
/// exist only in test builds made with -DDUNLIN_PLANTED=ON, where DUNLIN_BUG names the one that is
/// on; in every other build planted() is the constant false and the mistake is not in the binary.
#pragma once

#include <cstdint>

namespace dunlin {

enum class bug : std::uint8_t {
  none,
  old_term_commit_by_counting,
  answer_before_fsync,
  stale_read_after_leadership,
  lost_retry_dedupe,
  wrong_snapshot_index,
  freed_page_still_referenced,
  fence_ignored,
  outbox_entry_skipped,
  tick_goes_back,
  seal_ignored,
  torn_log_tail_accepted,
  read_without_checksum,
  vote_forgotten,
  log_cut_by_late_append,
  read_before_own_entry,
  retry_with_new_stamp,
  page_acknowledged_before_sync,
  write_quorum_of_one,
  listing_skips_at_border,
  condition_checked_early,
  fence_trusts_look_up,
  served_unproven,
  update_ignored,
  older_value_installed,
  gap_not_noticed,
  fill_overtakes_invalidation,
  deleted_key_not_announced,
  no_from_a_cache,
  denied_by_a_cache,
  own_node_not_told,
  sampled_as_of_the_answer,
  overtaken_by_the_last_change,
  bucket_policy_kept_by_name,
};

#ifdef DUNLIN_PLANTED
bool planted(bug which);
#else
constexpr bool planted(bug) { return false; }
#endif

}  // namespace dunlin
