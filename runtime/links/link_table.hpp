/// LINK TABLE: what a node's links share: roles served here, stubs of roles elsewhere, state of the
/// peers, watchers. Thread safe.
#pragma once

#include "runtime/links/dispatch.hpp"

#include <caf/actor.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <vector>

namespace dunlin::links {

struct peer_status {
  node_id node;
  bool connected = false;
  std::uint64_t incarnation = 0;  ///< of the newest life that was greeted
  std::string last_error;         ///< why it is not connected, for people
};

/// A peer came (its life was greeted) or went (its calls in flight have failed).
struct peer_event {
  node_id node;
  std::uint64_t incarnation = 0;
  bool up = false;
};
using peer_watcher = std::function<void(const peer_event&)>;

class link_table {
public:
  using role_key = std::pair<std::string, std::uint64_t>;
  using stub_key = std::tuple<node_id, std::string, std::uint64_t, std::type_index>;

  void serve(const role_key& key, std::shared_ptr<const served_role> role);
  void withdraw(const role_key& key);
  std::shared_ptr<const served_role> find(const role_key& key) const;

  /// The stub under `key`, made by `make` the first time. Null once stopped.
  caf::strong_actor_ptr stub(const stub_key& key,
                             const std::function<caf::strong_actor_ptr()>& make);

  void set_status(peer_status status);
  std::vector<peer_status> peers() const;

  void watch(peer_watcher watcher);
  void tell(const peer_event& event) const;

  /// Forgets all handles and watchers; answers the stubs of this node's own roles, which the caller
  /// ends (those of peers end with their link).
  std::vector<caf::strong_actor_ptr> stop(const node_id& self);

private:
  mutable std::mutex guard_;
  bool stopped_ = false;
  std::map<role_key, std::shared_ptr<const served_role>> roles_;
  std::map<stub_key, caf::strong_actor_ptr> stubs_;
  std::map<node_id, peer_status> peers_;
  std::vector<peer_watcher> watchers_;
};

}  // namespace dunlin::links
