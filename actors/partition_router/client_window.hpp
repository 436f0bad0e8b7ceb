/// CLIENT WINDOW: the sequence numbers of one client at one partition (decision 14).
#pragma once

#include <cstdint>
#include <optional>
#include <set>

namespace dunlin {

class client_window {
public:
  /// Numbers between the oldest unanswered and the newest: the partition keeps an answer for each.
  static constexpr std::uint64_t width_max = 1024;

  bool open = false;             ///< the partition knows the client
  bool opening = false;          ///< an OpenClient is on its way
  std::uint64_t generation = 0;  ///< of the last opening; numbers of an older one are dead

  /// A new number, unanswered until done(); none when the window is full.
  std::optional<std::uint64_t> take() {
    if (last_ + 1 >= lowest() + width_max) return std::nullopt;
    unanswered_.insert(++last_);
    return last_;
  }

  void done(std::uint64_t sequence) { unanswered_.erase(sequence); }

  /// Answers below it may be forgotten: nobody will ask again.
  std::uint64_t lowest() const { return unanswered_.empty() ? last_ + 1 : *unanswered_.begin(); }

  /// The highest number used so far.
  std::uint64_t last() const { return last_; }

private:
  std::uint64_t last_ = 0;
  std::set<std::uint64_t> unanswered_;
};

}  // namespace dunlin
