/// SIGN IN: whose request it is. A cache alone never says no: the key may have a new secret, or be
/// active again (decision 16).
#pragma once

#include "actors/s3_gateway/context.hpp"

namespace dunlin::s3 {

/// Reads the claim, proves it, fills context::signed_in, user and root_user. Throws.
task<void> authenticate(context& c);

/// Proves context::proof. Throws InvalidAccessKeyId or SignatureDoesNotMatch.
task<void> prove(context& c);

/// The same with what the leader says from now on, if that was not so.
task<void> confirm_user(context& c);

}  // namespace dunlin::s3
