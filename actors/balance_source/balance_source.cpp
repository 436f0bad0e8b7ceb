#include "actors/balance_source/balance_source.hpp"

#include "runtime/observe/log.hpp"

namespace dunlin {

namespace {

using self_pointer = balance_source_actor::stateful_pointer<balance_source_state>;

/// Never back to an older version: near cache and root may be of different ages.
void take(self_pointer self, const v1::ClusterMap& map) {
  auto& report = self->state.report;
  if (map.balance_version() <= report.known) return;
  report.known = map.balance_version();
  report.changes = map.balance();
  auto read = self->state.options.read(map.balance());
  report.mistakes = std::move(read.mistakes);
  if (!read.settings) {
    // A node of an older release, which does not know a key: it goes on with what it had.
    log::warn("balance.settings_not_understood",
              {{"version", report.known}, {"mistakes", report.mistakes}});
    return;
  }
  report.version = report.known;
  report.in_use = std::move(*read.settings);
  log::info("balance.settings_changed", {{"version", report.version}});
  self->state.options.use(report.in_use, report.version);
}

void ask_root(self_pointer self) {
  auto& state = self->state;
  if (std::exchange(state.asking, true)) return;
  v1::RoutedQuery wish;
  wish.mutable_route()->set_partition(0);
  wish.mutable_query()->mutable_get_cluster_map();
  wish.set_timeout_ms(static_cast<std::uint32_t>(state.options.timeout.count()));
  ask(
      self, state.options.from.router, 2 * state.options.timeout, std::move(wish),
      [self](const v1::QueryReply& said) {
        self->state.asking = false;
        if (said.has_cluster_map()) take(self, said.cluster_map());
        // The root knows best: a node that speaks of more is not asked about again.
        self->state.wanted = 0;
      },
      [self](const caf::error&) { self->state.asking = false; });
}

void look(self_pointer self) {
  auto& state = self->state;
  const auto& options = state.options;
  self->delayed_send(self, options.from.cache ? options.look_interval : options.ask_interval,
                     caf::tick_atom::value);
  if (!options.from.cache || state.wanted > state.report.known) return ask_root(self);
  ask_for_map(
      self, options.from, options.timeout, 0, [self](const shared_map& map) { take(self, *map); },
      [](const caf::error&) {});
}

}  // namespace

balance_source_actor::behavior_type balance_source(self_pointer self,
                                                   balance_source_options options) {
  self->state.report.in_use = options.of_file;
  self->state.options = std::move(options);
  self->send(self, caf::tick_atom::value);
  return {
      [self](const heard_balance_version& heard) {
        auto& state = self->state;
        if (heard.version <= std::max(state.wanted, state.report.known)) return;
        state.wanted = heard.version;
        ask_root(self);
      },
      [self](const get_balance_settings&) { return self->state.report; },
      [self](caf::tick_atom) { look(self); },
  };
}

}  // namespace dunlin
