/// LINKS: how actors of different nodes meet (decision 3). Roles are served under (role, instance);
/// a remote role is reached through a local stub that carries the role's own typed handle.
#pragma once

#include "messages/vocabulary.hpp"

#include <caf/actor_system.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::links {

class link_table;  // implementation, links.cpp

struct peer_status {
  node_id node;
  bool connected = false;
  std::uint64_t incarnation = 0;  ///< of the newest life that was greeted
  std::string last_error;         ///< why it is not connected, for people
};

/// One per node; thread safe. Typed handles in, typed handles out.
class node_links {
public:
  /// Peers' calls to (role, instance) reach `handle` from now on; a dead handle answers
  /// unavailable.
  template <class Role>
  void serve(const std::string& role, std::uint64_t instance, const Role& handle);
  void withdraw(const std::string& role, std::uint64_t instance);

  /// The role on `node`: what is served here for one's own name, else a stub. Stubs never die; a
  /// call to a peer that is not connected fails with unavailable at once, one whose peer goes with
  /// peer_lost, each within its deadline. One-way messages to such peers are dropped and counted.
  template <class Role>
  Role at(const node_id& node, const std::string& role, std::uint64_t instance = 0);

  const node_id& self() const;
  std::vector<peer_status> peers() const;
};

}  // namespace dunlin::links
