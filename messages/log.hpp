/// What the log writer of a node answers whoever writes to the node's log (decision 9). None of it
/// crosses a node.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>

namespace dunlin {

/// All that was sent under `token` and before is on disk. Token 0 answers a question about `full`.
struct log_stored {
  std::uint64_t token = 0;
  bool full = false;  ///< the log has no room for entries
};
/// The log is full: nothing of `token` or later is taken until `token` comes again.
struct log_refused {
  std::uint64_t token = 0;
};
using log_client_actor = caf::typed_actor<caf::reacts_to<log_stored>, caf::reacts_to<log_refused>>;

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::log_stored)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::log_refused)
