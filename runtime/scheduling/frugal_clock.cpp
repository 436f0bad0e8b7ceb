#include "runtime/scheduling/frugal_clock.hpp"

#include <caf/actor_cast.hpp>
#include <caf/detail/set_thread_name.hpp>

#include <utility>

namespace dunlin::scheduling {

void frugal_clock::start() {
  thread_ = std::thread{[this] {
    caf::detail::set_thread_name("dunlin.clock");
    run();
  }};
}

void frugal_clock::stop() {
  {
    const auto lock = std::scoped_lock{guard_};
    stopped_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void frugal_clock::run() {
  auto lock = std::unique_lock{guard_};
  while (!stopped_) {
    waits_until_ = time_point::min();
    auto due = take_due(now());
    if (!due.empty()) {
      lock.unlock();
      for (auto& one : due)
        ship(*one);
      due.clear();  // the last reference to an actor may go with it
      lock.lock();
      continue;
    }
    if (entries_.empty()) {
      waits_until_ = time_point::max();
      changed_.wait(lock);
    } else {
      waits_until_ = entries_.begin()->first;
      changed_.wait_until(lock, waits_until_);
    }
  }
}

std::vector<frugal_clock::unique_delayed_event_ptr> frugal_clock::take_due(time_point now) {
  std::vector<unique_delayed_event_ptr> due;
  while (!entries_.empty() && entries_.begin()->first <= now) {
    auto& first = entries_.begin()->second;
    if (first.has_key) timeouts_.erase(first.key);
    due.push_back(std::move(first.what));
    entries_.erase(entries_.begin());
  }
  return due;
}

frugal_clock::timeout_key frugal_clock::key_of(caf::abstract_actor* self, kind what,
                                               std::uint64_t id) {
  return {self->id(), what, id};
}

void frugal_clock::add(unique_delayed_event_ptr what, const timeout_key* key) {
  const auto due = what->due;
  bool sooner = false;
  unique_delayed_event_ptr replaced;
  {
    const auto lock = std::scoped_lock{guard_};
    if (key != nullptr) replaced = cancel(*key);
    const auto at = entries_.emplace(due, entry{std::move(what), {}, false});
    if (key != nullptr) {
      at->second.key = *key;
      at->second.has_key = true;
      timeouts_.emplace(*key, at);
    }
    sooner = due < waits_until_;
    if (sooner) waits_until_ = time_point::min();  // one notification is enough
  }
  if (sooner) changed_.notify_one();
}

frugal_clock::unique_delayed_event_ptr frugal_clock::cancel(const timeout_key& key) {
  const auto found = timeouts_.find(key);
  if (found == timeouts_.end()) return nullptr;
  auto what = std::move(found->second->second.what);
  entries_.erase(found->second);
  timeouts_.erase(found);
  return what;
}

void frugal_clock::set_ordinary_timeout(time_point due, caf::abstract_actor* self,
                                        caf::atom_value type, std::uint64_t id) {
  const auto key = key_of(self, kind::ordinary, static_cast<std::uint64_t>(type));
  add(std::make_unique<ordinary_timeout>(due, caf::actor_cast<caf::strong_actor_ptr>(self), type,
                                         id),
      &key);
}

void frugal_clock::set_multi_timeout(time_point due, caf::abstract_actor* self,
                                     caf::atom_value type, std::uint64_t id) {
  const auto key = key_of(self, kind::multi, id);
  add(std::make_unique<multi_timeout>(due, caf::actor_cast<caf::strong_actor_ptr>(self), type, id),
      &key);
}

void frugal_clock::set_request_timeout(time_point due, caf::abstract_actor* self,
                                       caf::message_id id) {
  const auto key = key_of(self, kind::request, id.integer_value());
  add(std::make_unique<request_timeout>(due, caf::actor_cast<caf::strong_actor_ptr>(self), id),
      &key);
}

void frugal_clock::cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) {
  const auto key = key_of(self, kind::ordinary, static_cast<std::uint64_t>(type));
  unique_delayed_event_ptr cancelled;
  const auto lock = std::scoped_lock{guard_};
  cancelled = cancel(key);
}

void frugal_clock::cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) {
  const auto key = key_of(self, kind::request, id.integer_value());
  unique_delayed_event_ptr cancelled;
  const auto lock = std::scoped_lock{guard_};
  cancelled = cancel(key);
}

void frugal_clock::cancel_timeouts(caf::abstract_actor* self) {
  std::vector<unique_delayed_event_ptr> cancelled;  // dropped after the lock
  const auto lock = std::scoped_lock{guard_};
  auto at = timeouts_.lower_bound(key_of(self, kind::ordinary, 0));
  while (at != timeouts_.end() && std::get<0>(at->first) == self->id()) {
    cancelled.push_back(std::move(at->second->second.what));
    entries_.erase(at->second);
    at = timeouts_.erase(at);
  }
}

void frugal_clock::schedule_message(time_point due, caf::strong_actor_ptr receiver,
                                    caf::mailbox_element_ptr content) {
  add(std::make_unique<actor_msg>(due, std::move(receiver), std::move(content)), nullptr);
}

void frugal_clock::schedule_message(time_point due, caf::group target, caf::strong_actor_ptr sender,
                                    caf::message content) {
  add(std::make_unique<group_msg>(due, std::move(target), std::move(sender), std::move(content)),
      nullptr);
}

void frugal_clock::cancel_all() {
  entries cancelled;
  const auto lock = std::scoped_lock{guard_};
  timeouts_.clear();
  cancelled.swap(entries_);
}

std::size_t frugal_clock::pending() const {
  const auto lock = std::scoped_lock{guard_};
  return entries_.size();
}

}  // namespace dunlin::scheduling
