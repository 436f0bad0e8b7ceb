#include "runtime/policy/document.hpp"

#include "messages/vocabulary.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::policy {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

question::question(std::string user, std::string_view action, std::string resource)
    : user_(std::move(user)), action_(lower(action)), resource_(std::move(resource)) {
  DUNLIN_ASSERT(split_arn(resource_));
}

arn_parts question::resource() const { return *split_arn(resource_); }

bool statement::applies(const question& asked) const {
  if (!everybody && std::find(users.begin(), users.end(), asked.user()) == users.end())
    return false;
  const bool action_named =
      std::any_of(actions.begin(), actions.end(),
                  [&](const wildcard& pattern) { return pattern.matches(asked.action()); });
  if (action_named == other_actions) return false;
  const auto arn = asked.resource();
  const bool resource_named =
      std::any_of(resources.begin(), resources.end(),
                  [&](const resource_pattern& pattern) { return pattern.matches(arn); });
  return resource_named != other_resources;
}

std::set<std::string> users_named(const document& in) {
  std::set<std::string> out;
  for (const auto& each : in.statements)
    out.insert(each.users.begin(), each.users.end());
  return out;
}

verdict judge(const document& of, const question& asked) {
  auto out = verdict::silent;
  for (const auto& each : of.statements) {
    if (each.allows && out == verdict::allowed) continue;
    if (!each.applies(asked)) continue;
    if (!each.allows) return verdict::denied;
    out = verdict::allowed;
  }
  return out;
}

document_ptr closed_document() {
  static const auto closed = [] {
    document made;
    auto& all = made.statements.emplace_back();
    all.actions.emplace_back("*");
    all.resources.emplace_back();
    return std::make_shared<const document>(std::move(made));
  }();
  return closed;
}

bool may(const grounds& on, const question& asked) {
  bool allowed = on.root || on.owner;
  for (const auto& each : on.policies) {
    const auto said = judge(*each, asked);
    if (said == verdict::denied) return false;
    if (said == verdict::allowed) allowed = true;
  }
  return allowed;
}

}  // namespace dunlin::policy
