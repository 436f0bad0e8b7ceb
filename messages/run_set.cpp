#include "messages/run_set.hpp"

#include <algorithm>

namespace dunlin {

namespace {

bool is_run(ordinal_run run) {
  return run.first > 0 && run.first <= run.last && run.last <= ordinal_limit;
}

}  // namespace

bool well_formed(const std::vector<ordinal_run>& runs) {
  std::uint64_t free_from = 1;
  for (const auto& run : runs) {
    if (!is_run(run) || run.first < free_from) return false;
    free_from = run.last + 2;
  }
  return true;
}

std::uint64_t numbers_in(const std::vector<ordinal_run>& runs) {
  std::uint64_t sum = 0;
  for (const auto& run : runs)
    sum += run.last - run.first + 1;
  return sum;
}

bool run_set::add(ordinal_run run) {
  if (!is_run(run)) return false;
  // Nearly all runs extend the last one.
  if (runs_.empty() || run.first > runs_.back().last + 1) {
    runs_.push_back(run);
    return true;
  }
  const auto begin = std::lower_bound(
      runs_.begin(), runs_.end(), run.first,
      [](const ordinal_run& have, std::uint64_t first) { return have.last + 1 < first; });
  auto end = begin;
  while (end != runs_.end() && end->first <= run.last + 1)
    ++end;
  if (begin == end) {
    runs_.insert(begin, run);
    return true;
  }
  if (begin->first <= run.first && begin->last >= run.last) return false;
  begin->first = std::min(begin->first, run.first);
  begin->last = std::max(std::prev(end)->last, run.last);
  runs_.erase(std::next(begin), end);
  return true;
}

bool run_set::contains(ordinal_run run) const {
  const auto at = std::lower_bound(
      runs_.begin(), runs_.end(), run.first,
      [](const ordinal_run& have, std::uint64_t first) { return have.last < first; });
  return at != runs_.end() && at->first <= run.first && at->last >= run.last;
}

void run_set::forget_through(std::uint64_t last) {
  std::erase_if(runs_, [&](const ordinal_run& run) { return run.last <= last; });
  if (!runs_.empty() && runs_.front().first <= last) runs_.front().first = last + 1;
}

bool run_progress::add(ordinal_run run) {
  if (!is_run(run) || run.last <= through_) return false;
  run.first = std::max(run.first, through_ + 1);
  if (!beyond_.add(run)) return false;
  if (beyond().front().first == through_ + 1) raise(beyond().front().last);
  if (beyond().size() > runs_max_) beyond_.forget_highest_run();
  return true;
}

bool run_progress::add(const std::vector<ordinal_run>& runs) {
  bool any = false;
  for (const auto& run : runs)
    any |= add(run);
  return any;
}

void run_progress::raise(std::uint64_t through) {
  through_ = std::max(through_, through);
  beyond_.forget_through(through_);
  if (!beyond().empty() && beyond().front().first == through_ + 1) raise(beyond().front().last);
}

bool run_progress::contains(ordinal_run run) const {
  if (run.last <= through_) return true;
  return beyond_.contains({std::max(run.first, through_ + 1), run.last});
}

}  // namespace dunlin
