/// What operators tell the near caches of a node, and what becomes of it (Q6, Q16, Q23). It never
/// leaves the node: the admin plane asks the node manager, who passes it on to every service.
#pragma once

#include "messages/near_cache.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dunlin {

struct change_caches {
  std::string type;                      ///< empty: of every type
  std::optional<std::uint64_t> service;  ///< none: of every service (messages/services.hpp)
  std::optional<set_cache> set;          ///< none: what is held is dropped

  bool concerns(std::string_view of_type, std::uint64_t of_service) const {
    return (type.empty() || type == of_type) && (!service || *service == of_service);
  }
};

struct caches_changed {
  struct one {
    std::uint64_t service = 0;
    std::string type;
    std::string error;  ///< why it was not changed; empty: it was
  };
  std::vector<one> all;  ///< those that the instruction concerned
};

/// Takes effect before it is answered. No error but a timeout.
using cache_control_actor = caf::typed_actor<caf::replies_to<change_caches>::with<caches_changed>>;

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::change_caches)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::caches_changed)
