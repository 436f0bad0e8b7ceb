#include "actors/management/actions.hpp"
#include "actors/s3_gateway/target.hpp"
#include "messages/cache_types.hpp"
#include "runtime/policy/arn.hpp"

#include <utility>

namespace dunlin::iam {

namespace {

/// A user whose policies are about to change.
task<v1::QueryReply> user_with_policies(call& at, std::string name) {
  auto found = co_await user_to_change(at, std::move(name));
  if (found.user().root())
    throw error("UnmodifiableEntity", "The root user may do everything: it has no policies.");
  co_return found;
}

task<void> attach(call& at, bool detach) {
  const auto name = user_name(at);
  const auto policy = policy_of_arn(at);
  const auto user = co_await user_with_policies(at, name);
  v1::Command command;
  auto& attach = *command.mutable_attach_policy();
  attach.set_user(name);
  attach.set_policy(policy);
  attach.set_detach(detach);
  auto items = keys_of(user);
  // How many have it is in the policy, too.
  items.push_back({cached::policy, policy});
  auto what = std::string(detach ? "detach" : "attach") + " policy " + policy +
              (detach ? " from user " : " to user ") + name;
  co_await change(at, std::move(command), std::move(items), std::move(what));
}

std::vector<cached_item_name> items_of(const v1::QueryReply& user, const std::string& policy) {
  auto items = keys_of(user);
  items.push_back({cached::policy, user.user().name() + "/" + policy});
  return items;
}

}  // namespace

task<void> attach_user_policy(call& at) { co_await attach(at, false); }
task<void> detach_user_policy(call& at) { co_await attach(at, true); }

task<void> list_attached_user_policies(call& at) {
  auto name = user_name(at);
  const auto found = co_await get_user(at, std::move(name));
  std::vector<std::string> names;
  if (wants_all_paths(at))
    names.assign(found.user().attached().begin(), found.user().attached().end());
  write_names(at, names, "AttachedPolicies", [&](const std::string& policy) {
    at.xml.open("member");
    at.xml.text("PolicyName", policy);
    at.xml.text("PolicyArn", policy::policy_arn(policy));
    at.xml.close();
  });
}

task<void> put_user_policy(call& at) {
  const auto name = user_name(at);
  const auto policy = policy_name(at);
  v1::Command command;
  auto& put = *command.mutable_put_policy();
  put.set_user(name);
  put.set_name(policy);
  put.set_document(policy_document(at));
  const auto user = co_await user_with_policies(at, name);
  auto items = items_of(user, policy);
  auto what = "policy " + policy + " of user " + name;
  co_await change(at, std::move(command), std::move(items), std::move(what));
}

task<void> get_user_policy(call& at) {
  auto name = user_name(at);
  auto policy = policy_name(at);
  co_await get_user(at, name);
  const auto found = co_await get_policy(at, name, policy);
  at.xml.text("UserName", name);
  at.xml.text("PolicyName", policy);
  at.xml.text("PolicyDocument", s3::percent_encode(found.document(), false));
}

task<void> delete_user_policy(call& at) {
  const auto name = user_name(at);
  const auto policy = policy_name(at);
  const auto user = co_await user_with_policies(at, name);
  v1::Command command;
  command.mutable_delete_policy()->set_user(name);
  command.mutable_delete_policy()->set_name(policy);
  auto items = items_of(user, policy);
  auto what = "delete policy " + policy + " of user " + name;
  co_await change(at, std::move(command), std::move(items), std::move(what));
}

task<void> list_user_policies(call& at) {
  auto name = user_name(at);
  const auto found = co_await get_user(at, std::move(name));
  write_names(at, found.user().inline_policies(), "PolicyNames",
              [&](const std::string& policy) { at.xml.text("member", policy); });
}

}  // namespace dunlin::iam
