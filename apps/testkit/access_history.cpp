#include "apps/testkit/access_history.hpp"

namespace dunlin::testkit {

namespace {

/// Of the user's policies, as they might have been found.
verdict judged(document managed, document own) {
  if (managed == document::denies || own == document::denies) return verdict::denied;
  const bool allowed = managed == document::allows || own == document::allows;
  return allowed ? verdict::allowed : verdict::denied;
}

/// Nothing: the signature is right.
std::optional<verdict> refused(const account_state& user, const access_attempt& one) {
  const auto key = user.keys.find(one.access_key);
  if (key == user.keys.end() || key->second.revoked) return verdict::unknown_key;
  if (key->second.secret != one.secret) return verdict::bad_signature;
  return {};
}

}  // namespace

const char* to_text(verdict said) {
  switch (said) {
    case verdict::allowed: return "allowed";
    case verdict::denied: return "denied";
    case verdict::unknown_key: return "unknown key";
    case verdict::bad_signature: return "bad signature";
  }
  return "";
}

/// The states that were the newest at some time in between, as far as is known.
account_history::versions account_history::between(time from, time to) const {
  versions found;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const bool begun = states_[i].called <= to;
    const auto overtaken = i + 1 < states_.size() ? states_[i + 1].answered : std::nullopt;
    if (begun && (!overtaken || *overtaken >= from)) found.push_back(&states_[i].state);
  }
  return found;
}

std::set<verdict> account_history::told(const access_attempt& one, const versions& users,
                                        const versions& policies) const {
  std::set<verdict> all;
  for (const auto* user : users) {
    if (const auto no = refused(*user, one)) {
      all.insert(*no);
      continue;
    }
    // Each policy is an item of its own, looked up after the user, and not with the other one.
    std::set<document> managed, own;
    for (const auto* policy : policies) {
      managed.insert(user->attached ? policy->managed : document::none);
      own.insert(user->own == document::none ? document::none : policy->own);
    }
    for (const auto left : managed)
      for (const auto right : own)
        all.insert(judged(left, right));
  }
  return all;
}

std::set<verdict> account_history::possible(const access_attempt& one, const bounds& most) const {
  const auto now = between(one.called, one.answered);
  auto all = told(one, now, now);
  const auto old = told(one, between(one.called - most.user, one.answered),
                        between(one.called - most.policy, one.answered));
  if (old.contains(verdict::allowed)) all.insert(verdict::allowed);
  return all;
}

}  // namespace dunlin::testkit
