#include "actors/message_queue/message_queue.hpp"

#include "actors/message_queue/queue_wire.hpp"
#include "messages/error.hpp"
#include "runtime/ask.hpp"
#include "runtime/observe/log.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

namespace {

using self_pointer = message_queue_shell::stateful_pointer<message_queue_state>;
using core = queue_core;

core::time now(self_pointer self) {
  return std::chrono::duration_cast<core::time>(self->clock().now().time_since_epoch());
}

void perform_all(self_pointer self, const core::effects& all);

// ---- the disk ----

void perform(self_pointer self, const core::persist& wish) {
  auto& state = self->state;
  v1::SpoolRow row;
  row.set_number(wish.row);
  row.set_expires_ms(state.clock->now_ms() + wish.time_to_live.count());
  row.set_time_to_live_ms(static_cast<std::uint32_t>(wish.time_to_live.count()));
  *row.mutable_updates() = *std::exchange(state.arriving, nullptr);
  auto entries = queue::entries_of(row, state.last_position + 1, state.options.spool.piece_bytes);
  if (state.gathered.rows.empty()) state.gathered.position = state.last_position;
  state.gathered.rows.push_back(wish.row);
  state.last_position += entries.size();
  state.positions.emplace(wish.row, state.last_position);
  std::move(entries.begin(), entries.end(), std::back_inserter(state.gathered.entries));
}

void perform(self_pointer self, const core::store&) {
  auto& state = self->state;
  if (state.gathered.rows.empty()) return;  // the log has refused them meanwhile
  auto all = std::exchange(state.gathered, {});
  auto entries = std::exchange(all.entries, {});
  state.flights.emplace(++state.last_token, std::move(all));
  state.options.append(caf::actor_cast<log_client_actor>(self), state.last_token,
                       std::move(entries));
}

void on_stored(self_pointer self, std::uint64_t token) {
  auto& flights = self->state.flights;
  const auto beyond = flights.upper_bound(token);
  if (beyond == flights.begin()) return;
  const auto row = std::prev(beyond)->second.rows.back();
  flights.erase(flights.begin(), beyond);
  perform_all(self, self->state.core->on_persisted(row));
}

/// The log takes nothing more until this token comes again, so it is that of the next write; what
/// was sent behind it, and what was to follow, is lost with it.
void on_refused(self_pointer self, std::uint64_t token) {
  auto& state = self->state;
  const auto first = state.flights.find(token);
  if (first == state.flights.end()) return;
  state.last_token = token - 1;
  state.last_position = first->second.position;
  std::vector<std::uint64_t> rows;
  for (auto it = first; it != state.flights.end(); it = state.flights.erase(it))
    rows.insert(rows.end(), it->second.rows.begin(), it->second.rows.end());
  const auto next = std::exchange(state.gathered, {});
  rows.insert(rows.end(), next.rows.begin(), next.rows.end());
  for (const auto row : rows) {
    state.positions.erase(row);
    perform_all(self, state.core->on_persist_failed(row, ec::disk_full));
  }
}

void perform(self_pointer self, const core::trim_spool& wish) {
  auto& positions = self->state.positions;
  const auto beyond = positions.upper_bound(wish.through);
  if (beyond == positions.begin()) return;
  self->state.options.compact(std::prev(beyond)->second);
  positions.erase(positions.begin(), beyond);
}

// ---- answers ----

template <class Reply>
void answer(self_pointer self, core::request_id request, Reply reply) {
  const auto found = self->state.requests.find(request);
  if (found == self->state.requests.end()) return;
  std::get<caf::typed_response_promise<Reply>>(found->second).deliver(std::move(reply));
  self->state.requests.erase(found);
}

void perform(self_pointer self, const core::accept& done) {
  answer(self, done.request, v1::EnqueueReply{});
}

void perform(self_pointer self, const core::accept_subscription& done) {
  v1::SubscribeReply reply;
  reply.set_queue_incarnation(done.queue_incarnation);
  reply.set_next_sequence(done.next_sequence);
  reply.set_missed(done.missed);
  answer(self, done.request, std::move(reply));
}

void perform(self_pointer self, const core::refuse& no) {
  const auto found = self->state.requests.find(no.request);
  if (found == self->state.requests.end()) return;
  std::visit([&](auto& promise) { promise.deliver(make_error(no.reason, no.detail)); },
             found->second);
  self->state.requests.erase(found);
}

// ---- subscribers ----

void perform(self_pointer self, const core::send_batch& out) {
  for (const auto& who : out.to)
    self->state.options.tell_batch(who, out.bytes);
}

void perform(self_pointer self, const core::send_news& out) {
  for (const auto& one : out.to)
    self->state.options.tell_news(one.who, std::make_shared<const std::string>(queue::news_for_one(
                                               *out.shared, one.first_kept, one.echo)));
}

void perform(self_pointer, const core::forget_subscriber& gone) {
  log::info("message_queue.subscriber_forgotten",
            {{"node", gone.who.node}, {"service", gone.who.service}});
}

// ---- news ----

void on_news(self_pointer self, core::time asked, partition_id from, const v1::QueryReply& said) {
  if (said.status() != v1::CommandReply::OK) return;
  queue::partition_news news{from, said.tick(), {}};
  for (const auto& one : said.announced())
    news.last.emplace_back(one.type(), one.ordinal());
  perform_all(self, self->state.core->on_news(now(self), asked, std::move(news)));
}

/// One question at a time: a partition without a leader is not asked more for it.
void ask_for_news(self_pointer self, partition_id id) {
  auto& state = self->state;
  if (!state.asking.insert(id).second) return;
  v1::RoutedQuery question;
  question.mutable_route()->set_partition(id);
  question.mutable_query()->mutable_get_news();
  question.set_timeout_ms(static_cast<std::uint32_t>(state.options.news_timeout.count()));
  ask(
      self, state.options.router, state.options.news_timeout * 2, std::move(question),
      [self, id, asked = now(self)](const v1::QueryReply& said) {
        self->state.asking.erase(id);
        on_news(self, asked, id, said);
      },
      [self, id](const caf::error& why) {
        self->state.asking.erase(id);
        log::debug("message_queue.no_news", {{"partition", id}, {"reason", render(why)}});
      });
}

void perform(self_pointer self, const core::ask_news&) {
  // Nobody would hear them.
  if (self->state.core->subscribers() == 0) return;
  for (const auto id : self->state.options.partitions)
    ask_for_news(self, id);
}

// ---- turns ----

void arm(self_pointer self) {
  self->state.timer.arm(self, now(self), self->state.core->next_wake());
}

void perform_all(self_pointer self, const core::effects& all) {
  for (const auto& one : all)
    std::visit([&](const auto& effect) { perform(self, effect); }, one);
  arm(self);
}

template <class Reply>
std::pair<core::request_id, caf::typed_response_promise<Reply>> open_request(self_pointer self) {
  const auto id = ++self->state.last_request;
  auto promise = self->make_response_promise<Reply>();
  self->state.requests.emplace(id, promise);
  return {id, promise};
}

caf::result<v1::EnqueueReply> take(self_pointer self, const v1::EnqueueUpdates& wish) {
  auto [id, promise] = open_request<v1::EnqueueReply>(self);
  self->state.arriving = &wish;
  perform_all(self, self->state.core->on_enqueue(now(self), id, queue::from_wire(wish)));
  self->state.arriving = nullptr;
  return promise;
}

std::unique_ptr<core> make_core(self_pointer self, message_queue_options& options) {
  std::vector<queue::spool_row> rows;
  for (auto& found : options.spool.rows) {
    const auto bytes = queue::bytes_of(found.what);
    rows.push_back({found.number, now(self) + found.left, bytes,
                    std::make_shared<const queue::enqueue>(std::move(found.what))});
    self->state.positions.emplace(found.number, found.position);
  }
  options.spool.rows = {};
  log::info("message_queue.started", {{"incarnation", options.incarnation}, {"rows", rows.size()}});
  return std::make_unique<core>(options.limits, options.self, options.incarnation, now(self),
                                options.spool.stored, std::move(rows));
}

}  // namespace

