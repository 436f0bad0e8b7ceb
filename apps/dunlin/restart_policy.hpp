/// When a process that ended is started again.
#pragma once

#include <algorithm>
#include <chrono>

namespace dunlin::commands {

class restart_policy {
public:
  static constexpr std::chrono::milliseconds shortest{500};
  static constexpr std::chrono::milliseconds longest{10'000};
  /// Whoever lived this long was well: its next end is a new story.
  static constexpr std::chrono::milliseconds healthy{30'000};

  void on_started(std::chrono::milliseconds now) { started_ = now; }

  /// How long to wait before the next start; doubles while lives are short.
  std::chrono::milliseconds on_ended(std::chrono::milliseconds now);

private:
  std::chrono::milliseconds started_{};
  std::chrono::milliseconds next_ = shortest;
};

}  // namespace dunlin::commands
