/// LINKS: how actors of different nodes meet (decision 3). Roles are served under (role, instance);
/// a remote role is reached through a local stub that carries the role's own typed handle.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/clock.hpp"
#include "runtime/links/identity.hpp"
#include "runtime/links/link_options.hpp"
#include "runtime/links/link_table.hpp"
#include "runtime/links/stub.hpp"
#include "runtime/links/wire.hpp"
#include "runtime/observe/metrics.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::links {

/// One per node; thread safe. Typed handles in, typed handles out. The ports outlive it, and are
/// stopped before the actor system ends: their threads may take turns of actors.
class node_links {
public:
  node_links(caf::actor_system& system, link_options options, wire_port& port, identity& identity,
             random_source& random, metrics& metrics);
  ~node_links();
  node_links(const node_links&) = delete;
  node_links& operator=(const node_links&) = delete;

  /// Begins to listen and to dial. Serve the node's roles first, so that peers find them.
  result<void> start();

  /// Ends all links, stubs and served entries; calls in flight fail. Call it before the actor
  /// system ends, which would wait for them; the port is stopped by its owner.
  void stop();

  /// A node that joined the cluster while this one runs (F1): dialled, or let in, from now on. The
  /// port must know its address. One that is known already stays as it is.
  void add_peer(const node_id& peer);

  /// Peers' calls to (role, instance) reach `handle` from now on; a dead handle answers
  /// unavailable.
  ///
  /// `short_turns`: actors, mostly the handle's own and those it hands on to, whose turns take but
  /// a few microseconds: a one-way message is handled by them on the thread that has read it.
  template <class Role>
  void serve(const std::string& role, std::uint64_t instance, const Role& handle,
             std::set<caf::actor_id> short_turns = {}) {
    table_->serve({role, instance}, make_served_role(handle, std::move(short_turns)));
  }
  void withdraw(const std::string& role, std::uint64_t instance);

  /// The role on `node`: what is served here for one's own name, else a stub. Stubs never die; a
  /// call to a peer that is not connected fails with unavailable at once, one whose peer goes with
  /// peer_lost, each within its deadline. One-way messages to such peers are dropped and counted.
  /// Null for a node that is no peer, and after stop().
  template <class Role>
  Role at(const node_id& node, const std::string& role, std::uint64_t instance = 0) {
    return node == self() ? local<Role>(role, instance) : remote<Role>(node, role, instance);
  }

  /// A one-way message that many hear and that was encoded once: `bytes` are a Message of Role. It
  /// leaves at once, from this thread, and may overtake what was sent through at(). As there, what
  /// cannot be delivered is dropped.
  template <class Role, class Message>
  void tell(const node_id& node, const std::string& role, std::uint64_t instance,
            const buffer& bytes) {
    if (node != self()) return tell_peer(node, role, instance, detail::name_of<Message>(), bytes);
    const auto served = table_->find({role, instance});
    if (!served) return;
    DUNLIN_ASSERT(served->type == typeid(Role));  // one name, one type
    Message message;
    if (message.ParseFromString(*bytes))
      caf::anon_send(caf::actor_cast<Role>(served->handle), std::move(message));
  }

  /// The same for a message that but one hears.
  template <class Role, class Message>
  void tell(const node_id& node, const std::string& role, std::uint64_t instance,
            const Message& message) {
    tell<Role, Message>(node, role, instance,
                        std::make_shared<const std::string>(message.SerializeAsString()));
  }

  /// `watcher` hears of every peer that comes or goes, on a thread of the actors, in order for one
  /// peer. It must not block: forward a message.
  void on_peer(peer_watcher watcher);

  const node_id& self() const { return options_.self; }
  std::vector<peer_status> peers() const;

private:
  template <class Role>
  Role local(const std::string& role, std::uint64_t instance) {
    auto find = [table = table_, role, instance]() -> Role {
      auto served = table->find({role, instance});
      if (!served) return {};
      DUNLIN_ASSERT(served->type == typeid(Role));  // one name, one type
      return caf::actor_cast<Role>(served->handle);
    };
    if (auto handle = find()) return handle;
    return stub<Role>({self(), role, instance, typeid(Role)}, [this, find] {
      return system_.spawn([find](typename Role::pointer actor) {
        return detail::local_stub<Role>(actor, detail::find_role<Role>{find},
                                        typename Role::signatures{});
      });
    });
  }

  template <class Role>
  Role remote(const node_id& node, const std::string& role, std::uint64_t instance) {
    const auto link = link_to(node);
    if (!link) return {};
    const auto target = detail::remote_role{link, role, instance};
    return stub<Role>({node, role, instance, typeid(Role)}, [this, target] {
      return detail::make_remote_stub<Role>(system_, target, typename Role::signatures{});
    });
  }

  template <class Role, class Make>
  Role stub(const link_table::stub_key& key, Make make) {
    return caf::actor_cast<Role>(
        table_->stub(key, [&] { return caf::actor_cast<caf::strong_actor_ptr>(make()); }));
  }

  link_actor link_to(const node_id& node) const;
  link_actor make_link(const node_id& peer);
  void tell_peer(const node_id& node, const std::string& role, std::uint64_t instance,
                 std::string_view message, const buffer& bytes) const;

  struct inside;
  caf::actor_system& system_;
  link_options options_;
  std::shared_ptr<link_table> table_;
  std::unique_ptr<inside> inside_;
};

}  // namespace dunlin::links
