/// SIMULATED EXECUTORS: where coroutines of simulated nodes run. Every node has a queue of
/// handlers; one is run at a time, in the order in which they were given, whosever they are. A node
/// that is held keeps its handlers until it goes on. One thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

#include <deque>
#include <memory>
#include <utility>

namespace dunlin::simulation {

namespace asio = boost::asio;

class sim_turns {
  struct handler {
    virtual ~handler() = default;
    virtual void run() = 0;
  };
  template <class Function>
  struct handler_of final : handler {
    explicit handler_of(Function&& what) : function(std::move(what)) {}
    void run() override { std::move(function)(); }
    Function function;
  };

public:
  /// One node's handlers.
  struct queue {
    explicit queue(std::size_t number) : number(number) {}
    const std::size_t number;
    std::deque<std::unique_ptr<handler>> work;
    std::size_t held = 0;  ///< handlers that were passed over
    bool ended = false;
  };
  class executor;

  static std::shared_ptr<sim_turns> make() { return std::make_shared<sim_turns>(); }

  /// Runs the next handler of whom `may_run` lets; false if there is none. `around` is given the
  /// queue and what runs the handler.
  template <class MayRun, class Around>
  bool run_one(MayRun may_run, Around around) {
    while (!ready_.empty()) {
      const auto whose = std::move(ready_.front());
      ready_.pop_front();
      if (whose->work.empty()) continue;
      if (!may_run(*whose)) {
        ++whose->held;
        continue;
      }
      auto next = std::move(whose->work.front());
      whose->work.pop_front();
      around(*whose, [&next] { next->run(); });
      return true;
    }
    return false;
  }

  /// It may run again.
  void resume(const std::shared_ptr<queue>& whose) {
    for (; whose->held > 0; --whose->held)
      ready_.push_back(whose);
  }

  /// Handlers are dropped from now on, those that wait too.
  void end(const std::shared_ptr<queue>& whose) {
    whose->ended = true;
    // What goes may give more.
    while (!whose->work.empty()) {
      const auto dropped = std::move(whose->work.front());
      whose->work.pop_front();
    }
  }

private:
  std::deque<std::shared_ptr<queue>> ready_;  // once for each handler
  asio::execution_context context_;
};

/// What Asio wants of an executor. Never runs a handler from inside a call.
class sim_turns::executor {
public:
  executor(std::shared_ptr<sim_turns> turns, std::shared_ptr<queue> whose)
      : turns_(std::move(turns)), queue_(std::move(whose)) {}

  asio::execution_context& query(asio::execution::context_t) const noexcept {
    return turns_->context_;
  }
  static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
    return asio::execution::blocking.never;
  }
  executor require(asio::execution::blocking_t::never_t) const noexcept { return *this; }

  template <class Function>
  void execute(Function what) const {
    if (queue_->ended) return;
    queue_->work.push_back(std::make_unique<handler_of<Function>>(std::move(what)));
    turns_->ready_.push_back(queue_);
  }

  bool operator==(const executor& other) const noexcept { return queue_ == other.queue_; }
  bool operator!=(const executor& other) const noexcept { return queue_ != other.queue_; }

private:
  std::shared_ptr<sim_turns> turns_;
  std::shared_ptr<queue> queue_;
};

}  // namespace dunlin::simulation
