#include "actors/management/call.hpp"

#include "messages/cache_types.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/observe/planted.hpp"
#include "runtime/policy/arn.hpp"
#include "runtime/policy/read_document.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::iam {

namespace {

using status = v1::CommandReply;

failure missing(std::string_view name) {
  return error("MissingParameter", "The request must contain the parameter " + std::string(name));
}

failure invalid(std::string_view name, const std::string& why) {
  return error("ValidationError", "The value of " + std::string(name) + " " + why);
}

failure no_such(std::string_view kind, const std::string& name) {
  return error("NoSuchEntity",
               "The " + std::string(kind) + " with name " + name + " cannot be found.");
}

std::string checked_name(const call& at, std::string_view parameter, std::size_t bytes_max) {
  auto name = text(at, parameter, bytes_max);
  if (!policy::valid_name(name, bytes_max))
    throw invalid(parameter, "must be 1 to " + std::to_string(bytes_max) +
                                 " letters, digits and characters of _+=,.@-");
  return name;
}

task<v1::QueryReply> ask_root(call& at, v1::PartitionQuery query) {
  auto root = s3::to_root();
  auto reply = co_await s3::ask(at.c, std::move(root), std::move(query));
  co_return reply;
}

failure unknown_outcome(const std::string& what) {
  return error("ServiceFailure", "It is not known whether this has happened: " + what +
                                     ". Look before you ask again.");
}

failure refusal_of(status::Status code, const std::string& what) {
  switch (code) {
    case status::NO_SUCH_KEY:
      return error("NoSuchEntity", "Something that is named here cannot be found: " + what + ".");
    case status::ALREADY_EXISTS:
      return error("EntityAlreadyExists", "Exists already: " + what + ".");
    case status::IN_USE:
      return error("DeleteConflict",
                   "Something still depends on it (of a user its keys, policies and buckets; of a "
                   "policy the users that have it; of the root user its last active key): " +
                       what + ".");
    case status::TOO_MANY_OPEN: return error("LimitExceeded", "There are too many: " + what + ".");
    case status::INVALID:
      return error("InvalidInput", "The cluster does not take this: " + what + ".");
    case status::UNKNOWN_CLIENT: return unknown_outcome(what);
    default: return to_iam(s3::error_of(code));
  }
}

}  // namespace

const std::string* call::find(std::string_view name) const {
  for (const auto& [given, value] : parameters)
    if (given == name) return &value;
  return nullptr;
}

std::string text(const call& at, std::string_view name, std::size_t bytes_max) {
  const auto* given = at.find(name);
  if (!given) throw missing(name);
  if (given->size() > bytes_max)
    throw invalid(name, "must not be longer than " + std::to_string(bytes_max) + " bytes");
  return *given;
}

bool flag(const call& at, std::string_view name) {
  const auto* given = at.find(name);
  if (given && *given != "true" && *given != "false") throw invalid(name, "must be true or false");
  return given && *given == "true";
}

std::string user_name(const call& at, bool or_self) {
  if (or_self && !at.find("UserName")) return at.c.user;
  return checked_name(at, "UserName", user_name_bytes_max);
}

std::string policy_name(const call& at) {
  return checked_name(at, "PolicyName", policy_name_bytes_max);
}

std::string policy_of_arn(const call& at) {
  const auto arn = text(at, "PolicyArn", 2048);
  std::string name(policy::policy_of_arn(arn));
  if (!policy::valid_name(name, policy_name_bytes_max))
    throw error("NoSuchEntity", "Policy " + arn + " does not exist; ARNs of policies are " +
                                    policy::policy_arn("NAME"));
  return name;
}

std::string policy_document(const call& at) {
  auto document = text(at, "PolicyDocument", 128 * 1024);
  if (auto got = policy::read_user_document(document); !got.read)
    throw error("MalformedPolicyDocument", got.mistake);
  return document;
}

void expect_no_path(const call& at) {
  const auto* path = at.find("Path");
  if (path && *path != "/") throw invalid("Path", "must be /: there are no others");
}

bool wants_all_paths(const call& at, std::string_view name) {
  const auto* prefix = at.find(name);
  return !prefix || *prefix == "/";
}

page read_page(const call& at) {
  page out;
  if (const auto* given = at.find("MaxItems")) {
    const auto number = s3::parse_number(*given, 1000);
    if (!number || *number == 0) throw invalid("MaxItems", "must be 1 to 1000");
    out.items_max = static_cast<std::uint32_t>(*number);
  }
  if (const auto* given = at.find("Marker")) {
    const auto after = crypto::from_hex(*given);
    if (!after) throw invalid("Marker", "must be that of an answer before");
    out.after = *after;
  }
  return out;
}

// What it continues after may hold bytes that XML cannot say.
void write_page(call& at, bool truncated, const std::string& next_after) {
  at.xml.boolean("IsTruncated", truncated);
  if (truncated) at.xml.text("Marker", crypto::hex(next_after));
}

task<v1::QueryReply> get_user(call& at, std::string name) {
  v1::PartitionQuery query;
  query.mutable_get_user()->set_name(name);
  auto reply = co_await ask_root(at, std::move(query));
  if (reply.status() == status::NO_SUCH_KEY) throw no_such("user", name);
  s3::expect_ok(reply.status());
  co_return reply;
}

task<v1::PolicyRecord> get_policy(call& at, std::string user, std::string name) {
  v1::PartitionQuery query;
  query.mutable_get_policy()->set_user(user);
  query.mutable_get_policy()->set_name(name);
  auto reply = co_await ask_root(at, std::move(query));
  if (reply.status() == status::NO_SUCH_KEY) throw no_such("policy", name);
  s3::expect_ok(reply.status());
  if (reply.policies().empty()) throw error("ServiceFailure", "The policy was not read.");
  co_return reply.policies(0);
}

task<v1::QueryReply> user_to_change(call& at, std::string name) {
  auto found = co_await get_user(at, std::move(name));
  if (found.user().root() && !at.c.root_user)
    throw error("AccessDenied", "Only the root user changes the root user.");
  co_return found;
}

std::vector<cached_item_name> keys_of(const v1::QueryReply& user) {
  std::vector<cached_item_name> out;
  for (const auto& key : user.access_keys())
    out.push_back({cached::user, key.access_key()});
  return out;
}

task<v1::CommandReply> change(call& at, v1::Command command, std::vector<cached_item_name> items,
                              std::string what) {
  auto root = s3::to_root();
  auto reply = co_await at.c.world.execute(std::move(root), std::move(command));
  // A cache that does not answer takes nothing from the change itself: it hears of it from a queue.
  for (const auto& item : items) {
    if (planted(bug::own_node_not_told)) break;
    cache_written forgotten;
    forgotten.key = item.key;
    co_await at.c.world.end_write(item.type, std::move(forgotten));
  }
  if (!reply && s3::surely_not_run(reply.error())) throw to_iam(s3::error_of(reply.error()));
  if (!reply) throw unknown_outcome(what);
  if (reply->status() != status::OK) throw refusal_of(reply->status(), what);
  co_return std::move(*reply);
}

}  // namespace dunlin::iam
