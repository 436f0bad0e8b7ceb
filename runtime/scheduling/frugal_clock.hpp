/// FRUGAL CLOCK: CAF's clock of timeouts and delayed messages, in the caller's thread. CAF's own
/// wakes its thread for every timeout that is set and again for every one that is cancelled, so
/// twice a request, and then looks for the latter among all of the actor's.
#pragma once

#include <caf/detail/thread_safe_actor_clock.hpp>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <tuple>
#include <vector>

namespace dunlin::scheduling {

/// Derived from CAF's because a coordinator must answer one; nothing of it is used but the types.
class frugal_clock final : public caf::detail::thread_safe_actor_clock {
public:
  ~frugal_clock() override { stop(); }

  void start();
  /// What is not due stays unsent.
  void stop();

  void set_ordinary_timeout(time_point due, caf::abstract_actor* self, caf::atom_value type,
                            std::uint64_t id) override;
  void set_multi_timeout(time_point due, caf::abstract_actor* self, caf::atom_value type,
                         std::uint64_t id) override;
  void set_request_timeout(time_point due, caf::abstract_actor* self, caf::message_id id) override;
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override;
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;
  void schedule_message(time_point due, caf::strong_actor_ptr receiver,
                        caf::mailbox_element_ptr content) override;
  void schedule_message(time_point due, caf::group target, caf::strong_actor_ptr sender,
                        caf::message content) override;
  void cancel_all() override;

  std::size_t pending() const;

private:
  enum class kind : std::uint8_t { ordinary, multi, request };
  using timeout_key = std::tuple<caf::actor_id, kind, std::uint64_t>;
  struct entry {
    unique_delayed_event_ptr what;
    timeout_key key;
    bool has_key = false;
  };
  using entries = std::multimap<time_point, entry>;

  static timeout_key key_of(caf::abstract_actor* self, kind what, std::uint64_t id);
  void add(unique_delayed_event_ptr what, const timeout_key* key);
  /// What was cancelled, to be dropped without the lock: it may hold the last reference to an
  /// actor.
  [[nodiscard]] unique_delayed_event_ptr cancel(const timeout_key& key);
  std::vector<unique_delayed_event_ptr> take_due(time_point now);
  void run();

  mutable std::mutex guard_;
  std::condition_variable changed_;
  entries entries_;
  std::map<timeout_key, entries::iterator> timeouts_;
  time_point waits_until_ = time_point::min();  // min: the thread is awake and looks again
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace dunlin::scheduling
