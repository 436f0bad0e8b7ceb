#include "actors/management/actions.hpp"
#include "actors/management/answer.hpp"
#include "messages/cache_types.hpp"

#include <utility>

namespace dunlin::iam {

namespace {

constexpr std::size_t description_bytes_max = 1000;

task<v1::PolicyRecord> put(call& at, std::string name, v1::PutPolicy::Must must) {
  v1::Command command;
  auto& put = *command.mutable_put_policy();
  put.set_name(name);
  put.set_document(policy_document(at));
  put.set_must(must);
  if (at.find("Description")) put.set_description(text(at, "Description", description_bytes_max));
  std::vector<cached_item_name> items;
  items.push_back({cached::policy, name});
  auto what = "policy " + name;
  const auto reply = co_await change(at, std::move(command), std::move(items), std::move(what));
  co_return reply.policy();
}

/// VersionId is that of the newest document.
void expect_version(const call& at, const v1::PolicyRecord& policy) {
  const auto wanted = text(at, "VersionId", 32);
  if (wanted != version_id(policy))
    throw error("NoSuchEntity", "Version " + wanted + " of policy " + policy.name() +
                                    " does not exist: only the newest is kept, " +
                                    version_id(policy));
}

bool is_listed(const v1::PolicyRecord& policy, bool only_attached) {
  return !only_attached || policy.attachments() > 0;
}

}  // namespace

task<void> create_policy(call& at) {
  expect_no_path(at);
  auto name = policy_name(at);
  const auto made = co_await put(at, std::move(name), v1::PutPolicy::CREATE);
  at.xml.open("Policy");
  write_policy(at.xml, made);
  at.xml.close();
}

task<void> get_policy(call& at) {
  auto name = policy_of_arn(at);
  const auto found = co_await get_policy(at, std::string(), std::move(name));
  at.xml.open("Policy");
  write_policy(at.xml, found);
  at.xml.close();
}

task<void> list_policies(call& at) {
  const auto wanted = read_page(at);
  const auto* scope = at.find("Scope");
  const auto* usage = at.find("PolicyUsageFilter");
  const bool only_attached = flag(at, "OnlyAttached");
  const bool none = (scope && *scope == "AWS") || (usage && *usage == "PermissionsBoundary") ||
                    !wants_all_paths(at);
  v1::PartitionQuery query;
  query.mutable_list_policies()->set_after(wanted.after);
  query.mutable_list_policies()->set_items_max(wanted.items_max);
  auto root = s3::to_root();
  const auto reply = co_await s3::ask(at.c, std::move(root), std::move(query));
  s3::expect_ok(reply.status());
  at.xml.open("Policies");
  for (const auto& policy : reply.policies()) {
    if (none || !is_listed(policy, only_attached)) continue;
    at.xml.open("member");
    write_policy(at.xml, policy);
    at.xml.close();
  }
  at.xml.close();
  write_page(at, !none && reply.truncated(), reply.next_after());
}

task<void> delete_policy(call& at) {
  const auto name = policy_of_arn(at);
  v1::Command command;
  command.mutable_delete_policy()->set_name(name);
  std::vector<cached_item_name> items;
  items.push_back({cached::policy, name});
  auto what = "delete policy " + name;
  co_await change(at, std::move(command), std::move(items), std::move(what));
}

task<void> create_policy_version(call& at) {
  auto name = policy_of_arn(at);
  if (!flag(at, "SetAsDefault"))
    throw error("InvalidInput",
                "A policy keeps its newest document only: send SetAsDefault=true "
                "(--set-as-default)");
  const auto made = co_await put(at, std::move(name), v1::PutPolicy::REPLACE);
  at.xml.open("PolicyVersion");
  write_version(at.xml, made, false);
  at.xml.close();
}

task<void> get_policy_version(call& at) {
  auto name = policy_of_arn(at);
  const auto found = co_await get_policy(at, std::string(), std::move(name));
  expect_version(at, found);
  at.xml.open("PolicyVersion");
  write_version(at.xml, found, true);
  at.xml.close();
}

task<void> list_policy_versions(call& at) {
  auto name = policy_of_arn(at);
  const auto found = co_await get_policy(at, std::string(), std::move(name));
  std::vector<std::string> one(1, version_id(found));
  write_names(at, one, "Versions", [&](const std::string&) {
    at.xml.open("member");
    write_version(at.xml, found, false);
    at.xml.close();
  });
}

}  // namespace dunlin::iam
