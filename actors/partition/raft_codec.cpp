#include "actors/partition/raft_codec.hpp"

namespace dunlin::raft {

// On the wire zero means "not given", so both enums of a message are one apart.
static constexpr int kind_offset = 1;
static_assert(static_cast<int>(message_kind::append) + kind_offset == v1::RaftMessage::APPEND);
static_assert(static_cast<int>(message_kind::timeout_now) + kind_offset ==
              v1::RaftMessage::TIMEOUT_NOW);
static_assert(static_cast<int>(message_kind::snapshot_reply) + kind_offset ==
              v1::RaftMessage::SNAPSHOT_REPLY);
static_assert(static_cast<int>(entry_kind::noop) == v1::RaftEntry::NOOP);
static_assert(static_cast<int>(entry_kind::configuration) == v1::RaftEntry::CONFIGURATION);

static void encode(const snapshot& from, v1::RaftSnapshot& to) {
  to.set_index(from.at.index);
  to.set_term(from.at.term);
  for (const auto& voter : from.voters)
    to.add_voters(voter);
  to.set_tick(from.tick);
  to.set_bytes(from.bytes);
  to.set_hash(from.hash);
  to.set_identity(from.identity);
}

static snapshot_ptr decode(const v1::RaftSnapshot& from) {
  auto to = std::make_shared<snapshot>();
  to->at = {from.term(), from.index()};
  to->voters.assign(from.voters().begin(), from.voters().end());
  to->tick = from.tick();
  to->bytes = from.bytes();
  to->hash = from.hash();
  to->identity = from.identity();
  return to;
}

v1::RaftMessage encode(const message& from, partition_id partition) {
  v1::RaftMessage to;
  to.set_partition(partition);
  to.set_kind(static_cast<v1::RaftMessage::Kind>(static_cast<int>(from.kind) + kind_offset));
  to.set_from(from.from);
  to.set_to(from.to);
  to.set_term(from.term);
  to.set_log_index(from.log_index);
  to.set_log_term(from.log_term);
  to.set_commit(from.commit);
  to.set_reject(from.reject);
  to.set_reject_hint(from.reject_hint);
  to.set_reject_hint_term(from.reject_hint_term);
  to.set_read_context(from.read_context);
  to.set_transfer(from.transfer);
  to.set_settled(from.settled);
  if (from.snapshot) encode(*from.snapshot, *to.mutable_snapshot());
  to.mutable_entries()->Reserve(static_cast<int>(from.entries.size()));
  for (const auto& e : from.entries) {
    auto& entry = *to.add_entries();
    entry.set_term(e.term);
    entry.set_index(e.index);
    entry.set_kind(static_cast<v1::RaftEntry::Kind>(e.kind));
    if (e.data) entry.set_data(*e.data);
  }
  return to;
}

std::optional<message> decode(const v1::RaftMessage& from) {
  if (from.kind() < v1::RaftMessage::APPEND || from.kind() > v1::RaftMessage::SNAPSHOT_REPLY)
    return std::nullopt;
  message to;
  to.kind = static_cast<message_kind>(from.kind() - kind_offset);
  to.from = from.from();
  to.to = from.to();
  to.term = from.term();
  to.log_index = from.log_index();
  to.log_term = from.log_term();
  to.commit = from.commit();
  to.reject = from.reject();
  to.reject_hint = from.reject_hint();
  to.reject_hint_term = from.reject_hint_term();
  to.read_context = from.read_context();
  to.transfer = from.transfer();
  to.settled = from.settled();
  if (from.has_snapshot()) to.snapshot = decode(from.snapshot());
  to.entries.reserve(static_cast<std::size_t>(from.entries_size()));
  for (const auto& e : from.entries()) {
    if (!v1::RaftEntry::Kind_IsValid(e.kind())) return std::nullopt;
    const auto kind = static_cast<entry_kind>(e.kind());
    buffer data;
    if (kind != entry_kind::noop) data = std::make_shared<const std::string>(e.data());
    to.entries.push_back({e.term(), e.index(), kind, std::move(data)});
  }
  return to;
}

}  // namespace dunlin::raft
