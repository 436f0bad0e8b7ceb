#include "runtime/links/link_table.hpp"

namespace dunlin::links {

void link_table::serve(const role_key& key, std::shared_ptr<const served_role> role) {
  const auto lock = std::scoped_lock{guard_};
  if (!stopped_) roles_[key] = std::move(role);
}

void link_table::withdraw(const role_key& key) {
  const auto lock = std::scoped_lock{guard_};
  roles_.erase(key);
}

std::shared_ptr<const served_role> link_table::find(const role_key& key) const {
  const auto lock = std::scoped_lock{guard_};
  const auto found = roles_.find(key);
  return found == roles_.end() ? nullptr : found->second;
}

caf::strong_actor_ptr link_table::stub(const stub_key& key,
                                       const std::function<caf::strong_actor_ptr()>& make) {
  const auto lock = std::scoped_lock{guard_};
  if (stopped_) return nullptr;
  auto& slot = stubs_[key];
  if (!slot) slot = make();
  return slot;
}

void link_table::set_status(peer_status status) {
  const auto lock = std::scoped_lock{guard_};
  auto& slot = peers_[status.node];
  slot = std::move(status);
}

std::vector<peer_status> link_table::peers() const {
  const auto lock = std::scoped_lock{guard_};
  std::vector<peer_status> all;
  for (const auto& [name, status] : peers_)
    all.push_back(status);
  return all;
}

void link_table::watch(peer_watcher watcher) {
  const auto lock = std::scoped_lock{guard_};
  if (!stopped_) watchers_.push_back(std::move(watcher));
}

void link_table::tell(const peer_event& event) const {
  auto watchers = [&] {
    const auto lock = std::scoped_lock{guard_};
    return watchers_;
  }();
  for (const auto& watcher : watchers)
    watcher(event);
}

std::vector<caf::strong_actor_ptr> link_table::stop(const node_id& self) {
  const auto lock = std::scoped_lock{guard_};
  stopped_ = true;
  roles_.clear();
  watchers_.clear();
  std::vector<caf::strong_actor_ptr> stubs;
  for (auto& [key, stub] : stubs_)
    if (std::get<0>(key) == self) stubs.push_back(std::move(stub));
  stubs_.clear();
  return stubs;
}

}  // namespace dunlin::links
