#include "runtime/sockets/io_threads.hpp"

#include <netinet/tcp.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace dunlin::sockets {

io_threads::io_threads(int threads)
    : count_(threads), context_(threads), work_(asio::make_work_guard(context_)) {
  for (int i = 0; i < threads; ++i)
    threads_.emplace_back([this] { context_.run(); });
}

io_threads::~io_threads() { stop(); }

asio::any_io_executor io_threads::executor_for_one() {
  if (count_ == 1) return context_.get_executor();
  return asio::make_strand(context_);
}

void io_threads::track(const std::shared_ptr<closable>& open) {
  const auto lock = std::scoped_lock{guard_};
  if (stopping_) return open->close_soon();
  open_.push_back(open);
  if (open_.size() < sweep_at_) return;
  std::erase_if(open_, [](const auto& one) { return one.expired(); });
  sweep_at_ = 2 * open_.size() + 64;
}

void io_threads::stop() {
  std::vector<std::weak_ptr<closable>> open;
  {
    const auto lock = std::scoped_lock{guard_};
    stopping_ = true;
    open.swap(open_);
  }
  for (auto& one : open)
    if (auto alive = one.lock()) alive->close_soon();
  work_.reset();
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
  threads_.clear();
}

bool io_threads::stopping() const {
  const auto lock = std::scoped_lock{guard_};
  return stopping_;
}

static result<tcp::endpoint> find_address(asio::io_context& context, const endpoint& where) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(where.host, error);
  if (!error) return tcp::endpoint{address, where.port};
  tcp::resolver resolver{context};
  const auto found = resolver.resolve(where.host, std::to_string(where.port), error);
  if (error || found.empty()) return ec::invalid_argument;
  return found.begin()->endpoint();
}

result<tcp::acceptor> bind_listener(asio::io_context& context, const endpoint& where,
                                    bool wildcard) {
  const auto address = find_address(context, where);
  if (!address) return address.error();
  if (address->address().is_unspecified() && !wildcard) return ec::invalid_argument;
  // On a strand: it is closed from a handler of its own (listener::close_soon).
  tcp::acceptor acceptor{asio::make_strand(context)};
  boost::system::error_code error;
  acceptor.open(address->protocol(), error);
  if (error) return ec::invalid_argument;
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  acceptor.bind(*address, error);
  if (error == asio::error::address_in_use) return ec::unavailable;
  if (error) return ec::invalid_argument;
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return ec::unavailable;
  return acceptor;
}

listener::listener(tcp::acceptor from, accepted handler, executor_source executors)
    : acceptor_(std::move(from)),
      accepted_(std::move(handler)),
      executors_(std::move(executors)),
      port_(acceptor_.local_endpoint().port()) {
  if (executors_) return;
  auto& context = static_cast<asio::io_context&>(
      asio::query(acceptor_.get_executor(), asio::execution::context));
  executors_ = [&context] { return asio::make_strand(context); };
}

void listener::start() {
  asio::co_spawn(
      acceptor_.get_executor(), [self = shared_from_this()] { return self->run(); },
      asio::detached);
}

asio::awaitable<void> listener::run() {
  asio::steady_timer pause{acceptor_.get_executor()};
  while (!closed_) {
    tcp::socket socket{executors_()};
    auto [error] = co_await acceptor_.async_accept(socket, asio::as_tuple(asio::use_awaitable));
    if (!error) {
      tune(socket);
      accepted_(std::move(socket));
    } else if (!closed_) {
      // Out of descriptors: the connection stays in the backlog, and asking at once would spin.
      pause.expires_after(std::chrono::milliseconds(50));
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }
}

void listener::close_soon() {
  asio::post(acceptor_.get_executor(), [self = shared_from_this()] {
    self->closed_ = true;
    boost::system::error_code ignored;
    self->acceptor_.close(ignored);
  });
}

void tune(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  using seconds_option = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using interval_option = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  using count_option = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
  socket.set_option(seconds_option(15), ignored);
  socket.set_option(interval_option(5), ignored);
  socket.set_option(count_option(3), ignored);
}

}  // namespace dunlin::sockets