message_queue_shell::behavior_type message_queue(self_pointer self, message_queue_options options,
                                                 const wall_clock* clock) {
  auto& state = self->state;
  state.clock = clock;
  state.last_position = options.spool.last_position;
  state.core = make_core(self, options);
  state.options = std::move(options);
  arm(self);
  return {
      [self](const v1::EnqueueUpdates& wish) { return take(self, wish); },
      [self](const v1::Subscribe& wish) -> caf::result<v1::SubscribeReply> {
        auto [id, promise] = open_request<v1::SubscribeReply>(self);
        perform_all(self, self->state.core->on_subscribe(now(self), id, queue::from_wire(wish)));
        return promise;
      },
      [self](const v1::BatchAck& said) {
        perform_all(self, self->state.core->on_ack(now(self), queue::from_wire(said)));
      },
      [self](const log_stored& done) { on_stored(self, done.token); },
      [self](const log_refused& no) { on_refused(self, no.token); },
      [self](const queue_peer_lost& news) { self->state.core->on_peer_lost(news.node); },
      [self](const v1::GetQueueStatus&) {
        return queue_status(*self->state.core, self->state.options.incarnation, now(self));
      },
      [self](caf::tick_atom, std::int64_t armed_for) {
        if (!self->state.timer.fires(armed_for)) return;
        perform_all(self, self->state.core->on_timer(now(self)));
      },
  };
}

}  // namespace dunlin
