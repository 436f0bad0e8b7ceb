#include "actors/coherence/sampler_core.hpp"

#include "runtime/observe/planted.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>

namespace dunlin {

std::optional<sampler_core::request_id> sampler_core::on_sample(time now, sample what) {
  if (now - second_began_ >= time{1'000'000}) {
    second_began_ = now;
    this_second_ = 0;
  }
  if (this_second_ >= limits_.a_second) return {};
  ++this_second_;
  if (open_.size() >= limits_.in_flight_max) {
    ++figures_[what.where].unanswered;
    return {};
  }
  open_.emplace(++last_, question{std::move(what), now});
  return last_;
}

void sampler_core::on_failed(request_id request) {
  const auto found = open_.extract(request);
  if (!found.empty()) ++figures_[found.mapped().what.where].unanswered;
}

std::optional<sampler_core::judgement> sampler_core::on_answer(time now, request_id request,
                                                               const change_age& said) {
  auto found = open_.extract(request);
  if (found.empty()) return {};
  auto& [what, asked_at] = found.mapped();
  auto& figures = figures_[what.where];
  // A change just before it was served may have been forgotten, or never seen.
  const auto overtaken = said.next_tick > what.tick;
  if (!overtaken && said.remembers < now - what.served_at) {
    DUNLIN_REACHED("coherence.leader_does_not_remember");
    ++figures.unanswered;
    return {};
  }
  ++figures.samples;
  judgement made{std::move(what), overtaken ? said.next_tick : 0, {}, {}, false};
  const auto served_at = made.what.served_at;
  const auto asked = planted(bug::sampled_as_of_the_answer) ? now : asked_at;
  const auto upper = said.age - (asked - served_at);
  if (!overtaken || upper <= time{0}) return made;
  made.at_most = upper;
  made.at_least = std::max(said.age - (now - served_at), time{0});
  if (made.at_least > time{0}) {
    DUNLIN_REACHED("coherence.stale_sample");
    ++figures.stale;
  } else {
    DUNLIN_REACHED("coherence.unsure_sample");
    ++figures.unsure;
  }
  figures.note(made.at_least, made.at_most);
  made.violation = made.at_least > made.what.bound + made.what.bound / 1000 + limits_.slack;
  figures.violations += made.violation;
  return made;
}

}  // namespace dunlin
