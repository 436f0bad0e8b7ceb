#include "actors/s3_gateway/sign_in.hpp"

#include "messages/cache_types.hpp"
#include "runtime/observe/planted.hpp"
#include "runtime/observe/reached.hpp"

#include <optional>
#include <tuple>
#include <utility>

namespace dunlin::s3 {

namespace {

failure unknown_key(const context& c) {
  auto unknown = error("InvalidAccessKeyId");
  unknown.details.emplace_back("AWSAccessKeyId", c.proof.access_key);
  return unknown;
}

/// Signs the client in, or says why not.
std::optional<failure> sign_in(context& c, const cache_answer& said) {
  if (!said.record) return unknown_key(c);
  const auto& [user, key] = std::tie(said.record->user().user(), said.record->user().key());
  if (key.revoked() || key.secret().empty()) return unknown_key(c);
  try {
    verify(c.request(), c.where, c.proof, key.secret());
  } catch (const failure& why) {
    return why;
  }
  c.signed_in = said;
  c.user = key.user();
  c.root_user = user.root();
  return {};
}

}  // namespace

task<void> prove(context& c) {
  auto said = co_await look_up(c, cached::user, c.proof.access_key);
  auto refused = sign_in(c, said);
  if (refused && !said.confirmed && !planted(bug::no_from_a_cache)) {
    DUNLIN_REACHED("gateway.user_confirmed_before_a_no");
    said = co_await confirm(c, cached::user, c.proof.access_key);
    refused = sign_in(c, said);
  }
  if (refused) throw std::move(*refused);
}

task<void> authenticate(context& c) {
  c.proof = read_claim(c.request(), c.where, c.world.options().region, c.world.now_ms());
  co_await prove(c);
}

task<void> confirm_user(context& c) {
  if (c.signed_in.confirmed) co_return;
  const auto said = co_await confirm(c, cached::user, c.proof.access_key);
  if (auto refused = sign_in(c, said)) throw std::move(*refused);
}

}  // namespace dunlin::s3
