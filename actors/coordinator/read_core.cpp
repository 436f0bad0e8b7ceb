#include "actors/coordinator/read_core.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>

namespace dunlin {

read_plan::read_plan(std::vector<resolved_run> runs, std::uint64_t offset, std::uint64_t length)
    : runs_(std::move(runs)), at_(offset), left_(length) {}

std::optional<segment> read_plan::next() {
  while (run_ < runs_.size() && at_ >= runs_[run_].length) {
    at_ -= runs_[run_].length;
    ++run_;
  }
  if (left_ == 0 || run_ == runs_.size()) return {};
  const auto& run = runs_[run_];
  segment part;
  part.run = run_;
  part.page = at_ / run.page_bytes;
  part.offset = at_ % run.page_bytes;
  part.length = std::min({run.page_bytes - part.offset, run.length - at_, left_});
  at_ += part.length;
  left_ -= part.length;
  return part;
}

void read_core::read_ahead(effects& out) {
  while (!planned_ && !broken_ && segments_.size() < limits_.ahead_max) {
    const auto part = plan_.next();
    planned_ = !part;
    if (!part) return;
    fetching of;
    of.sequence = ++sequences_;
    of.what = *part;
    of.candidates = order_(plan_.run(part->run).nodes, failures_);
    if (of.candidates.empty()) {
      broken_ = ec::unavailable;
      return;
    }
    out.push_back(fetch{of.sequence, of.what, of.candidates.front()});
    segments_.push_back(std::move(of));
  }
}

void read_core::answer(effects& out) {
  if (!wanted_) return;
  if (segments_.empty() || !segments_.front().bytes) {
    if (broken_ &&
        (segments_.empty() || segments_.front().tried >= segments_.front().candidates.size())) {
      wanted_.reset();
      out.push_back(failed{*broken_});
    } else if (segments_.empty() && planned_) {
      wanted_.reset();
      out.push_back(deliver{std::make_shared<const std::string>()});
    }
    return;
  }
  const auto& bytes = segments_.front().bytes;
  const auto size = std::min<std::uint64_t>(*wanted_, bytes->size() - taken_);
  wanted_.reset();
  if (size == bytes->size())
    out.push_back(deliver{bytes});
  else
    out.push_back(deliver{std::make_shared<const std::string>(bytes->substr(taken_, size))});
  taken_ += size;
  if (taken_ < bytes->size()) return;
  taken_ = 0;
  segments_.pop_front();
  read_ahead(out);
}

read_core::effects read_core::on_want(std::size_t size) {
  DUNLIN_ASSERT(!wanted_);
  effects out;
  wanted_ = std::max<std::size_t>(size, 1);
  read_ahead(out);
  answer(out);
  return out;
}

ec read_core::verdict(const fetching& of) const {
  // Only what every replica has denied is gone; a replica out of reach may have it.
  if (of.unreachable) return ec::unavailable;
  return of.damaged ? ec::damaged : ec::not_found;
}

void read_core::fail_over(effects& out, fetching& of, ec why) {
  DUNLIN_REACHED("coordinator.second_replica_read");
  const auto& node = of.candidates[of.tried];
  if (why == ec::not_found || why == ec::damaged) {
    of.lacking.push_back(node);
    of.damaged = of.damaged || why == ec::damaged;
  } else {
    of.unreachable = true;
    ++failures_[node];  // the rest of the object asks it last
  }
  if (++of.tried < of.candidates.size())
    out.push_back(fetch{of.sequence, of.what, of.candidates[of.tried]});
  else
    broken_ = verdict(of);
  if (broken_) DUNLIN_REACHED("coordinator.no_replica_has_page");
}

read_core::effects read_core::on_fetched(std::uint64_t sequence, result<buffer> outcome) {
  effects out;
  const auto at = std::find_if(segments_.begin(), segments_.end(),
                               [&](const fetching& of) { return of.sequence == sequence; });
  if (at == segments_.end() || at->bytes || at->tried >= at->candidates.size()) return out;
  if (outcome && *outcome && (*outcome)->size() == at->what.length) {
    at->bytes = *outcome;
    if (!at->lacking.empty()) DUNLIN_REACHED("coordinator.replica_reported_for_repair");
    for (const auto& node : at->lacking)
      out.push_back(repair{node, at->what, at->candidates[at->tried]});
  } else {
    fail_over(out, *at, outcome ? ec::damaged : outcome.error());
  }
  answer(out);
  return out;
}

}  // namespace dunlin
