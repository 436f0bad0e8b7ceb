#include "actors/message_queue/queue_wire.hpp"

namespace dunlin::queue {

namespace {

template <class Runs>
std::vector<ordinal_run> runs_of(const Runs& from) {
  std::vector<ordinal_run> out;
  out.reserve(static_cast<std::size_t>(from.size()));
  for (const auto& run : from)
    out.push_back({run.first(), run.last()});
  return out;
}

type_updates from_wire(const v1::TypeUpdates& message) {
  type_updates out{message.type(), message.partition(), runs_of(message.covered()), {}};
  out.updates.reserve(static_cast<std::size_t>(message.updates_size()));
  for (const auto& one : message.updates())
    out.updates.push_back({one.tick(), one.key(), one.whole(),
                           std::make_shared<const std::string>(one.SerializeAsString())});
  return out;
}

}  // namespace

enqueue from_wire(const v1::EnqueueUpdates& message) {
  enqueue out;
  for (const auto& one : message.changes())
    out.changes.push_back(from_wire(one));
  out.time_to_live = time{message.time_to_live_ms()};
  return out;
}

subscription from_wire(const v1::Subscribe& message) {
  return {{message.node(), message.service()},
          message.incarnation(),
          {message.types().begin(), message.types().end()},
          message.queue_incarnation(),
          message.received_through()};
}

acknowledgement from_wire(const v1::BatchAck& message) {
  return {{message.node(), message.service()}, message.incarnation(),
          message.queue_incarnation(),         message.received_through(),
          runs_of(message.beyond()),           message.stamp()};
}

partition_news from_wire(const v1::PartitionNews& message) {
  partition_news out{message.partition(), message.tick(), {}};
  for (const auto& one : message.last())
    out.last.emplace_back(one.type(), one.ordinal());
  return out;
}

}  // namespace dunlin::queue
