#include "tests/unit/partition/replica_world.hpp"

#include "runtime/disk/crc32c.hpp"
#include "runtime/storage/sqlite_store.hpp"

namespace dunlin::testing_partition {

using namespace std::chrono_literals;

static constexpr partition_id partition = 1;
static constexpr auto request_timeout = 60s;

v1::Command put_object(const std::string& key, const std::string& etag) {
  v1::Command command;
  auto& put = *command.mutable_put_object();
  put.set_bucket_id(std::string(16, 'b'));
  put.set_key(key);
  put.mutable_record()->set_etag(etag);
  return command;
}

static partition_actor::behavior_type relay(partition_actor::pointer self, replica_world* world,
                                            node_id name) {
  return {
      [](const v1::PartitionCommand&) -> caf::result<v1::CommandReply> {
        return make_error(ec::unavailable);
      },
      [](const v1::PartitionQuery&) -> caf::result<v1::QueryReply> {
        return make_error(ec::unavailable);
      },
      [=](const v1::RaftMessage& m) {
        auto& to = world->at(name);
        if (!to.up || world->cut.contains(name) || world->cut.contains(m.from()) || world->drop(m))
          return;
        self->send(to.replica, m);
      },
      [](const v1::GetReplicaStatus&) { return v1::ReplicaStatus{}; },
  };
}

/// Takes pieces of snapshots from one node's keeper to another's.
static page_link_actor::behavior_type bulk(page_link_actor::pointer self, replica_world* world) {
  return {[=](const exchange_page& wish) -> caf::result<page_answer> {
    auto& from = world->at(wish.node);
    if (!from.up || !from.keeper || world->cut.contains(wish.node))
      return make_error(ec::unavailable);
    auto promise = self->make_response_promise<page_answer>();
    self->request(page_transfers_actor(from.keeper), wish.timeout, wish.transfer)
        .then(
            [=](const page_answer& answer) mutable {
              auto changed = answer;
              changed.body = world->pass_piece(answer.body);
              if (changed.body)
                promise.deliver(changed);
              else
                promise.deliver(make_error(ec::peer_lost));
            },
            [=](const caf::error& error) mutable { promise.deliver(error); });
    return promise;
  }};
}

void replica_world::start_keeper(const node_id& name, partition_replica_options& to) {
  auto& node = nodes_.at(name);
  auto* disk = node.disk.get();
  state_keeper_options options;
  options.storage = disk;
  options.bulk = bulk_;
  options.step_bytes = options.piece_bytes = 16 << 10;
  options.retries_max = 3;
  options.path_of = [](partition_id) { return std::string("p1/db"); };
  options.inspect = [disk](const std::string& path) -> result<state_place> {
    const auto store = sqlite_store::open(*disk, path);
    if (!store) return store.error();
    const auto state = stored_state(**store);
    return state_place{{state.applied_term(), state.applied_index()}, state.tick()};
  };
  options.install = [disk](partition_id, const std::string& received) {
    return install(*disk, received, "p1/db");
  };
  options.open = [disk](partition_id) -> result<std::shared_ptr<kv_store>> {
    auto store = sqlite_store::open(*disk, "p1/db");
    if (!store) return store.error();
    return std::shared_ptr<kv_store>(std::move(*store));
  };
  node.keeper = world.system.spawn(state_keeper, std::move(options));
  to.keeper = node.keeper;
  to.laggard_bytes_max = settings_.laggard_bytes_max;
  to.installed = read_mark(*disk, mark_of("p1/db")).value();
}

replica_world::replica_world(settings with, std::vector<node_id> names)
    : settings_{with}, names_{std::move(names)}, random_{with.seed} {
  bulk_ = world.system.spawn(bulk, this);
  for (const auto& name : names_) {
    auto& node = nodes_[name];
    node.disk = std::make_unique<simulation::sim_disk>(random_.next());
    node.relay = world.system.spawn(relay, this, name);
  }
  for (const auto& name : names_)
    start(name);
}

replica_world::~replica_world() {
  for (auto& [name, node] : nodes_) {
    if (node.up) crash(name);
    caf::anon_send_exit(node.relay, caf::exit_reason::kill);
    node.relay = nullptr;
  }
  caf::anon_send_exit(bulk_, caf::exit_reason::kill);
  world.advance(request_timeout + 1s, 1s);  // whoever asked a node that lost power waits so long
}

void replica_world::start(const node_id& name) {
  auto& node = nodes_.at(name);
  node.log = wal::log::open(*node.disk, "wal", settings_.log).value();
  EXPECT_TRUE(node.disk->make_folder("p1"));
  std::shared_ptr<kv_store> store = sqlite_store::open(*node.disk, "p1/db").value();
  partition_replica_options options;
  options.id = partition;
  options.last_hash = ~std::uint64_t{0};
  options.self = name;
  options.voters = names_;
  options.store = store;
  options.recovered = node.log->take_recovered(partition);
  options.peer = [this](const node_id& peer) { return nodes_.at(peer).relay; };
  options.clock = &clock_;
  options.random = &random_;
  options.announcing = settings_.announcing;
  options.has_room = [&node] { return node.has_room; };
  options.entry_bytes_max = 8 << 10;
  options.checkpoint_bytes = settings_.checkpoint_bytes;
  options.observer = [this, name](const raft::raft_core& core, const raft::ready& work) {
    if (work.reset) watch.installed(name, *work.reset, {});
    for (const auto& m : work.messages)
      watch.sent(m);
    for (const auto& e : work.committed)
      watch.applied(name, e);
    watch.observe(name, core);
  };
  watch.restarted(name, partition_machine{*store, partition, 0, options.last_hash}.applied());
  node.writer = world.system.spawn(log_writer, node.log);
  options.writer = node.writer;
  node.store = store;
  store.reset();  // the replica's alone: it may replace it
  if (settings_.laggard_bytes_max > 0) start_keeper(name, options);
  node.replica = world.system.spawn(partition_replica, std::move(options));
  node.up = true;
  world.run();
}

void replica_world::crash(const node_id& name) {
  auto& node = nodes_.at(name);
  node.up = false;
  node.disk->crash();  // first: the dying must not write
  caf::anon_send_exit(node.replica, caf::exit_reason::kill);
  caf::anon_send_exit(node.writer, caf::exit_reason::kill);
  if (node.keeper) caf::anon_send_exit(node.keeper, caf::exit_reason::kill);
  node.keeper = nullptr;
  node.replica = nullptr;
  node.writer = nullptr;
  node.log.reset();
  world.run();
}

node_id replica_world::leader(std::chrono::milliseconds within) {
  for (auto waited = 0ms; waited < within; waited += 50ms) {
    for (const auto& name : names_)
      if (nodes_.at(name).up && !cut.contains(name) && status(name).role() == "leader") return name;
    advance(50ms);
  }
  return {};
}

v1::ReplicaStatus replica_world::status(const node_id& name) {
  auto found = std::make_shared<v1::ReplicaStatus>();
  world.system.spawn([=, to = nodes_.at(name).replica](caf::event_based_actor* self) {
    self->request(to, 1s, v1::GetReplicaStatus{})
        .then([=](const v1::ReplicaStatus& status) { *found = status; }, [](const caf::error&) {});
  });
  world.run();
  return *found;
}

template <class Reply, class Wish, class Keep>
static outcome_ptr ask(caf::actor_system& system, const partition_replica_actor& to, Wish wish,
                       Keep keep) {
  auto out = std::make_shared<outcome>();
  system.spawn([=](caf::event_based_actor* self) {
    self->request(to, request_timeout, wish)
        .then(
            [=](const Reply& reply) {
              out->done = true;
              keep(*out, reply);
            },
            [=](const caf::error& error) {
              out->done = true;
              out->error = code_of(error);
              out->detail = detail_of(error);
            });
  });
  return out;
}

outcome_ptr replica_world::command(const node_id& to, v1::Command what) {
  v1::PartitionCommand wish;
  wish.set_partition(partition);
  *wish.mutable_command() = std::move(what);
  return ask<v1::CommandReply>(world.system, nodes_.at(to).replica, std::move(wish),
                               [](outcome& out, const v1::CommandReply& r) { out.reply = r; });
}

outcome_ptr replica_world::query(const node_id& to, v1::PartitionQuery what) {
  what.set_partition(partition);
  return ask<v1::QueryReply>(world.system, nodes_.at(to).replica, std::move(what),
                             [](outcome& out, const v1::QueryReply& r) { out.answer = r; });
}

outcome_ptr replica_world::get(const node_id& to, const std::string& key) {
  v1::PartitionQuery wish;
  wish.mutable_get_object()->set_bucket_id(std::string(16, 'b'));
  wish.mutable_get_object()->set_key(key);
  return query(to, std::move(wish));
}

outcome_ptr replica_world::wait(outcome_ptr of) {
  world.run();
  for (auto i = 0; i < 500 && !of->done; ++i)
    advance(10ms);
  return of;
}

}  // namespace dunlin::testing_partition
