#include "runtime/links/links.hpp"

#include "runtime/links/reception.hpp"

#include <caf/send.hpp>

namespace dunlin::links {

struct node_links::inside {
  std::shared_ptr<link_context> shared;
  mutable std::mutex guard;  // of what follows
  std::map<node_id, link_actor> links;
  reception_actor reception;
  bool started = false;
  bool stopped = false;
};

node_links::node_links(caf::actor_system& system, link_options options, wire_port& port,
                       identity& identity, random_source& random, metrics& metrics)
    : system_{system},
      options_{std::move(options)},
      table_{std::make_shared<link_table>()},
      inside_{std::make_unique<inside>()} {
  inside_->shared =
      std::make_shared<link_context>(options_, port, identity, random, metrics, table_);
  for (const auto& peer : options_.peers)
    inside_->links[peer] = make_link(peer);
  inside_->reception = system_.spawn(reception, inside_->shared, inside_->links);
}

node_links::~node_links() { stop(); }

link_actor node_links::make_link(const node_id& peer) {
  DUNLIN_ASSERT(peer != options_.self);
  auto& shared = *inside_->shared;
  shared.lanes.add(peer, std::make_shared<note_lane>(options_.self, peer, table_,
                                                     shared.port.takes_turns(), shared.figures));
  table_->set_status({peer, false, 0, "not started"});
  // Lazy: it dials at its first turn, which start() gives it.
  return system_.spawn<caf::lazy_init>(link, inside_->shared, peer);
}

void node_links::add_peer(const node_id& peer) {
  const auto lock = std::scoped_lock{inside_->guard};
  if (inside_->stopped || inside_->links.contains(peer)) return;
  const auto made = inside_->links[peer] = make_link(peer);
  caf::anon_send(inside_->reception, peer_added{peer, made});
  if (inside_->started) caf::anon_send(made, flush_atom::value);
}

result<void> node_links::start() {
  const auto lock = std::scoped_lock{inside_->guard};
  auto listening = inside_->shared->port.listen([to = inside_->reception](wire_ptr wire) {
    caf::anon_send(to, wire_accepted{std::move(wire)});
  });
  if (!listening) return listening;
  inside_->started = true;
  for (const auto& [peer, link] : inside_->links)
    caf::anon_send(link, flush_atom::value);
  return {};
}

void node_links::stop() {
  const auto stubs = table_->stop(self());
  const auto lock = std::scoped_lock{inside_->guard};
  inside_->stopped = true;
  for (const auto& [peer, link] : inside_->links)
    caf::anon_send_exit(link, caf::exit_reason::user_shutdown);
  // Stubs of peers end after their link, so that what it still answers is delivered.
  for (const auto& stub : stubs)
    caf::anon_send_exit(caf::actor_cast<caf::actor>(stub), caf::exit_reason::user_shutdown);
  if (inside_->reception) caf::anon_send_exit(inside_->reception, caf::exit_reason::user_shutdown);
  inside_->links.clear();
  inside_->reception = nullptr;
}

void node_links::withdraw(const std::string& role, std::uint64_t instance) {
  table_->withdraw({role, instance});
}

void node_links::tell_peer(const node_id& node, const std::string& role, std::uint64_t instance,
                           std::string_view message, const buffer& bytes) const {
  if (const auto lane = inside_->shared->lanes.find(node))
    lane->tell(role, instance, message, bytes);
}

void node_links::on_peer(peer_watcher watcher) { table_->watch(std::move(watcher)); }

std::vector<peer_status> node_links::peers() const { return table_->peers(); }

link_actor node_links::link_to(const node_id& node) const {
  const auto lock = std::scoped_lock{inside_->guard};
  const auto found = inside_->links.find(node);
  return found == inside_->links.end() ? link_actor{} : found->second;
}

}  // namespace dunlin::links
