// Policies, of users alone and managed ones that users have attached (docs/decisions/0012).
// Documents are bytes here: whoever sends a command has understood them.
#include "actors/partition/machine/commands.hpp"
#include "messages/cache_types.hpp"

#include <algorithm>
#include <vector>

namespace dunlin::machine {

static constexpr std::size_t document_bytes_max = 6144;
static constexpr std::size_t description_bytes_max = 1000;
static constexpr int policies_of_user_max = 10;  // attached, and as many of its own
/// Policies of users that one listing may step over.
static constexpr int users_skipped_max = 1000;

std::optional<v1::PolicyRecord> find_policy(const context& at, std::string_view key) {
  return at.get<v1::PolicyRecord>(table::policies, key);
}

static std::string key_of(const v1::PolicyRecord& policy) {
  return keys::policy(policy.user(), policy.name());
}

/// Stores the policy at a new tick, which it answers, and announces it.
static std::uint64_t store_policy(context& at, v1::PolicyRecord& policy) {
  const auto key = key_of(policy);
  policy.set_tick(at.next_tick());
  at.put(table::policies, key, policy);
  at.announce(policy.tick(), cached::policy, key);
  return policy.tick();
}

// ---- lists of names in a user, ascending ----

using names = google::protobuf::RepeatedPtrField<std::string>;

static bool holds(const names& all, const std::string& name) {
  return std::binary_search(all.begin(), all.end(), name);
}

static void insert(names& all, const std::string& name) {
  const auto place = std::lower_bound(all.begin(), all.end(), name) - all.begin();
  *all.Add() = name;
  std::rotate(all.begin() + place, all.end() - 1, all.end());
}

static void erase(names& all, const std::string& name) {
  all.erase(std::lower_bound(all.begin(), all.end(), name));
}

// ---- commands ----

static bool well_formed(const v1::PutPolicy& command) {
  return is_short_name(command.name()) && !command.document().empty() &&
         command.document().size() <= document_bytes_max &&
         command.description().size() <= description_bytes_max;
}

/// A policy that is not there yet: OK if its place has room, and then taken.
static status::Status make_room(context& at, std::optional<v1::UserRecord>& user,
                                const std::string& name) {
  if (!user) return at.count_one_more(counted::policies) ? status::OK : status::TOO_MANY_OPEN;
  if (user->root()) return status::INVALID;  // nothing is denied to it, and all is allowed
  if (user->inline_policies_size() >= policies_of_user_max) return status::TOO_MANY_OPEN;
  insert(*user->mutable_inline_policies(), name);
  return status::OK;
}

v1::CommandReply apply(context& at, const v1::PutPolicy& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  if (!well_formed(command)) return reply(status::INVALID);
  std::optional<v1::UserRecord> user;
  if (!command.user().empty()) {
    user = find_user_named(at, command.user());
    if (!user) return reply(status::NO_SUCH_KEY, at.state.tick());
  }
  auto held = find_policy(at, keys::policy(command.user(), command.name()));
  if (held && command.must() == v1::PutPolicy::CREATE)
    return reply(status::ALREADY_EXISTS, held->tick());
  if (!held && command.must() == v1::PutPolicy::REPLACE)
    return reply(status::NO_SUCH_KEY, at.state.tick());
  v1::PolicyRecord policy = held.value_or(v1::PolicyRecord{});
  if (!held) {
    if (const auto code = make_room(at, user, command.name()); code != status::OK)
      return reply(code, at.state.tick());
    policy.set_name(command.name());
    policy.set_user(command.user());
    policy.set_created_ms(at.state.leader_time_ms());
  }
  policy.set_document(command.document());
  policy.set_version(policy.version() + 1);
  policy.set_changed_ms(at.state.leader_time_ms());
  if (!command.description().empty()) policy.set_description(command.description());
  const auto tick = store_policy(at, policy);
  // After the policy, so that who hears in this order never looks for one that is not there yet.
  if (user && !held) store_user(at, *user);
  return reply(status::OK, tick);
}

v1::CommandReply apply(context& at, const v1::DeletePolicy& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  // A slash in a name would reach into the policies of a user.
  if (!is_short_name(command.name())) return reply(status::INVALID);
  const auto policy = find_policy(at, keys::policy(command.user(), command.name()));
  if (!policy) return reply(status::NO_SUCH_KEY, at.state.tick());
  if (policy->attachments() > 0) return reply(status::IN_USE, at.state.tick());
  if (policy->user().empty()) {
    at.count_one_less(counted::policies);
  } else if (auto user = find_user_named(at, policy->user())) {
    erase(*user->mutable_inline_policies(), policy->name());
    store_user(at, *user);
  }
  at.store.erase(table::policies, key_of(*policy));
  const auto removed = at.next_tick();
  at.announce(removed, cached::policy, key_of(*policy));
  return reply(status::OK, removed);
}

v1::CommandReply apply(context& at, const v1::AttachPolicy& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  if (!is_short_name(command.policy())) return reply(status::INVALID);
  auto user = find_user_named(at, command.user());
  auto policy = find_policy(at, command.policy());
  if (!user || !policy) return reply(status::NO_SUCH_KEY, at.state.tick());
  if (user->root()) return reply(status::INVALID);
  const bool attached = holds(user->attached(), command.policy());
  if (command.detach()) {
    if (!attached) return reply(status::NO_SUCH_KEY, at.state.tick());
    erase(*user->mutable_attached(), command.policy());
    policy->set_attachments(policy->attachments() - 1);
  } else {
    if (attached) return reply(status::OK, user->tick());
    if (user->attached_size() >= policies_of_user_max)
      return reply(status::TOO_MANY_OPEN, at.state.tick());
    insert(*user->mutable_attached(), command.policy());
    policy->set_attachments(policy->attachments() + 1);
  }
  store_policy(at, *policy);
  return reply(status::OK, store_user(at, *user));
}

// ---- reads ----

status::Status answer(const context& at, const v1::GetPolicy& query, v1::QueryReply& reply) {
  if (!at.root()) return status::WRONG_PARTITION;
  if (!is_short_name(query.name())) return status::NO_SUCH_KEY;
  auto policy = find_policy(at, keys::policy(query.user(), query.name()));
  if (!policy) return status::NO_SUCH_KEY;
  *reply.add_policies() = std::move(*policy);
  return status::OK;
}

/// The first key past the policies of the user whose policy it is; empty: it is a managed one's.
static std::string past_user(std::string_view key) {
  const auto slash = key.find('/');
  return slash == std::string_view::npos
             ? std::string{}
             : keys::after_prefix(std::string(key.substr(0, slash + 1)));
}

status::Status answer(const context& at, const v1::ListPolicies& query, v1::QueryReply& reply) {
  if (!at.root()) return status::WRONG_PARTITION;
  const auto wanted = static_cast<int>(std::min(query.items_max(), items_max));
  std::string from = query.after().empty() ? std::string{} : query.after() + '\0';
  for (int skipped = 0; wanted > 0 && !reply.truncated(); ++skipped) {
    std::string next;
    at.store.scan(table::policies, from, [&](std::string_view key, std::string_view value) {
      next = past_user(key);
      reply.set_truncated(reply.policies_size() == wanted || skipped == users_skipped_max ||
                          reply.ByteSizeLong() > reply_bytes_max);
      if (reply.truncated() || !next.empty()) return false;
      *reply.add_policies() = context::parse<v1::PolicyRecord>(value);
      reply.set_next_after(reply.policies().rbegin()->name());
      return true;
    });
    if (next.empty()) break;
    // What is passed as `after` is exclusive, and no name has this byte.
    if (!reply.truncated()) reply.set_next_after(next.substr(0, next.size() - 1) + "/\x7f");
    from = std::move(next);
  }
  return status::OK;
}

}  // namespace dunlin::machine
