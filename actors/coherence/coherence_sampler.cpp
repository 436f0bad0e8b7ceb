#include "actors/coherence/coherence_sampler.hpp"

#include "messages/error.hpp"
#include "runtime/ask.hpp"
#include "runtime/observe/log.hpp"

#include <utility>

namespace dunlin {

namespace {

using self_pointer = coherence_sampler_actor::stateful_pointer<coherence_sampler_state>;
using core = sampler_core;

/// The router gives up first.
constexpr std::chrono::milliseconds grace{500};

core::time now(self_pointer self) {
  return std::chrono::duration_cast<core::time>(self->clock().now().time_since_epoch());
}

v1::RoutedQuery question_of(const cache_sample& sample, std::chrono::milliseconds timeout) {
  v1::RoutedQuery made;
  made.mutable_route()->set_partition(sample.partition);
  auto& body = *made.mutable_query()->mutable_get_change_age();
  body.set_type(sample.type);
  body.set_key(sample.key);
  body.set_known_tick(sample.tick);
  made.set_timeout_ms(static_cast<std::uint32_t>(timeout.count()));
  return made;
}

void hear(self_pointer self, core::request_id request, const cache_sample& sample,
          const v1::QueryReply& said) {
  auto& core = *self->state.core;
  if (said.status() != v1::CommandReply::OK || !said.has_change_age())
    return core.on_failed(request);
  const auto& age = said.change_age();
  const auto found =
      core.on_answer(now(self), request,
                     {age.next_tick(), core::time{static_cast<core::time::rep>(age.age_us())},
                      core::time{static_cast<core::time::rep>(age.remembers_us())}});
  if (!found) return;
  if (const auto& watch = self->state.options.watch)
    watch({sample, found->next_tick, found->at_least, found->at_most});
  if (!found->violation) return;
  log::error("coherence.bound_exceeded", {{"type", sample.type},
                                          {"service", sample.service},
                                          {"tick", sample.tick},
                                          {"newer", found->next_tick},
                                          {"stale_for_us", found->at_least.count()},
                                          {"bound_us", found->what.bound.count()}});
}

void take(self_pointer self, const cache_sample& sample) {
  auto& state = self->state;
  const auto request =
      state.core->on_sample(now(self), {{sample.type, sample.service},
                                        sample.tick,
                                        sample.served_at,
                                        std::chrono::duration_cast<core::time>(sample.bound)});
  if (!request) return;
  ask(
      self, state.options.router, state.options.ask_timeout + grace,
      question_of(sample, state.options.ask_timeout),
      [self, id = *request, sample](const v1::QueryReply& said) { hear(self, id, sample, said); },
      [self, id = *request](const caf::error&) { self->state.core->on_failed(id); });
}

staleness_report report(const sampler_core& core) {
  staleness_report made;
  for (const auto& [where, from] : core.figures()) {
    auto& one = made.all.emplace_back();
    one.type = where.first;
    one.service = where.second;
    one.samples = from.samples;
    one.unanswered = from.unanswered;
    one.stale = from.stale;
    one.unsure = from.unsure;
    one.violations = from.violations;
    const auto us = [](core::time value) { return static_cast<std::uint64_t>(value.count()); };
    one.p50_us = us(from.percentile(50));
    one.p99_us = us(from.percentile(99));
    one.max_us = us(from.max);
    one.surely_max_us = us(from.surely_max);
  }
  return made;
}

}  // namespace

coherence_sampler_actor::behavior_type coherence_sampler(self_pointer self,
                                                         coherence_sampler_options options) {
  self->state.core = std::make_unique<core>(options.limits);
  self->state.options = std::move(options);
  return {
      [self](const cache_sample& sample) { take(self, sample); },
      [self](const get_staleness&) { return report(*self->state.core); },
  };
}

}  // namespace dunlin
