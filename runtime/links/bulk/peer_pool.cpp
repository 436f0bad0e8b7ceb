#include "runtime/links/bulk/peer_pool.hpp"

#include "runtime/links/bulk/bulk_frames.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace dunlin::links {

namespace asio = boost::asio;
using sockets::byte_stream_ptr;

peer_pool::peer_pool(node_id peer, const tls_bulk_options& options,
                     std::shared_ptr<sockets::io_threads> threads,
                     std::shared_ptr<doorkeeper> keeper)
    : peer_(std::move(peer)),
      options_(options),
      threads_(std::move(threads)),
      keeper_(std::move(keeper)),
      strand_(asio::make_strand(threads_->context())) {}

void peer_pool::exchange(bulk_message request, std::chrono::milliseconds timeout,
                         done_handler done) {
  const auto deadline = clock::now() + timeout;
  auto made = std::make_shared<call>(
      call{std::move(request), std::move(done), deadline, asio::steady_timer{strand_}});
  asio::co_spawn(
      strand_, [self = shared_from_this(), made] { return self->run(made); }, asio::detached);
}

// One exchange from its place in the line to its answer.
asio::awaitable<void> peer_pool::run(call_ptr waiting) {
  const auto self = shared_from_this();
  if (closed_) co_return waiting->done(ec::stopping);
  if (busy_ >= options_.connections_max) {
    if (line_.size() >= options_.waiting_max) co_return waiting->done(ec::overloaded);
    const auto mine = co_await wait_for_turn(waiting);
    if (!mine) co_return waiting->done(closed_ ? ec::stopping : ec::timed_out);
  } else {
    ++busy_;
  }
  auto stream = co_await connection(waiting->deadline);
  if (!stream) {
    release();
    co_return waiting->done(stream.error());
  }
  auto answer = co_await talk(*stream, waiting);
  if (answer && !closed_) {
    (*stream)->expires_after(options_.idle_timeout);
    idle_.push_back(std::move(*stream));
  } else {
    (*stream)->close();
  }
  release();
  waiting->done(std::move(answer));
}

// True: a connection may be used, counted in busy_ already. False: too late.
asio::awaitable<bool> peer_pool::wait_for_turn(call_ptr waiting) {
  line_.push_back(waiting);
  waiting->turn.expires_at(waiting->deadline);
  co_await waiting->turn.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!waiting->granted) std::erase(line_, waiting);
  co_return waiting->granted;
}

void peer_pool::release() {
  if (line_.empty()) {
    --busy_;
    return;
  }
  const auto next = line_.front();
  line_.pop_front();
  next->granted = true;
  next->turn.cancel();
}

asio::awaitable<result<byte_stream_ptr>> peer_pool::connection(clock::time_point deadline) {
  // The newest is the least likely to be gone; one that is gone was closed by the peer, unused.
  while (!idle_.empty()) {
    auto stream = std::move(idle_.back());
    idle_.pop_back();
    if (!stream->went_stale()) co_return stream;
    stream->close();
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now());
  if (left.count() <= 0) co_return ec::timed_out;
  auto dialled = co_await keeper_->dial(strand_, peer_, left);
  // Nothing was sent: unlike a timeout later, this outcome is known.
  if (!dialled && dialled.error() == ec::timed_out) co_return ec::unavailable;
  co_return dialled;
}

asio::awaitable<result<bulk_message>> peer_pool::talk(byte_stream_ptr over, call_ptr about) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(about->deadline - clock::now());
  over->expires_after(std::max(left, std::chrono::milliseconds(1)));
  const auto unsent = co_await write_message(*over, about->request);
  about->request = {};
  const auto lost = [](ec why) { return why == ec::closed ? ec::peer_lost : why; };
  if (unsent) co_return lost(*unsent);
  const auto lengths = co_await read_lengths(*over);
  if (!lengths) co_return lost(lengths.error());
  auto answer = co_await read_rest(*over, *lengths);
  if (!answer) co_return lost(answer.error());
  co_return answer;
}

void peer_pool::close_soon() {
  asio::post(strand_, [self = shared_from_this()] {
    self->closed_ = true;
    for (auto& stream : std::exchange(self->idle_, {}))
      stream->close();
    for (auto& waiting : self->line_)
      waiting->turn.cancel();
  });
}

}  // namespace dunlin::links
