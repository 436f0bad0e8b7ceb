#include "apps/fanout/writer.hpp"

#include "messages/error.hpp"
#include "runtime/ask.hpp"

#include <fmt/format.h>

namespace dunlin::fanout {

namespace {

using self_pointer = writer_actor::stateful_pointer<writer_state>;

std::chrono::nanoseconds now(self_pointer self) { return self->clock().now().time_since_epoch(); }

v1::RoutedCommand words(self_pointer self) {
  const auto& state = self->state;
  const auto name = fmt::format("fanout-{}", state.next % state.options.buckets);
  const auto id = fmt::format("{:>16}", state.next % state.options.buckets);
  v1::RoutedCommand made;
  made.mutable_route()->set_partition(0);
  if (state.options.make) {
    auto& wish = *made.mutable_command()->mutable_create_bucket();
    wish.set_name(name);
    wish.set_id(id);
    wish.set_owner("root");
    return made;
  }
  auto& wish = *made.mutable_command()->mutable_put_bucket_policy();
  wish.set_name(name);
  wish.set_id(id);
  // With it the record has about 100 bytes.
  wish.set_policy(fmt::format(R"({{"Version":"2012-10-17","Id":"{:012}"}})", now(self).count()));
  return made;
}

void go_on(self_pointer self) {
  auto& state = self->state;
  ++state.next;
  if (state.next >= state.count || state.made.failed > 20) {
    state.options.done(std::move(state.made));
    return self->quit();
  }
  const auto gap = state.options.make ? 0 : 1e9 / state.options.rate;
  const auto due =
      state.began +
      std::chrono::nanoseconds(static_cast<std::int64_t>(gap * static_cast<double>(state.next)));
  const auto wait = due - now(self);
  if (wait.count() > 0)
    self->delayed_send(self, wait, caf::tick_atom_v);
  else
    self->send(self, caf::tick_atom_v);
}

void write(self_pointer self) {
  const auto began = now(self).count();
  ask(
      self, self->state.options.router, std::chrono::seconds(30), words(self),
      [self, began](const v1::CommandReply& said) {
        auto& state = self->state;
        if (said.status() != v1::CommandReply::OK) {
          ++state.made.failed;
          state.made.why = "status " + std::to_string(said.status());
        } else if (!state.options.make) {
          state.made.writes.push_back(
              {said.tick(), began, *state.options.committed_ns, now(self).count()});
        }
        go_on(self);
      },
      [self](const caf::error& why) {
        ++self->state.made.failed;
        self->state.made.why = render(why);
        go_on(self);
      });
}

}  // namespace

writer_actor::behavior_type writer(self_pointer self, write_options options) {
  auto& state = self->state;
  state.options = std::move(options);
  state.count = state.options.make
                    ? state.options.buckets
                    : static_cast<std::size_t>(state.options.rate * state.options.seconds);
  state.began = now(self);
  write(self);
  return {[self](caf::tick_atom) { write(self); }};
}

}  // namespace dunlin::fanout
