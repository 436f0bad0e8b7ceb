/// TURNS HERE: turns of a few actors on a thread that is none of the scheduler's, at once. For
/// messages that come from a socket and whose handling takes less than waking a worker (decision
/// 0014).
#pragma once

#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>

#include <boost/container/small_vector.hpp>

#include <cstddef>
#include <set>

namespace dunlin::scheduling {

/// Pass it as the context of enqueue(), then run(): the receiver takes its turn on this thread
/// unless it has one elsewhere, and so do those of `welcome` that it sends to. All others go to the
/// scheduler.
class turns_here final : public caf::execution_unit {
public:
  /// More, and the scheduler takes over: two that keep each other busy must not keep the thread.
  static constexpr std::size_t turns_max = 16;

  /// `welcome`: actors whose turns are always short, and which have no thread of their own.
  turns_here(caf::actor_system& system, const std::set<caf::actor_id>& welcome)
      : caf::execution_unit{&system}, welcome_{welcome} {}

  turns_here(const turns_here&) = delete;
  turns_here& operator=(const turns_here&) = delete;
  /// What has not had its turn is the scheduler's.
  ~turns_here() override;

  void exec_later(caf::resumable* one) override;
  void run();

private:
  void leave();

  const std::set<caf::actor_id>& welcome_;
  boost::container::small_vector<caf::resumable*, 8> waiting_;  // those before next_ had a turn
  std::size_t next_ = 0;
};

}  // namespace dunlin::scheduling
