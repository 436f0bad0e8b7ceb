#include "actors/admission/leg_table.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

namespace {
/// Beyond it ends are counted, and their accounts are lost: nobody has taken them for minutes.
constexpr std::size_t ended_max = 65'536;
}  // namespace

void leg_table::add(totals& to, const http::leg_counts& counts) {
  to.bytes += counts.bytes_in + counts.bytes_out;
  to.requests += counts.requests;
  to.declared += counts.declared;
  to.in_request += counts.in_request ? 1 : 0;
}

std::uint64_t leg_table::expect(std::string token, expected_leg agreed, time until) {
  const std::lock_guard lock{guard_};
  tokens_.insert_or_assign(std::move(token), waiting{++next_, std::move(agreed), until});
  return next_;
}

std::vector<leg_table::expired_leg> leg_table::expire(time now) {
  std::vector<expired_leg> gone;
  const std::lock_guard lock{guard_};
  std::erase_if(tokens_, [&](const auto& entry) {
    const auto& one = entry.second;
    if (one.until > now) return false;
    gone.push_back({one.connection, one.agreed});
    return true;
  });
  std::sort(gone.begin(), gone.end(),
            [](const auto& a, const auto& b) { return a.connection < b.connection; });
  return gone;
}

std::size_t leg_table::taken() const {
  const std::lock_guard lock{guard_};
  return tokens_.size() + running_.size();
}

bool leg_table::has_client(std::string_view hash) const {
  const std::lock_guard lock{guard_};
  return std::any_of(running_.begin(), running_.end(),
                     [&](const auto& entry) { return entry.second.agreed.client_hash == hash; });
}

std::vector<leg_table::open_leg> leg_table::open() const {
  std::vector<open_leg> made;
  {
    const std::lock_guard lock{guard_};
    made.reserve(running_.size());
    for (const auto& [connection, one] : running_)
      if (auto handle = one.handle.lock())
        made.push_back({connection, one.agreed, one.client, std::move(handle), {}});
  }
  for (auto& one : made)  // a leg may call closed() from its own thread meanwhile
    one.counts = one.handle->counts();
  return made;
}

std::optional<leg_table::open_leg> leg_table::find(std::uint64_t connection) const {
  std::optional<open_leg> made;
  {
    const std::lock_guard lock{guard_};
    const auto found = running_.find(connection);
    if (found == running_.end()) return {};
    auto handle = found->second.handle.lock();
    if (!handle) return {};
    made = open_leg{connection, found->second.agreed, found->second.client, std::move(handle), {}};
  }
  made->counts = made->handle->counts();
  return made;
}

bool leg_table::holds(std::uint64_t connection) const {
  const std::lock_guard lock{guard_};
  return running_.contains(connection) ||
         std::any_of(ended_.begin(), ended_.end(),
                     [&](const auto& one) { return one.connection == connection; });
}

std::vector<leg_table::ended_leg> leg_table::take_ended() {
  const std::lock_guard lock{guard_};
  return std::exchange(ended_, {});
}

leg_table::totals leg_table::sum() const {
  totals made;
  std::vector<std::shared_ptr<http::leg>> handles;
  {
    const std::lock_guard lock{guard_};
    made = past_;
    made.waiting = tokens_.size();
    made.open = running_.size();
    for (const auto& [connection, one] : running_)
      if (auto handle = one.handle.lock()) handles.push_back(std::move(handle));
  }
  made.in_request = 0;
  for (const auto& handle : handles)
    add(made, handle->counts());
  return made;
}

std::optional<std::uint64_t> leg_table::redeem(std::string_view token) {
  const std::lock_guard lock{guard_};
  const auto found = tokens_.find(token);
  if (found == tokens_.end()) return {};
  const auto connection = found->second.connection;
  running_[connection].agreed = std::move(found->second.agreed);
  tokens_.erase(found);
  return connection;
}

void leg_table::turned_away() {
  const std::lock_guard lock{guard_};
  ++past_.strangers;
}

void leg_table::opened(std::uint64_t connection, std::weak_ptr<http::leg> made,
                       const std::string& client) {
  const std::lock_guard lock{guard_};
  const auto found = running_.find(connection);
  if (found == running_.end()) return;
  found->second.client = client;
  found->second.handle = std::move(made);
}

void leg_table::closed(std::uint64_t connection, const http::leg_counts& last) {
  const std::lock_guard lock{guard_};
  const auto found = running_.find(connection);
  if (found == running_.end()) return;
  add(past_, last);
  if (ended_.size() < ended_max)
    ended_.push_back({connection, std::move(found->second.agreed), last});
  running_.erase(found);
}

}  // namespace dunlin
