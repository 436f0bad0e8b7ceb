#include "tests/unit/cache_update/grid_queue.hpp"

#include "actors/message_queue/batch_writer.hpp"
#include "actors/message_queue/queue_wire.hpp"

namespace dunlin::grid {

queue_node::queue_node(events& time, std::mt19937_64& random, node_id name, queue::options limits,
                       queue_ports ports)
    : name{std::move(name)},
      time_{time},
      random_{random},
      limits_{limits},
      ports_{std::move(ports)} {
  clock.offset_us = static_cast<std::int64_t>(random() % 1000000000) + 1000000;
  clock.ppm = static_cast<std::int64_t>(random() % 600) - 300;
}

void queue_node::start() {
  if (core_) return;
  ++life_;
  std::vector<queue::spool_row> rows;
  for (const auto& [number, row] : disk_) {
    v1::EnqueueUpdates message;
    message.ParseFromString(row.bytes);
    auto what = queue::from_wire(message);
    const auto bytes = queue::bytes_of(what);
    rows.push_back({number, now() + (row.expires - time_.now()), bytes,
                    std::make_shared<const queue::enqueue>(std::move(what))});
  }
  core_ = std::make_unique<queue_core>(limits_, name, life_, now(), header_, std::move(rows));
  header_ = core_->header();
  disk_free_ = time_.now();
  armed_ = ms::max();
  arm();
}

void queue_node::crash(bool spool_lost) {
  if (core_) {
    const auto last = core_->count();
    total.frames += last.frames;
    total.resends += last.resends;
    total.given_up += last.given_up;
    total.missed += last.missed;
  }
  core_.reset();
  coming_.clear();
  if (!spool_lost) return;
  disk_.clear();
  header_ = {};
}

void queue_node::enqueue(std::uint64_t request, const std::string& bytes) {
  if (!core_) return;
  v1::EnqueueUpdates message;
  message.ParseFromString(bytes);
  coming_[request] = bytes;
  perform(core_->on_enqueue(now(), request, queue::from_wire(message)));
}

void queue_node::subscribe(std::uint64_t request, const v1::Subscribe& wish) {
  if (core_) perform(core_->on_subscribe(now(), request, queue::from_wire(wish)));
}

void queue_node::ack(const v1::BatchAck& said) {
  if (core_) perform(core_->on_ack(now(), queue::from_wire(said)));
}

void queue_node::news(ms asked, const v1::PartitionNews& said) {
  if (core_) perform(core_->on_news(now(), asked, queue::from_wire(said)));
}

void queue_node::peer_lost(const node_id& node) {
  if (core_) core_->on_peer_lost(node);
}

void queue_node::persist(const queue_core::persist& row) {
  // One write after the other, as a log does.
  disk_free_ = std::max(disk_free_, time_.now() + ms{static_cast<std::int64_t>(random_() % 8)});
  auto bytes = std::move(coming_[row.request]);
  coming_.erase(row.request);
  const auto expires = time_.now() + row.time_to_live;
  time_.at(disk_free_, [this, life = life_, number = row.row, bytes = std::move(bytes), expires] {
    if (!core_ || life != life_) return;
    disk_[number] = {bytes, expires};
    perform(core_->on_persisted(number));
  });
}

void queue_node::perform(queue_core::effects all) {
  for (auto& one : all) {
    if (const auto* row = std::get_if<queue_core::persist>(&one)) persist(*row);
    if (const auto* yes = std::get_if<queue_core::accept>(&one)) ports_.answer(yes->request, true);
    if (const auto* no = std::get_if<queue_core::refuse>(&one)) {
      ports_.answer(no->request, false);
      ports_.answer_subscription(no->request, nullptr);
    }
    if (const auto* yes = std::get_if<queue_core::accept_subscription>(&one)) {
      v1::SubscribeReply reply;
      reply.set_queue_incarnation(yes->queue_incarnation);
      reply.set_next_sequence(yes->next_sequence);
      reply.set_missed(yes->missed);
      ports_.answer_subscription(yes->request, &reply);
    }
    if (const auto* batch = std::get_if<queue_core::send_batch>(&one))
      for (const auto& to : batch->to)
        ports_.batch(to, batch->bytes);
    if (const auto* news = std::get_if<queue_core::send_news>(&one))
      for (const auto& to : news->to)
        ports_.news(to.who, queue::news_for_one(*news->shared, to.first_kept, to.echo));
    if (std::get_if<queue_core::ask_news>(&one)) ports_.ask_news();
    if (const auto* trim = std::get_if<queue_core::trim_spool>(&one))
      disk_.erase(disk_.begin(), disk_.upper_bound(trim->through));
  }
  arm();
}

void queue_node::arm() {
  const auto when = clock.world(core_->next_wake());
  if (when >= armed_) return;
  armed_ = when;
  time_.at(when, [this, life = life_] {
    if (!core_ || life != life_) return;
    armed_ = ms::max();
    wake();
  });
}

void queue_node::wake() { perform(core_->on_timer(now())); }

}  // namespace dunlin::grid
