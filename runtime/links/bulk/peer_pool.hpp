/// PEER POOL: the connections that one node has dialled to one peer, and who waits for them. All of
/// it runs on one strand; exchange() and close_soon() may come from any thread.
#pragma once

#include "runtime/links/bulk/tls_bulk.hpp"
#include "runtime/links/doorkeeper.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace dunlin::links {

class peer_pool final : public sockets::closable, public std::enable_shared_from_this<peer_pool> {
public:
  using done_handler = std::function<void(result<bulk_message>)>;

  peer_pool(node_id peer, const tls_bulk_options& options,
            std::shared_ptr<sockets::io_threads> threads, std::shared_ptr<doorkeeper> keeper);

  void exchange(bulk_message request, std::chrono::milliseconds timeout, done_handler done);
  void close_soon() override;

private:
  using clock = std::chrono::steady_clock;
  struct call {
    bulk_message request;
    done_handler done;
    clock::time_point deadline;
    boost::asio::steady_timer turn;  ///< until the deadline, or until a connection is free
    bool granted = false;
  };
  using call_ptr = std::shared_ptr<call>;

  boost::asio::awaitable<void> run(call_ptr waiting);
  boost::asio::awaitable<bool> wait_for_turn(call_ptr waiting);
  boost::asio::awaitable<result<sockets::byte_stream_ptr>> connection(clock::time_point deadline);
  boost::asio::awaitable<result<bulk_message>> talk(sockets::byte_stream_ptr over, call_ptr about);
  void release();

  const node_id peer_;
  const tls_bulk_options& options_;
  const std::shared_ptr<sockets::io_threads> threads_;
  const std::shared_ptr<doorkeeper> keeper_;
  const sockets::tcp::socket::executor_type strand_;
  std::size_t busy_ = 0;  ///< exchanges that may use a connection, at most connections_max
  std::vector<sockets::byte_stream_ptr> idle_;
  std::deque<call_ptr> line_;
  bool closed_ = false;
};

}  // namespace dunlin::links
