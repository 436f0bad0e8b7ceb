#include "apps/testkit/access_history.hpp"

#include "apps/testkit/text.hpp"

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

std::optional<verdict> verdict_of(int status, const std::string& body) {
  if (status == 200) return verdict::allowed;
  if (status != 403) return {};
  const auto code = testkit::between(body, "<Code>", "</Code>");
  if (code == "AccessDenied") return verdict::denied;
  if (code == "InvalidAccessKeyId") return verdict::unknown_key;
  if (code == "SignatureDoesNotMatch") return verdict::bad_signature;
  return {};
}

/// The states that were the newest at some time in between, as far as is known, from the first on
/// that may still be met.
account_history::versions account_history::between(time from, time to, std::size_t first) const {
  versions found;
  for (auto i = first; i < states_.size(); ++i) {
    const bool begun = states_[i].called <= to;
    const auto overtaken = i + 1 < states_.size() ? states_[i + 1].answered : std::nullopt;
    // Who asks in the moment of the answer asks after it: the change itself was before.
    if (begun && (!overtaken || *overtaken > from)) found.push_back(&states_[i].state);
  }
  return found;
}

/// Of a key that was deleted before nobody is told once more.
bool account_history::is_about(std::size_t at, const std::string& access_key) const {
  return states_[at].state.keys.contains(access_key) ||
         (at > 0 && states_[at - 1].state.keys.contains(access_key));
}

std::size_t account_history::changes() const {
  return states_.size() - (states_.back().answered ? 1 : 2);
}

/// The newest state that the node had to know of when the request came to it.
std::size_t account_history::known_to(const access_attempt& one, bool known_at::*item) const {
  for (auto i = states_.size(); i-- > 0;)
    if (i <= one.after && states_[i].where.node == one.through && states_[i].where.*item &&
        states_[i].answered && *states_[i].answered <= one.called &&
        (item != &known_at::user || is_about(i, one.access_key)))
      return i;
  return 0;
}

account_history::found account_history::found_by(const access_attempt& one,
                                                 const bounds& most) const {
  const auto policies = one.called - most.policy;
  return {between(one.called - most.user, one.answered, known_to(one, &known_at::user)),
          between(policies, one.answered, known_to(one, &known_at::managed)),
          between(policies, one.answered, known_to(one, &known_at::own))};
}

std::set<verdict> account_history::told(const access_attempt& one, const found& by) {
  std::set<verdict> all;
  for (const auto* user : by.users) {
    if (const auto no = refused(*user, one)) {
      all.insert(*no);
      continue;
    }
    // Each policy is an item of its own, looked up after the user, and not with the other one.
    std::set<document> managed, own;
    for (const auto* state : by.managed)
      managed.insert(user->attached ? state->managed : document::none);
    for (const auto* state : by.own)
      own.insert(user->own == document::none ? document::none : state->own);
    for (const auto left : managed)
      for (const auto right : own)
        all.insert(judged(left, right));
  }
  return all;
}

std::set<verdict> account_history::possible(const access_attempt& one, const bounds& most) const {
  auto all = told(one, found_by(one, {}));
  if (told(one, found_by(one, most)).contains(verdict::allowed)) all.insert(verdict::allowed);
  return all;
}

}  // namespace dunlin::testkit
