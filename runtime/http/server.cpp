#include "runtime/http/server.hpp"

#include "runtime/http/entry.hpp"
#include "runtime/sockets/socket_port.hpp"

#include <utility>

namespace dunlin::http {

using namespace sockets;

namespace {

class socket_server final : public server {
public:
  socket_server(std::shared_ptr<io_threads> threads, std::unique_ptr<stream_entry> entry)
      : threads_(std::move(threads)), entry_(std::move(entry)) {}
  ~socket_server() override { stop(); }
  result<void> serve(acceptor requests) override { return entry_->serve(std::move(requests)); }
  void drain(int seconds) override { entry_->drain(seconds); }
  // Before anything that their handlers use goes, the threads have ended.
  void stop() override {
    entry_->stop();
    threads_->stop();
  }
  std::uint16_t port() const override { return entry_->port(); }
  std::uint16_t leg_port() const override { return entry_->leg_port(); }

private:
  const std::shared_ptr<io_threads> threads_;
  const std::unique_ptr<stream_entry> entry_;
};

}  // namespace

result<std::unique_ptr<server>> make_server(server_options options, random_source& random,
                                            metrics& counts) {
  tls_context tls;
  if (options.tls) {
    auto made = server_context(options.tls->certificate, options.tls->key);
    if (!made) return made.error();
    tls = std::move(*made);
  }
  auto threads = std::make_shared<io_threads>(options.threads);
  entry_ports ports;
  if (options.direct) ports.clients = std::make_shared<socket_port>(threads, tls, nullptr);
  if (options.legs) ports.legs = std::make_shared<socket_port>(threads, options.legs->tls, nullptr);
  auto entry = make_entry(std::move(options), std::move(ports), random, counts);
  return std::unique_ptr<server>(
      std::make_unique<socket_server>(std::move(threads), std::move(entry)));
}

}  // namespace dunlin::http
