#include "actors/partition_router/partition_router.hpp"

#include "messages/bucket_hash.hpp"
#include "messages/error.hpp"
#include "runtime/ask.hpp"
#include "runtime/observe/log.hpp"

#include <caf/actor_cast.hpp>

#include <deque>

namespace dunlin {

namespace {

using core = partition_router_core;
using self_pointer = partition_router_shell::stateful_pointer<partition_router_state>;
using state_type = partition_router_state;

core::time now(self_pointer self) {
  return std::chrono::duration_cast<core::time>(self->clock().now().time_since_epoch());
}

void perform_all(self_pointer self, core::effects all);

core::verdict judge(const v1::CommandReply& reply) {
  switch (reply.status()) {
    case v1::CommandReply::WRONG_PARTITION: return core::verdict::wrong_partition;
    case v1::CommandReply::UNKNOWN_CLIENT: return core::verdict::unknown_client;
    case v1::CommandReply::TOO_MANY_OPEN: return core::verdict::too_many_open;
    default: return core::verdict::done;
  }
}

core::verdict judge(const v1::QueryReply& reply) {
  return reply.status() == v1::CommandReply::WRONG_PARTITION ? core::verdict::wrong_partition
                                                             : core::verdict::done;
}

std::vector<partition_place> places(const v1::ClusterMap& map) {
  std::vector<partition_place> all;
  for (const auto& one : map.partitions())
    all.push_back(
        {one.id(), one.first_hash(), one.last_hash(), {one.nodes().begin(), one.nodes().end()}});
  return all;
}

/// How errors of any attempt come back.
auto error_handler(self_pointer self, const core::send& out) {
  return [self, task = out.task, attempt = out.attempt](const caf::error& error) {
    const auto code = error ? code_of(error) : ec::unavailable;
    perform_all(self, self->state.core->on_error(now(self), task, attempt, code, detail_of(error)));
  };
}

void send_command(self_pointer self, const partition_actor& to, const core::send& out,
                  v1::PartitionCommand command) {
  command.set_partition(out.partition);
  auto& client = *command.mutable_command()->mutable_client();
  client.set_node(self->state.options.self);
  client.set_incarnation(self->state.options.incarnation);
  client.set_sequence(out.client->sequence);
  client.set_lowest_unanswered(out.client->lowest_unanswered);
  ask(
      self, to, out.timeout, std::move(command),
      [self, task = out.task, attempt = out.attempt](const v1::CommandReply& reply) {
        const auto found = self->state.tasks.find(task);
        if (found != self->state.tasks.end())
          std::get<state_type::command_task>(found->second).reply = reply;
        perform_all(self, self->state.core->on_reply(now(self), task, attempt, judge(reply)));
      },
      error_handler(self, out));
}

void send_query(self_pointer self, const partition_actor& to, const core::send& out,
                v1::PartitionQuery query) {
  query.set_partition(out.partition);
  ask(
      self, to, out.timeout, std::move(query),
      [self, task = out.task, attempt = out.attempt](const v1::QueryReply& reply) {
        const auto found = self->state.tasks.find(task);
        if (found != self->state.tasks.end())
          std::get<state_type::query_task>(found->second).reply = reply;
        perform_all(self, self->state.core->on_reply(now(self), task, attempt, judge(reply)));
      },
      error_handler(self, out));
}

void send_map_query(self_pointer self, const partition_actor& to, const core::send& out) {
  v1::PartitionQuery query;
  query.set_partition(out.partition);
  query.mutable_get_cluster_map();
  ask(
      self, to, out.timeout, std::move(query),
      [self, task = out.task, attempt = out.attempt](const v1::QueryReply& reply) {
        auto& state = self->state;
        if (!reply.has_cluster_map())
          return perform_all(self,
                             state.core->on_reply(now(self), task, attempt, core::verdict::no_map));
        const auto& map = reply.cluster_map();
        if (!state.map || map.epoch() >= state.map_epoch) {
          state.map = caf::make_message(map);
          state.map_epoch = map.epoch();
        }
        perform_all(self, state.core->on_map(now(self), task, attempt, map.epoch(), places(map)));
      },
      error_handler(self, out));
}

// ---- effects ----

void perform(self_pointer self, const core::send& out) {
  auto& state = self->state;
  state.figures->attempts.add();
  if (out.attempt > 1) state.figures->retries.add();
  const auto to = state.options.find(out.node, out.partition);
  if (!to)
    return perform_all(self, state.core->on_error(now(self), out.task, out.attempt, ec::unavailable,
                                                  "no such peer"));
  switch (out.what) {
    case core::kind::command:
      return send_command(self, to, out,
                          std::get<state_type::command_task>(state.tasks.at(out.task)).command);
    case core::kind::open_client: {
      v1::PartitionCommand opening;
      opening.mutable_command()->mutable_open_client();
      return send_command(self, to, out, std::move(opening));
    }
    case core::kind::query:
      return send_query(self, to, out,
                        std::get<state_type::query_task>(state.tasks.at(out.task)).query);
    case core::kind::fetch_map: return send_map_query(self, to, out);
    case core::kind::get_map: return;  // answered from the copy, never sent
  }
}

/// Every upload asks: all of them are given the one copy.
void deliver_map(self_pointer self, caf::response_promise& promise) {
  auto& state = self->state;
  if (!state.map) state.map = caf::make_message(v1::ClusterMap{});
  promise.deliver(*state.map);
}

void perform(self_pointer self, const core::deliver& out) {
  auto task = self->state.tasks.extract(out.task);
  if (auto* command = std::get_if<state_type::command_task>(&task.mapped()))
    command->promise.deliver(std::move(command->reply));
  else if (auto* query = std::get_if<state_type::query_task>(&task.mapped()))
    query->promise.deliver(std::move(query->reply));
  else
    deliver_map(self, std::get<state_type::map_task>(task.mapped()).promise);
}

void perform(self_pointer self, const core::fail& out) {
  auto& figures = *self->state.figures;
  figures.failures.add();
  if (out.reason == ec::timed_out || out.reason == ec::unknown_outcome)
    figures.unknown_outcomes.add();
  log::debug("partition_router.failed",
             {{"reason", to_string(out.reason)}, {"detail", out.detail}});
  auto task = self->state.tasks.extract(out.task);
  std::visit([&](auto& one) { one.promise.deliver(make_error(out.reason, out.detail)); },
             task.mapped());
}

void perform_all(self_pointer self, core::effects all) {
  for (const auto& one : all)
    std::visit([&](const auto& effect) { perform(self, effect); }, one);
  self->state.timer.arm(self, now(self), self->state.core->next_wake());
}

core::route to_route(const v1::Route& route) {
  if (route.to_case() == v1::Route::kBucketId)
    return core::to_bucket{bucket_hash(route.bucket_id())};
  return core::to_partition{route.partition()};
}

template <class Task, class Promise, class Body>
Promise take_wish(self_pointer self, core::kind what, const v1::Route& route,
                  std::uint32_t timeout_ms, Promise promise, const Body& body) {
  auto& state = self->state;
  if (route.to_case() == v1::Route::TO_NOT_SET)
    return promise.deliver(make_error(ec::invalid_argument, "no route"));
  const auto id = ++state.last_task;
  state.tasks.emplace(id, Task{promise, body, {}});
  perform_all(self,
              state.core->on_wish(now(self), id, what, to_route(route), core::time{timeout_ms}));
  return promise;
}

}  // namespace

router_figures::router_figures(metrics& m)
    : attempts{m.counter("dunlin_partition_router_attempts_total", "Messages to partitions")},
      retries{m.counter("dunlin_partition_router_retries_total", "Attempts after the first")},
      failures{m.counter("dunlin_partition_router_failures_total", "Requests that failed")},
      unknown_outcomes{m.counter("dunlin_partition_router_unknown_total",
                                 "Requests whose outcome is unknown")} {}

partition_router_shell::behavior_type partition_router(self_pointer self,
                                                       partition_router_options options,
                                                       random_source* random, metrics* figures) {
  auto& state = self->state;
  state.core = std::make_unique<core>(options.times, cluster_view{options.self, options.root_nodes},
                                      *random);
  state.figures = std::make_unique<router_figures>(*figures);
  state.options = std::move(options);
  return {
      [self](const v1::RoutedCommand& wish) {
        v1::PartitionCommand body;
        *body.mutable_command() = wish.command();
        return take_wish<state_type::command_task>(
            self, core::kind::command, wish.route(), wish.timeout_ms(),
            self->make_response_promise<v1::CommandReply>(), body);
      },
      [self](const v1::RoutedQuery& wish) {
        return take_wish<state_type::query_task>(
            self, core::kind::query, wish.route(), wish.timeout_ms(),
            self->make_response_promise<v1::QueryReply>(), wish.query());
      },
      [self](const v1::GetMap& wish) {
        auto promise = self->make_response_promise<v1::ClusterMap>();
        const auto id = ++self->state.last_task;
        self->state.tasks.emplace(id, state_type::map_task{promise});
        perform_all(self, self->state.core->on_get_map(now(self), id, wish.at_least_epoch()));
        return promise;
      },
      [self](const leader_news& news) {
        perform_all(self,
                    self->state.core->on_leader(now(self), news.partition, news.leader, news.term));
      },
      [self](caf::tick_atom, std::int64_t armed_for) {
        if (!self->state.timer.fires(armed_for)) return;
        perform_all(self, self->state.core->on_timer(now(self)));
      },
  };
}

}  // namespace dunlin
