#include "tests/unit/message_queue/queue_world.hpp"

namespace dunlin::testing_queue {

using namespace std::chrono_literals;

v1::EnqueueUpdates change(const std::string& type, std::uint64_t ordinal, const std::string& key,
                          std::size_t value_bytes) {
  v1::EnqueueUpdates message;
  auto& part = *message.add_changes();
  part.set_type(type);
  part.set_partition(1);
  auto& run = *part.add_covered();
  run.set_first(ordinal);
  run.set_last(ordinal);
  auto& update = *part.add_updates();
  update.set_tick(1000 + ordinal);
  update.set_key(key);
  if (value_bytes > 0) update.set_value(std::string(value_bytes, 'v'));
  return message;
}

static partition_router_actor::behavior_type router(partition_router_actor::pointer self,
                                                    queue_world* world) {
  return {
      [](const v1::RoutedCommand&) -> caf::result<v1::CommandReply> {
        return make_error(ec::unsupported);
      },
      [=](const v1::RoutedQuery& wish) -> caf::result<v1::QueryReply> {
        const auto id = wish.route().partition();
        if (!wish.query().has_get_news()) return make_error(ec::unsupported);
        ++world->asked[id];
        if (world->silent.contains(id)) return self->make_response_promise<v1::QueryReply>();
        v1::QueryReply reply;
        reply.set_status(v1::CommandReply::OK);
        reply.set_partition(id);
        reply.set_tick(5000 + id);
        auto& last = *reply.add_announced();
        last.set_type("bucket");
        last.set_ordinal(7);
        return reply;
      },
      [](const v1::GetMap&) -> caf::result<v1::ClusterMap> { return make_error(ec::unsupported); },
  };
}

queue_world::queue_world(std::uint64_t seed)
    : disk{seed}, router_{world.system.spawn(router, this)} {}

queue_world::~queue_world() {
  if (queue) crash();
  caf::anon_send_exit(router_, caf::exit_reason::kill);
  world.advance(11s, 1s);  // whoever asked waits so long
}

void queue_world::start() {
  log = wal::log::open(disk, "wal", log_options).value();
  message_queue_options options;
  options.self = "q1";
  options.incarnation = ++incarnation;
  options.limits = limits;
  options.partitions = partitions;
  options.spool = queue::open_spool(*log, limits, incarnation, clock_.now_ms()).value();
  writer = world.system.spawn(log_writer, log);
  options.append = [to = writer](const log_client_actor& from, std::uint64_t token,
                                 std::vector<wal::entry> entries) {
    log_append step{from, queue::spool_group, token, {}, {}, {}};
    for (auto& e : entries)
      step.entries.push_back({e.term, e.index, static_cast<raft::entry_kind>(e.kind), e.data});
    caf::anon_send(to, std::move(step));
  };
  options.compact = [to = writer](std::uint64_t position) {
    caf::anon_send(to, log_compact{queue::spool_group, position, queue::spool_term});
  };
  options.tell_batch = [this](const queue::subscriber_key& to, const buffer& bytes) {
    if (!subscribers[to.node].away) hear(to.node, bytes);
  };
  options.tell_news = [this](const queue::subscriber_key& to, const buffer& bytes) {
    auto& of = subscribers[to.node];
    if (of.away) return;
    EXPECT_TRUE(of.news.emplace_back().ParseFromString(*bytes));
  };
  options.router = router_;
  queue = world.system.spawn(message_queue, std::move(options), &clock_);
  world.run();
}

void queue_world::crash() {
  disk.crash();  // first: the dying must not write
  caf::anon_send_exit(queue, caf::exit_reason::kill);
  caf::anon_send_exit(writer, caf::exit_reason::kill);
  queue = nullptr;
  writer = nullptr;
  log.reset();
  world.run();
}

void queue_world::advance(std::chrono::milliseconds by) {
  clock_.ms += by.count();
  world.advance(by);
}

void queue_world::hear(const node_id& node, const buffer& bytes) {
  auto& of = subscribers[node];
  auto& batch = of.batches.emplace_back();
  EXPECT_TRUE(batch.ParseFromString(*bytes));
  for (const auto& part : batch.changes())
    for (const auto& update : part.updates())
      of.keys.insert(update.key());
  acknowledge(node);
}

void queue_world::acknowledge(const node_id& node) {
  auto& of = subscribers[node];
  for (const auto& batch : of.batches)
    if (batch.after() <= of.through) of.through = std::max(of.through, batch.sequence());
  v1::BatchAck ack;
  ack.set_node(node);
  ack.set_incarnation(1);
  ack.set_queue_incarnation(of.queue_incarnation);
  ack.set_received_through(of.through);
  caf::anon_send(queue, ack);
}

template <class Reply, class Wish, class Keep>
static outcome_ptr ask(queue_world& in, Wish wish, Keep keep) {
  auto out = std::make_shared<outcome>();
  in.world.system.spawn([=, to = in.queue](caf::event_based_actor* self) {
    self->request(to, 10s, wish)
        .then(
            [=](const Reply& reply) {
              out->done = true;
              keep(*out, reply);
            },
            [=](const caf::error& error) {
              out->done = true;
              out->error = code_of(error);
            });
  });
  in.world.run();
  return out;
}

outcome_ptr queue_world::enqueue(v1::EnqueueUpdates what) {
  return ask<v1::EnqueueReply>(*this, std::move(what), [](outcome&, const v1::EnqueueReply&) {});
}

outcome_ptr queue_world::subscribe(const node_id& node, std::vector<std::string> types) {
  auto& of = subscribers[node];
  v1::Subscribe wish;
  wish.set_node(node);
  wish.set_incarnation(1);
  for (auto& type : types)
    wish.add_types(std::move(type));
  wish.set_queue_incarnation(of.queue_incarnation);
  wish.set_received_through(of.through);
  return ask<v1::SubscribeReply>(*this, std::move(wish),
                                 [this, node](outcome& out, const v1::SubscribeReply& reply) {
                                   out.subscribed = reply;
                                   auto& hearing = subscribers[node];
                                   hearing.queue_incarnation = reply.queue_incarnation();
                                   hearing.through = reply.next_sequence() - 1;
                                   acknowledge(node);
                                 });
}

std::uint64_t queue_world::figure(const std::string& name) {
  auto found = std::make_shared<std::uint64_t>(0);
  world.system.spawn([=, to = queue](caf::event_based_actor* self) {
    self->request(to, 1s, v1::GetQueueStatus{})
        .then(
            [=](const v1::QueueStatus& status) {
              for (const auto& one : status.figures())
                if (one.name() == name) *found = one.value();
            },
            [](const caf::error&) {});
  });
  world.run();
  return *found;
}

}  // namespace dunlin::testing_queue
