/// FAKE LEG: a connection of the entry that does what a test says.
#pragma once

#include "runtime/http/leg.hpp"

#include <optional>
#include <utility>

namespace dunlin::support {

class fake_leg final : public http::leg {
public:
  http::leg_counts now;
  result<std::string> unread = std::string{};  ///< what hand_over gives
  bool slow = false;                           ///< hand_over waits for finish()
  std::optional<std::uint64_t> asked;          ///< `forwarded` of the last hand_over
  bool closed = false;
  double throttled = 0;

  http::leg_counts counts() const override { return now; }
  void hand_over(std::uint64_t forwarded, std::chrono::milliseconds,
                 std::function<void(result<std::string>)> done) override {
    asked = forwarded;
    if (slow)
      waiting_ = std::move(done);
    else
      done(unread);
  }
  void close_soon() override { closed = true; }
  void throttle(double part) override { throttled = part; }
  void finish() {
    if (waiting_) std::exchange(waiting_, nullptr)(unread);
  }

private:
  std::function<void(result<std::string>)> waiting_;
};

}  // namespace dunlin::support
