/// LEG PORT: how a balancer's process dials access nodes: plain on loopback, else with the nodes'
/// certificates (docs/decisions/0015). As the access node listens, by the same rule.
#pragma once

#include "runtime/sockets/socket_port.hpp"

namespace dunlin::assembly {

class leg_port final : public sockets::stream_port {
public:
  /// `tls` null: always plain.
  leg_port(const std::shared_ptr<sockets::io_threads>& threads, const sockets::tls_context& tls)
      : plain_{threads, nullptr, nullptr}, secure_{threads, nullptr, tls} {}

  result<std::uint16_t> listen(const sockets::endpoint&, bool,
                               std::function<void(sockets::stream_ptr)>) override {
    return ec::unsupported;
  }
  void stop_listening() override {}

  sockets::asio::awaitable<result<sockets::stream_ptr>> dial(
      sockets::asio::any_io_executor on, sockets::endpoint where,
      std::chrono::milliseconds within) override;

private:
  sockets::socket_port plain_, secure_;
};

}  // namespace dunlin::assembly
