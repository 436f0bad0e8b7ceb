// How a replica that leads offers its outbox to the announcer, in pieces no larger than it has room
// for (decision 13, docs/decisions/0011).
#include "actors/partition/replica_turns.hpp"
#include "messages/cache_types.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

static v1::TypeUpdates updates_of(partition_id id, const std::string& type, std::uint64_t first,
                                  std::uint64_t last) {
  v1::TypeUpdates made;
  made.set_type(type);
  made.set_partition(id);
  auto& run = *made.add_covered();
  run.set_first(first);
  run.set_last(last);
  return made;
}

static bool is_told(const announcing_options& how, const std::string& type) {
  return how.types.empty() || how.types.contains(type);
}

/// Rows were dropped: of each of their types anything may have changed.
static outbox_rows::row dropped(partition_id id, const announcing_options& how,
                                const v1::OutboxRecord& from) {
  outbox_rows::row made{from.tick(), {}};
  for (const auto& one : from.dropped_through()) {
    if (!is_told(how, one.type())) continue;
    made.changes.push_back(updates_of(id, one.type(), 1, one.ordinal()));
    auto& all = *made.changes.back().add_updates();
    all.set_tick(from.tick());
    all.set_whole(true);
  }
  return made;
}

/// `now` may be newer than the row, and that is as well: whoever takes it has also what the later
/// row will say.
static void carry(const partition_machine::item_now& now, v1::CacheUpdate& update) {
  update.set_tick(std::max(update.tick(), now.tick));
  if (now.record)
    update.set_value(now.record->SerializeAsString());
  else
    update.set_removed(true);
}

static outbox_rows::row row_of(const partition_machine& machine, const announcing_options& how,
                               const v1::OutboxRecord& from) {
  if (from.type() == cached::dropped_rows) return dropped(machine.id(), how, from);
  outbox_rows::row made{from.tick(), {}};
  // Of a release before ordinals: nobody who can listen has been told anything older.
  if (from.ordinal() == 0 || !is_told(how, from.type())) return made;
  made.changes.push_back(updates_of(machine.id(), from.type(), from.ordinal(), from.ordinal()));
  auto& update = *made.changes.back().add_updates();
  update.set_tick(from.tick());
  update.set_key(from.key());
  if (how.carried.contains(from.type()))
    if (const auto now = machine.current(from.type(), from.key())) carry(*now, update);
  return made;
}

// Followers too: who leads next knows how old the changes are.
void replica_turns::remember_changes() {
  changes_.forget(now_us());
  if (options_.announcing.queues.empty()) return;  // nobody is told, so nobody is measured
  machine_->on_announced([this](std::uint64_t tick, std::string_view type, std::string_view key) {
    const auto& types = options_.announcing.types;
    if (types.empty() || types.contains(type)) changes_.note(now_us(), type, key, tick);
  });
}

v1::QueryReply replica_turns::change_age(const v1::GetChangeAge& of) const {
  v1::QueryReply reply;
  reply.set_partition(options_.id);
  reply.set_tick(machine_->tick());
  reply.set_leader_time_ms(machine_->leader_time_ms());
  if (options_.announcing.queues.empty()) {
    reply.set_status(v1::CommandReply::INVALID);
    return reply;
  }
  const auto found = changes_.age_of(now_us(), of.type(), of.key(), of.known_tick());
  auto& age = *reply.mutable_change_age();
  age.set_newest_tick(found.newest_tick);
  age.set_next_tick(found.next_tick);
  age.set_age_us(static_cast<std::uint64_t>(found.since_next.count()));
  age.set_remembers_us(static_cast<std::uint64_t>(found.remembers.count()));
  return reply;
}

void replica_turns::start_announcing() {
  if (options_.announcing.queues.empty()) return;
  announcer_options options;
  options.self = options_.self;
  options.partition = options_.id;
  options.term = led_term_;
  options.replica = self_;
  options.leader = leader_;
  options.random = options_.random;
  options.how = options_.announcing;
  announcer_ = self_->spawn<caf::linked>(announcer, std::move(options));
  offered_through_ = machine_->announced_through();
  offer_room_ = options_.announcing.limits.rows_max;
}

void replica_turns::stop_announcing() {
  if (announcer_) self_->send(std::exchange(announcer_, nullptr), leadership_lost{});
  show_outbox(0);
}

void replica_turns::show_outbox(std::uint64_t rows) {
  const auto& counts = options_.announcing.counts;
  if (!counts || rows == outbox_shown_) return;
  outbox_shown_ = rows;
  if (!outbox_rows_)
    outbox_rows_ = &counts->gauge("dunlin_announcer_outbox_rows",
                                  "Changes that the partition keeps for queues",
                                  {{"partition", std::to_string(options_.id)}});
  outbox_rows_->set(static_cast<double>(rows));
}

// What is applied is committed, so rows may go out even if the term has just ended.
void replica_turns::offer_rows() {
  if (announcer_ && machine_) show_outbox(machine_->outbox_rows());
  if (!announcer_ || !machine_ || offered_through_ == machine_->tick()) return;
  const auto fresh = machine_->outbox(offered_through_, offer_room_);
  // No row ever appears at or below the tick that was reached.
  const auto all = fresh.size() < offer_room_;
  offered_through_ = all ? machine_->tick() : offered_through_;
  if (fresh.empty()) return;
  outbox_rows offer;
  for (const auto& one : fresh)
    offer.rows.push_back(row_of(*machine_, options_.announcing, one));
  offer_room_ -= fresh.size();
  offered_through_ = std::max(offered_through_, fresh.back().tick());
  self_->send(announcer_, std::move(offer));
}

void replica_turns::on_announced(const rows_announced& done) try {
  if (!announcer_ || done.term != led_term_) return;
  offer_room_ += done.rows;
  offer_rows();
} catch (const store_error& error) {
  stop("announce", error.code(), error.what());
}

}  // namespace dunlin
