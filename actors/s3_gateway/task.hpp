/// TASK and ASYNC: what lets a verb read as linear code on top of messages. Single-threaded:
/// everything of one request resumes inside its actor. Destroying the outermost task destroys every
/// frame under it; an answer that arrives later is dropped.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace dunlin::s3 {

namespace detail {

/// Resumes the waiting frame by a plain call. A child that ends without suspending never gets here
/// with a waiting frame, so loops over synchronous answers do not grow the stack (g++ 12 does not
/// promise the tail call of symmetric transfer without optimisation).
struct final_awaiter {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
    const auto waiting = std::exchange(ended.promise().waiting, nullptr);
    if (waiting) waiting.resume();  // may destroy `ended`
  }
  void await_resume() const noexcept {}
};

struct promise_base {
  std::coroutine_handle<> waiting;
  std::exception_ptr failure;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  final_awaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { failure = std::current_exception(); }
};

template <class T>
struct promise : promise_base {
  std::optional<T> value;
  template <class U>
  void return_value(U&& given) {
    value.emplace(std::forward<U>(given));
  }
  T take() { return std::move(*value); }
};

template <>
struct promise<void> : promise_base {
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace detail

/// A coroutine that starts when it is awaited, or by start() for the outermost one.
template <class T>
class [[nodiscard]] task {
public:
  struct promise_type : detail::promise<T> {
    task get_return_object() {
      return task{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
  };

  task() = default;
  task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    if (this != &other) reset(std::exchange(other.frame_, nullptr));
    return *this;
  }
  task(const task&) = delete;
  task& operator=(const task&) = delete;
  ~task() { reset(nullptr); }

  /// Runs up to the first suspension.
  void start() { frame_.resume(); }
  bool done() const { return !frame_ || frame_.done(); }
  /// The value of an ended task; throws what the coroutine threw.
  T take() {
    if (frame_.promise().failure) std::rethrow_exception(frame_.promise().failure);
    return frame_.promise().take();
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    frame_.resume();
    if (frame_.done()) return false;
    frame_.promise().waiting = waiting;
    return true;
  }
  T await_resume() { return take(); }

private:
  explicit task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  void reset(std::coroutine_handle<promise_type> next) {
    if (frame_) frame_.destroy();
    frame_ = next;
  }
  std::coroutine_handle<promise_type> frame_ = nullptr;
};

/// One answer that somebody else gives, at once or later, by calling what `starter` is handed.
template <class T>
class [[nodiscard]] async {
public:
  using resume = std::function<void(T)>;
  using starter = std::function<void(resume)>;

  explicit async(starter start) : start_(std::move(start)), shared_(std::make_shared<shared>()) {}
  async(async&&) noexcept = default;
  async& operator=(async&&) noexcept = default;
  ~async() {
    if (shared_) shared_->waiting = nullptr;
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    auto kept = shared_;
    start_([kept](T value) {
      if (kept->value) return;
      kept->value.emplace(std::move(value));
      const auto frame = std::exchange(kept->waiting, nullptr);
      if (frame) frame.resume();
    });
    if (kept->value) return false;
    kept->waiting = waiting;
    return true;
  }
  T await_resume() { return std::move(*shared_->value); }

private:
  struct shared {
    std::optional<T> value;
    std::coroutine_handle<> waiting;
  };
  starter start_;
  std::shared_ptr<shared> shared_;
};

/// An answer that is there already (fakes, caches).
template <class T>
async<T> ready(T value) {
  auto kept = std::make_shared<T>(std::move(value));
  return async<T>{[kept](typename async<T>::resume done) { done(std::move(*kept)); }};
}

}  // namespace dunlin::s3
