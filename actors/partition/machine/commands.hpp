/// COMMANDS AND QUERIES: one file per family; partition_machine.cpp dispatches here. Each checks
/// first and writes after, so that a refused command leaves nothing behind.
#pragma once

#include "actors/partition/machine/context.hpp"
#include "messages/dunlin/v1/partition.pb.h"

#include <functional>

namespace dunlin::machine {

// objects.cpp
v1::CommandReply apply(context& at, const v1::PutObject& command);
v1::CommandReply apply(context& at, const v1::DeleteObjects& command);
status::Status answer(const context& at, const v1::GetObject& query, v1::QueryReply& reply);

/// The version of an object that reads see, with its row.
struct current_object {
  std::string row;
  v1::ObjectRecord record;
};
std::optional<current_object> find_object(const context& at, std::string_view bucket_id,
                                          std::string_view key);

/// OK, NO_SUCH_KEY, PRECONDITION_FAILED or INVALID.
status::Status check(const v1::Precondition& wish, const std::optional<current_object>& current);

/// Moves the pages of a version that goes to garbage and takes its rows away.
void remove_object(context& at, std::string_view bucket_id, std::string_view key,
                   const current_object& old);

/// Stores `record` as the version that reads see, at a new tick, and announces it. Answers with it.
v1::CommandReply store_object(context& at, std::string_view bucket_id, std::string_view key,
                              v1::ObjectRecord record);

/// OK, at the tick of the record that the key holds.
v1::CommandReply reply_with(v1::ObjectRecord stored);

// uploads.cpp
v1::CommandReply apply(context& at, const v1::CreateUpload& command);
v1::CommandReply apply(context& at, const v1::PutPart& command);
v1::CommandReply apply(context& at, const v1::AbortUpload& command);
status::Status answer(const context& at, const v1::GetUpload& query, v1::QueryReply& reply);
status::Status answer(const context& at, const v1::ListParts& query, v1::QueryReply& reply);

/// Buries the parts of an upload except those that `keep` wants.
using part_filter = std::function<bool(std::uint32_t number)>;
void bury_parts(context& at, const v1::Item& upload, const part_filter& keep);

/// Counts part rows, but no further than `enough`.
std::uint64_t count_parts(const context& at, std::string_view upload_row, std::uint64_t enough);

/// Puts the runs of its parts into a multipart object's layout, if they are few: whoever holds the
/// record can read the object and need not ask for its parts. What is stored has none.
void lay_out_parts(const context& at, std::string_view bucket_id, std::string_view key,
                   v1::ObjectRecord& object);

// complete.cpp
v1::CommandReply apply(context& at, const v1::CompleteUpload& command);

// seals.cpp
v1::CommandReply apply(context& at, const v1::SealBucket& command);

// garbage.cpp
v1::CommandReply apply(context& at, const v1::FencePages& command);
v1::CommandReply apply(context& at, const v1::ForgetGarbage& command);
status::Status answer(const context& at, const v1::ListGarbage& query, v1::QueryReply& reply);

/// Whether a page of the layout was fenced for this item.
bool fenced(const context& at, const v1::Item& item, const v1::Layout& layout);

// root.cpp
v1::CommandReply apply(context& at, const v1::SeedCluster& command);
v1::CommandReply apply(context& at, const v1::SetBalance& command);
v1::CommandReply apply(context& at, const v1::CreateBucket& command);
v1::CommandReply apply(context& at, const v1::BeginDeleteBucket& command);
v1::CommandReply apply(context& at, const v1::EndDeleteBucket& command);
v1::CommandReply apply(context& at, const v1::PutBucketPolicy& command);
status::Status answer(const context& at, const v1::GetBucket& query, v1::QueryReply& reply);
status::Status answer(const context& at, const v1::ListBuckets& query, v1::QueryReply& reply);
status::Status answer(const context& at, const v1::GetAccessKey& query, v1::QueryReply& reply);
status::Status answer(const context& at, const v1::GetClusterMap& query, v1::QueryReply& reply);

std::optional<v1::BucketRecord> find_bucket(const context& at, std::string_view name);
/// The key and its user, which may be absent.
std::optional<v1::CachedUser> find_user(const context& at, std::string_view access_key);
std::optional<v1::ClusterMap> find_cluster_map(const context& at);

// users.cpp
v1::CommandReply apply(context& at, const v1::CreateUser& command);
v1::CommandReply apply(context& at, const v1::DeleteUser& command);
v1::CommandReply apply(context& at, const v1::CreateAccessKey& command);
v1::CommandReply apply(context& at, const v1::SetAccessKey& command);
v1::CommandReply apply(context& at, const v1::DeleteAccessKey& command);
status::Status answer(const context& at, const v1::GetUser& query, v1::QueryReply& reply);
status::Status answer(const context& at, const v1::ListUsers& query, v1::QueryReply& reply);

std::optional<v1::UserRecord> find_user_named(const context& at, std::string_view name);
/// Stores a user that was changed, or whose keys were, at a new tick, which it answers; gives each
/// of its access keys a greater one and announces it (messages/cache_types.hpp).
std::uint64_t store_user(context& at, v1::UserRecord& user);

// policies.cpp
v1::CommandReply apply(context& at, const v1::PutPolicy& command);
v1::CommandReply apply(context& at, const v1::DeletePolicy& command);
v1::CommandReply apply(context& at, const v1::AttachPolicy& command);
status::Status answer(const context& at, const v1::GetPolicy& query, v1::QueryReply& reply);
status::Status answer(const context& at, const v1::ListPolicies& query, v1::QueryReply& reply);

/// By the key under which caches hold it.
std::optional<v1::PolicyRecord> find_policy(const context& at, std::string_view key);

// replies.cpp
/// Adds to the answer of a command on buckets, users and policies what there is of them now, and to
/// that of a repeated write of an object the object, if it is still the one that was written. An
/// answer that is kept for retries is status and tick alone.
void attach_records(const context& at, const v1::Command& command, v1::CommandReply& reply);

// announcements.cpp
status::Status answer(const context& at, const v1::GetNews& query, v1::QueryReply& reply);

// listing.cpp
status::Status answer(const context& at, const v1::ListObjects& query, v1::QueryReply& reply);
status::Status answer(const context& at, const v1::ListUploads& query, v1::QueryReply& reply);

// clients.cpp
v1::CommandReply apply(context& at, const v1::ExpireClients& command);
v1::CommandReply open_client(context& at, const v1::ClientStamp& stamp);

/// What is known of a stamped command before it may run.
struct admission {
  bool run = false;
  v1::CommandReply answer;  ///< if it may not
};
admission admit(context& at, const v1::ClientStamp& stamp);

/// Keeps the answer of a command that was admitted.
void keep_answer(context& at, const v1::ClientStamp& stamp, const v1::CommandReply& reply);

inline v1::Item item_of(std::string_view bucket_id, std::string_view key,
                        std::string_view upload_id = {}) {
  v1::Item item;
  item.set_bucket_id(std::string(bucket_id));
  item.set_key(std::string(key));
  item.set_upload_id(std::string(upload_id));
  return item;
}

}  // namespace dunlin::machine
