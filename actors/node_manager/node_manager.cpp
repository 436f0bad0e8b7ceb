#include "actors/node_manager/node_manager.hpp"

#include "messages/error.hpp"
#include "runtime/observe/log.hpp"

namespace dunlin {

using self_pointer = node_manager_shell::stateful_pointer<node_manager_state>;

static std::chrono::nanoseconds now(self_pointer self) {
  return self->clock().now().time_since_epoch();
}

static void watch(self_pointer self) {
  auto& state = self->state;
  for (const auto& [name, address] : state.roles.watched) {
    state.names.emplace(address, name);
    // The node holds its roles: one that is gone was let go by a node that was ended before this
    // actor's first turn, and nobody is left to be told.
    if (const auto role = caf::actor_cast<caf::strong_actor_ptr>(address)) self->monitor(role);
  }
  self->set_down_handler([self](const caf::down_msg& down) {
    auto& state = self->state;
    const auto found = state.names.find(down.source);
    if (found == state.names.end() || state.fatal) return;
    state.fatal = true;
    if (state.options.on_fatal) state.options.on_fatal(found->second, render(down.reason));
  });
}

/// Proposes the seed once the root partition answers that it has none. Safe on several nodes at
/// once: the first one applied wins, the others are told ALREADY_EXISTS.
static void propose_seed(self_pointer self) {
  v1::RoutedCommand wish;
  wish.mutable_route()->set_partition(0);
  *wish.mutable_command()->mutable_seed_cluster() = *self->state.options.seed;
  wish.set_timeout_ms(static_cast<std::uint32_t>(self->state.options.answer_timeout.count()));
  self->request(self->state.roles.router, 2 * self->state.options.answer_timeout, wish)
      .then(
          [](const v1::CommandReply& reply) {
            if (reply.status() == v1::CommandReply::OK) log::info("cluster.seeded");
          },
          [](const caf::error&) {});  // asked again at the next look
}

static void look_for_seed(self_pointer self) {
  v1::RoutedQuery wish;
  wish.mutable_route()->set_partition(0);
  wish.mutable_query()->mutable_get_cluster_map();
  wish.set_timeout_ms(static_cast<std::uint32_t>(self->state.options.answer_timeout.count()));
  self->request(self->state.roles.router, 2 * self->state.options.answer_timeout, wish)
      .then(
          [self](const v1::QueryReply& reply) {
            if (reply.has_cluster_map() && reply.cluster_map().epoch() > 0) {
              self->state.seeded = true;
            } else if (self->state.options.seed) {
              propose_seed(self);
            }
          },
          [](const caf::error&) {});  // no leader yet: asked again at the next look
}

/// Ready: the cluster is seeded and every replica here knows its leader.
static void look_for_leaders(self_pointer self) {
  auto waiting = std::make_shared<std::size_t>(self->state.roles.replicas.size());
  const auto one_is_ready = [self, waiting] {
    if (*waiting > 0 && --*waiting > 0) return;
    if (self->state.state != v1::NodeStatus::STARTING) return;
    self->state.state = v1::NodeStatus::READY;
    log::info("node.became_ready");
  };
  if (self->state.roles.replicas.empty()) return one_is_ready();
  for (const auto& [id, replica] : self->state.roles.replicas)
    self->request(replica, self->state.options.answer_timeout, v1::GetReplicaStatus{})
        .then(
            [one_is_ready](const v1::ReplicaStatus& status) {
              if (!status.leader().empty()) one_is_ready();
            },
            [](const caf::error&) {});
}

/// One answer of many: the promise is kept when the last role has answered or failed to.
struct gathering {
  v1::NodeStatus status;
  std::size_t open = 0;
  caf::typed_response_promise<v1::NodeStatus> promise;
  void one_less() {
    if (--open == 0) promise.deliver(std::move(status));
  }
};

/// Asks one role, which `take` puts into the status; what does not answer is warned of.
template <class Answer, class Handle, class Question, class Take>
static void ask_role(self_pointer self, const std::shared_ptr<gathering>& all, const Handle& role,
                     const Question& question, std::string name, Take take) {
  if (!role) return;
  ++all->open;
  self->request(role, self->state.options.answer_timeout, question)
      .then(
          [all, take](const Answer& answer) {
            take(all->status, answer);
            all->one_less();
          },
          [all, name = std::move(name)](const caf::error& error) {
            all->status.add_warnings(name + ": " + render(error));
            all->one_less();
          });
}

static void ask_roles(self_pointer self, const std::shared_ptr<gathering>& all) {
  using status = v1::NodeStatus;
  const auto& roles = self->state.roles;
  for (const auto& [id, replica] : roles.replicas)
    ask_role<v1::ReplicaStatus>(
        self, all, replica, v1::GetReplicaStatus{}, "partition " + std::to_string(id),
        [](status& to, const v1::ReplicaStatus& said) { *to.add_replicas() = said; });
  ask_role<v1::StorageStatus>(
      self, all, roles.storage, v1::GetStorageStatus{}, "storage",
      [](status& to, const v1::StorageStatus& said) { *to.mutable_storage() = said; });
  ask_role<v1::QueueStatus>(
      self, all, roles.queue, v1::GetQueueStatus{}, "message queue",
      [](status& to, const v1::QueueStatus& said) { *to.mutable_queue() = said; });
  for (const auto& one : roles.subscribers)
    ask_role<v1::SubscriberStatus>(
        self, all, one, v1::GetSubscriberStatus{}, "cache subscriber",
        [](status& to, const v1::SubscriberStatus& said) { *to.add_subscribers() = said; });
  for (const auto& one : roles.caches)
    ask_role<v1::CacheStatus>(
        self, all, one, v1::GetCacheStatus{}, "near cache",
        [](status& to, const v1::CacheStatus& said) { *to.add_caches() = said; });
}

static caf::result<v1::NodeStatus> gather(self_pointer self) {
  const auto& state = self->state;
  auto all = std::make_shared<gathering>();
  auto& status = all->status;
  status.set_name(state.options.self);
  status.set_state(state.state);
  status.set_incarnation(state.options.incarnation);
  status.set_uptime_s(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now(self) - state.started).count()));
  for (const auto& warning : state.options.warnings)
    status.add_warnings(warning);
  if (state.options.more_warnings)
    for (const auto& warning : state.options.more_warnings())
      status.add_warnings(warning);
  if (state.options.peers)
    for (auto& peer : state.options.peers())
      *status.add_peers() = std::move(peer);
  auto promise = self->make_response_promise<v1::NodeStatus>();
  all->promise = promise;
  all->open = 1;  // until all are asked
  ask_roles(self, all);
  all->one_less();
  return promise;
}

