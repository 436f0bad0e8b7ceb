/// VIRTUAL ENTRY: the HTTP port of a simulated access node: requests come from the test.
#pragma once

#include "runtime/simulation/sim_http.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace dunlin::testkit {

class virtual_entry final : public http::entry {
public:
  result<void> serve(http::acceptor requests) override {
    acceptor_ = std::move(requests);
    return {};
  }
  void drain(int) override { acceptor_ = nullptr; }
  void stop() override { acceptor_ = nullptr; }

  /// Hands a request to the node; false: nobody listens, as when a connection is refused.
  bool submit(const std::shared_ptr<simulation::sim_exchange>& exchange) {
    if (!acceptor_) return false;
    std::erase_if(open_, [](const auto& one) { return one.expired(); });
    open_.push_back(exchange);
    acceptor_(exchange);
    return true;
  }

  /// The node is gone, and every connection with it.
  void crash() {
    acceptor_ = nullptr;
    for (const auto& one : std::exchange(open_, {}))
      if (const auto exchange = one.lock()) exchange->hang_up();
  }

private:
  http::acceptor acceptor_;
  std::vector<std::weak_ptr<simulation::sim_exchange>> open_;
};

}  // namespace dunlin::testkit
