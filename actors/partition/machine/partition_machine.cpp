#include "actors/partition/machine/partition_machine.hpp"

#include "actors/partition/machine/commands.hpp"
#include "runtime/observe/planted.hpp"

#include <algorithm>

namespace dunlin {

using namespace machine;

static constexpr std::string_view state_key = "state";

partition_machine::partition_machine(kv_store& store, partition_id id, std::uint64_t first_hash,
                                     std::uint64_t last_hash)
    : context_(new context{store, first_hash, last_hash}) {
  if (const auto held = context_->get<v1::PartitionState>(table::meta, state_key)) {
    context_->state = *held;
    if (held->partition() != id)
      throw store_error(ec::invalid_argument, "the store belongs to another partition");
  }
  if (planted(bug::tick_goes_back)) context_->state.set_tick(context_->state.tick() / 64 * 64);
  context_->state.set_partition(id);
}

v1::PartitionState stored_state(kv_store& store) {
  v1::PartitionState state;
  if (const auto held = store.get(table::meta, state_key); held && !state.ParseFromString(*held))
    throw store_error(ec::damaged, "the state of a partition cannot be read");
  return state;
}

partition_machine::~partition_machine() = default;

static v1::CommandReply dispatch(context& at, const v1::Command& command) {
  switch (command.body_case()) {
    case v1::Command::kExpireClients: return apply(at, command.expire_clients());
    case v1::Command::kSeedCluster: return apply(at, command.seed_cluster());
    case v1::Command::kSetBalance: return apply(at, command.set_balance());
    case v1::Command::kCreateBucket: return apply(at, command.create_bucket());
    case v1::Command::kBeginDeleteBucket: return apply(at, command.begin_delete_bucket());
    case v1::Command::kEndDeleteBucket: return apply(at, command.end_delete_bucket());
    case v1::Command::kPutObject: return apply(at, command.put_object());
    case v1::Command::kDeleteObjects: return apply(at, command.delete_objects());
    case v1::Command::kCreateUpload: return apply(at, command.create_upload());
    case v1::Command::kPutPart: return apply(at, command.put_part());
    case v1::Command::kCompleteUpload: return apply(at, command.complete_upload());
    case v1::Command::kAbortUpload: return apply(at, command.abort_upload());
    case v1::Command::kSealBucket: return apply(at, command.seal_bucket());
    case v1::Command::kFencePages: return apply(at, command.fence_pages());
    case v1::Command::kForgetGarbage: return apply(at, command.forget_garbage());
    case v1::Command::kOpenClient: return open_client(at, command.client());
    case v1::Command::kPutBucketPolicy: return apply(at, command.put_bucket_policy());
    case v1::Command::kCreateUser: return apply(at, command.create_user());
    case v1::Command::kDeleteUser: return apply(at, command.delete_user());
    case v1::Command::kCreateAccessKey: return apply(at, command.create_access_key());
    case v1::Command::kSetAccessKey: return apply(at, command.set_access_key());
    case v1::Command::kDeleteAccessKey: return apply(at, command.delete_access_key());
    case v1::Command::kPutPolicy: return apply(at, command.put_policy());
    case v1::Command::kDeletePolicy: return apply(at, command.delete_policy());
    case v1::Command::kAttachPolicy: return apply(at, command.attach_policy());
    case v1::Command::BODY_NOT_SET: break;
  }
  return reply(status::INVALID);  // also what a newer release says and this one does not know
}

static v1::CommandReply run(context& at, const v1::Command& command) {
  if (!command.has_client() || command.has_open_client()) return dispatch(at, command);
  const auto admitted = admit(at, command.client());
  if (!admitted.run) return admitted.answer;
  auto answer = dispatch(at, command);
  keep_answer(at, command.client(), answer);
  return answer;
}

void partition_machine::apply(std::uint64_t index, std::uint64_t term,
                              const v1::CommandBatch& batch,
                              std::vector<v1::CommandReply>& replies) {
  replies.clear();
  auto& at = *context_;
  if (index <= applied()) return;
  at.state.set_leader_time_ms(std::max(at.state.leader_time_ms(), batch.leader_time_ms()));
  at.trim_outbox(batch.announced_through());
  replies.reserve(static_cast<std::size_t>(batch.commands_size()));
  for (const auto& command : batch.commands()) {
    replies.push_back(run(at, command));
    attach_records(at, command, replies.back());
    // Every reply carries a tick (decision 12): of the change, else the newest.
    if (replies.back().tick() == 0) replies.back().set_tick(at.state.tick());
    replies.back().set_partition(id());
  }
  skip(index, term);
}

void partition_machine::skip(std::uint64_t index, std::uint64_t term) {
  if (index <= applied()) return;
  context_->state.set_applied_index(index);
  context_->state.set_applied_term(term);
  context_->put(table::meta, state_key, context_->state);
}

static status::Status dispatch(const context& at, const v1::PartitionQuery& query,
                               v1::QueryReply& reply) {
  switch (query.body_case()) {
    case v1::PartitionQuery::kGetObject: return answer(at, query.get_object(), reply);
    case v1::PartitionQuery::kListObjects: return answer(at, query.list_objects(), reply);
    case v1::PartitionQuery::kGetUpload: return answer(at, query.get_upload(), reply);
    case v1::PartitionQuery::kListUploads: return answer(at, query.list_uploads(), reply);
    case v1::PartitionQuery::kListParts: return answer(at, query.list_parts(), reply);
    case v1::PartitionQuery::kListGarbage: return answer(at, query.list_garbage(), reply);
    case v1::PartitionQuery::kGetBucket: return answer(at, query.get_bucket(), reply);
    case v1::PartitionQuery::kListBuckets: return answer(at, query.list_buckets(), reply);
    case v1::PartitionQuery::kGetAccessKey: return answer(at, query.get_access_key(), reply);
    case v1::PartitionQuery::kGetClusterMap: return answer(at, query.get_cluster_map(), reply);
    case v1::PartitionQuery::kGetNews: return answer(at, query.get_news(), reply);
    case v1::PartitionQuery::kGetUser: return answer(at, query.get_user(), reply);
    case v1::PartitionQuery::kListUsers: return answer(at, query.list_users(), reply);
    case v1::PartitionQuery::kGetPolicy: return answer(at, query.get_policy(), reply);
    case v1::PartitionQuery::kListPolicies: return answer(at, query.list_policies(), reply);
    case v1::PartitionQuery::kGetChangeAge: break;
    case v1::PartitionQuery::BODY_NOT_SET: break;
  }
  return status::INVALID;
}

v1::QueryReply partition_machine::answer(const v1::PartitionQuery& query) const {
  v1::QueryReply reply;
  reply.set_status(dispatch(*context_, query, reply));
  reply.set_partition(id());
  reply.set_tick(tick());
  reply.set_leader_time_ms(leader_time_ms());
  return reply;
}

std::uint64_t partition_machine::applied() const { return context_->state.applied_index(); }
std::uint64_t partition_machine::applied_term() const { return context_->state.applied_term(); }
std::uint64_t partition_machine::tick() const { return context_->state.tick(); }
std::uint64_t partition_machine::announced_through() const {
  return context_->state.announced_through();
}
std::int64_t partition_machine::leader_time_ms() const { return context_->state.leader_time_ms(); }
partition_id partition_machine::id() const { return context_->state.partition(); }
std::uint64_t partition_machine::first_hash() const { return context_->first_hash; }
std::uint64_t partition_machine::last_hash() const { return context_->last_hash; }

}  // namespace dunlin
