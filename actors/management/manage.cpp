#include "actors/management/manage.hpp"

#include "actors/management/actions.hpp"
#include "actors/s3_gateway/access.hpp"
#include "actors/s3_gateway/body.hpp"
#include "actors/s3_gateway/ending.hpp"
#include "actors/s3_gateway/sign_in.hpp"
#include "runtime/policy/arn.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace dunlin::iam {

namespace {

constexpr std::uint64_t body_bytes_max = 128 * 1024;
constexpr std::string_view version = "2010-05-08";

/// What an action is about, for policies.
enum class about : std::uint8_t { users, user, self, own_user, policies, policy, named_policy };

struct action {
  std::string_view name;
  about what;
  bool has_result;
  task<void> (*run)(call&);
  std::vector<std::string_view> parameters;
};

// own_user: a user may read itself. self: the same, and without a name it means itself.
const std::vector<action>& actions() {
  static const std::vector<action> all = {
      {"CreateUser", about::user, true, create_user, {"UserName", "Path"}},
      {"GetUser", about::own_user, true, get_user, {"UserName"}},
      {"ListUsers", about::users, true, list_users, {"PathPrefix", "Marker", "MaxItems"}},
      {"DeleteUser", about::user, false, delete_user, {"UserName"}},
      {"CreateAccessKey", about::self, true, create_access_key, {"UserName"}},
      {"ListAccessKeys",
       about::own_user,
       true,
       list_access_keys,
       {"UserName", "Marker", "MaxItems"}},
      {"UpdateAccessKey",
       about::self,
       false,
       update_access_key,
       {"UserName", "AccessKeyId", "Status"}},
      {"DeleteAccessKey", about::self, false, delete_access_key, {"UserName", "AccessKeyId"}},
      {"CreatePolicy",
       about::named_policy,
       true,
       create_policy,
       {"PolicyName", "PolicyDocument", "Description", "Path"}},
      {"GetPolicy", about::policy, true, get_policy, {"PolicyArn"}},
      {"ListPolicies",
       about::policies,
       true,
       list_policies,
       {"Scope", "OnlyAttached", "PathPrefix", "PolicyUsageFilter", "Marker", "MaxItems"}},
      {"DeletePolicy", about::policy, false, delete_policy, {"PolicyArn"}},
      {"CreatePolicyVersion",
       about::policy,
       true,
       create_policy_version,
       {"PolicyArn", "PolicyDocument", "SetAsDefault"}},
      {"GetPolicyVersion", about::policy, true, get_policy_version, {"PolicyArn", "VersionId"}},
      {"ListPolicyVersions",
       about::policy,
       true,
       list_policy_versions,
       {"PolicyArn", "Marker", "MaxItems"}},
      {"AttachUserPolicy", about::user, false, attach_user_policy, {"UserName", "PolicyArn"}},
      {"DetachUserPolicy", about::user, false, detach_user_policy, {"UserName", "PolicyArn"}},
      {"ListAttachedUserPolicies",
       about::own_user,
       true,
       list_attached_user_policies,
       {"UserName", "PathPrefix", "Marker", "MaxItems"}},
      {"PutUserPolicy",
       about::user,
       false,
       put_user_policy,
       {"UserName", "PolicyName", "PolicyDocument"}},
      {"GetUserPolicy", about::own_user, true, get_user_policy, {"UserName", "PolicyName"}},
      {"DeleteUserPolicy", about::user, false, delete_user_policy, {"UserName", "PolicyName"}},
      {"ListUserPolicies",
       about::own_user,
       true,
       list_user_policies,
       {"UserName", "Marker", "MaxItems"}},
  };
  return all;
}

/// What is not understood would be a wish that nobody grants: tags, boundaries, other paths.
void check_parameters(const call& at, const action& chosen) {
  std::vector<std::string_view> seen;
  for (const auto& [name, value] : at.parameters) {
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      throw error("ValidationError", "The parameter " + name + " is given twice");
    seen.push_back(name);
    if (name == "Action" || name == "Version") continue;
    const auto& known = chosen.parameters;
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw error("ValidationError", "The parameter " + name + " of " + std::string(chosen.name) +
                                         " is not implemented");
  }
}

const action& action_of(const call& at) {
  const auto* name = at.find("Action");
  const auto* spoken = at.find("Version");
  if (spoken && *spoken != version)
    throw error("NoSuchVersion", "The version must be " + std::string(version));
  for (const auto& each : actions())
    if (name && each.name == *name) return each;
  throw error("InvalidAction",
              name ? "The action " + *name + " is not implemented" : "The request has no Action");
}

std::string resource_of(const call& at, about what) {
  switch (what) {
    case about::users: return policy::user_arn("");
    case about::policies: return policy::policy_arn("");
    case about::user: return policy::user_arn(user_name(at));
    case about::self:
    case about::own_user: return policy::user_arn(user_name(at, true));
    case about::named_policy: return policy::policy_arn(policy_name(at));
    case about::policy: return policy::policy_arn(policy_of_arn(at));
  }
  throw error("ServiceFailure", "The action is about nothing");
}

task<void> authorize(call& at, const action& chosen) {
  const auto name = "iam:" + std::string(chosen.name);
  std::vector<s3::permission> wanted(1, {name, resource_of(at, chosen.what)});
  const bool own = chosen.what == about::own_user && user_name(at, true) == at.c.user;
  const auto said = co_await s3::may_each(at.c, wanted, own);
  if (!said.front()) throw s3::denied(at.c, wanted.front());
}

/// The body is signed by its hash alone, so it has to be there first.
task<std::string> sign_in(s3::context& c) {
  c.where = s3::parse_target(c.request().target);
  s3::expect_length(c.request());
  c.proof.payload_hash = s3::unsigned_payload;
  auto body = co_await s3::read_all(c, body_bytes_max);
  c.proof =
      s3::read_iam_claim(c.request(), c.where, c.world.options().region, c.world.now_ms(), body);
  co_await s3::prove(c);
  co_return body;
}

task<void> serve(s3::context& c) {
  const auto body = co_await sign_in(c);
  call at{c};
  at.parameters = s3::parse_parameters(body);
  const auto& chosen = action_of(at);
  check_parameters(at, chosen);
  co_await authorize(at, chosen);
  const std::string name(chosen.name);
  at.xml.open_root(name + "Response", name_space);
  if (chosen.has_result) at.xml.open(name + "Result");
  co_await chosen.run(at);
  if (chosen.has_result) at.xml.close();
  at.xml.open("ResponseMetadata");
  at.xml.text("RequestId", c.request().id);
  at.xml.close();
  at.xml.close();
  std::vector<http::header> headers;
  headers.push_back({"Content-Type", "text/xml"});
  auto document = at.xml.take();
  co_await s3::answer(c, 200, std::move(headers), std::move(document));
}

s3::refusal error_answer(const failure& what, const std::string& request_id) {
  auto body = std::make_shared<const std::string>(error_body(what, request_id));
  http::response head;
  head.status = what.status;
  head.headers.push_back({"Content-Type", "text/xml"});
  if (what.status == 503) head.headers.push_back({"Retry-After", "1"});
  head.headers.push_back({"x-amz-request-id", request_id});
  head.content_length = body->size();
  return {std::move(head), std::move(body)};
}

}  // namespace

bool is_management_request(const http::request& request) {
  if (request.method != "POST" || request.target != "/") return false;
  const auto* type = s3::find_header(request, "content-type");
  constexpr std::string_view form = "application/x-www-form-urlencoded";
  return type && s3::lower(s3::trimmed(*type)).starts_with(form);
}

task<s3::outcome> manage(s3::services& world) {
  s3::context c{world};
  auto served = serve(c);
  auto met = co_await s3::failure_of(std::move(served));
  if (!met) co_return s3::outcome();
  const auto why = to_iam(std::move(*met));
  auto said = error_answer(why, c.request().id);
  auto out = co_await s3::end_failed(c, why, std::move(said));
  co_return out;
}

}  // namespace dunlin::iam
