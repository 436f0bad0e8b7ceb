/// VIRTUAL ENTRY: the HTTP port of a simulated access node: requests come from the test.
#pragma once

#include "runtime/http/exchange.hpp"

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
  bool submit(const http::exchange_ptr& exchange) {
    if (!acceptor_) return false;
    acceptor_(exchange);
    return true;
  }

private:
  http::acceptor acceptor_;
};

}  // namespace dunlin::testkit
