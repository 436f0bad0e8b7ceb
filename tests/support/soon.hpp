/// Waiting for other threads without sleeping: until a condition holds, or a deadline proves it
/// never will.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace dunlin::tests {

/// Guards what callbacks write and a test reads.
class shared_view {
public:
  template <class Change>
  void change(Change change) {
    {
      const auto lock = std::scoped_lock{guard_};
      change();
    }
    changed_.notify_all();
  }

  /// False if `holds` does not become true in time.
  template <class Condition>
  bool soon(Condition holds, std::chrono::milliseconds deadline = std::chrono::seconds(5)) {
    // In slices, because counters change without telling us.
    auto lock = std::unique_lock{guard_};
    for (const auto end = std::chrono::steady_clock::now() + deadline;;) {
      if (changed_.wait_for(lock, std::chrono::milliseconds(5), holds)) return true;
      if (std::chrono::steady_clock::now() >= end) return false;
    }
  }

private:
  std::mutex guard_;
  std::condition_variable changed_;
};

}  // namespace dunlin::tests
