#include "actors/coherence/sampler_core.hpp"

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

std::optional<sampler_core::violation> sampler_core::on_answer(time now, request_id request,
                                                               const change_age& said) {
  auto found = open_.extract(request);
  if (found.empty()) return {};
  auto& [what, asked_at] = found.mapped();
  auto& figures = figures_[what.where];
  // A change just before it was served may have been forgotten, or never seen.
  const auto overtaken = said.next_tick > what.tick;
  if (!overtaken && said.remembers < now - what.served_at) {
    ++figures.unanswered;
    return {};
  }
  ++figures.samples;
  const auto upper = said.age - (asked_at - what.served_at);
  if (!overtaken || upper <= time{0}) return {};
  const auto lower = std::max(said.age - (now - what.served_at), time{0});
  ++(lower > time{0} ? figures.stale : figures.unsure);
  figures.note(lower, upper);
  if (lower <= what.bound + what.bound / 1000 + limits_.slack) return {};
  ++figures.violations;
  return violation{std::move(what), said.next_tick, lower};
}

}  // namespace dunlin