/// As `gathering`, of an instruction to near caches.
struct instruction {
  caches_changed outcome;
  std::size_t open = 0;
  caf::typed_response_promise<caches_changed> promise;
  void one_less() {
    if (--open == 0) promise.deliver(std::move(outcome));
  }
};

static caf::result<caches_changed> instruct(self_pointer self, const change_caches& wish) {
  auto all = std::make_shared<instruction>();
  auto promise = self->make_response_promise<caches_changed>();
  all->promise = promise;
  all->open = 1;  // until all are told
  for (const auto& cache : self->state.roles.caches) {
    ++all->open;
    self->request(cache, self->state.options.answer_timeout, wish)
        .then(
            [all](const caches_changed& said) {
              all->outcome.all.insert(all->outcome.all.end(), said.all.begin(), said.all.end());
              all->one_less();
            },
            [all](const caf::error& error) {
              all->outcome.all.push_back({0, "near cache", render(error)});
              all->one_less();
            });
  }
  all->one_less();
  return promise;
}

node_manager_shell::behavior_type node_manager(self_pointer self, node_manager_options options,
                                               node_roles roles) {
  self->state.options = std::move(options);
  self->state.roles = std::move(roles);
  self->state.started = now(self);
  watch(self);
  self->send(self, caf::tick_atom_v);
  return {
      [self](const v1::GetNodeStatus&) { return gather(self); },
      [self](const v1::BeginDrain&) {
        self->state.state = v1::NodeStatus::DRAINING;
        return v1::BeginDrainReply{};
      },
      [self](const change_caches& wish) { return instruct(self, wish); },
      [self](caf::tick_atom) {
        if (self->state.state != v1::NodeStatus::STARTING) return;
        if (!self->state.seeded)
          look_for_seed(self);
        else
          look_for_leaders(self);
        self->delayed_send(self, self->state.options.look_interval, caf::tick_atom_v);
      },
  };
}

}  // namespace dunlin
