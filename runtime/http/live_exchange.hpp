/// The exchange of one request of a connection.
#pragma once

#include "runtime/http/connection.hpp"

#include <memory>
#include <utility>

namespace dunlin::http {

class live_exchange final : public exchange {
public:
  live_exchange(std::shared_ptr<connection> from, std::uint64_t serial, http::request request)
      : connection_(std::move(from)), serial_(serial), request_(std::move(request)) {}
  ~live_exchange() override { connection_->cut(serial_); }

  const http::request& request() const override { return request_; }
  void read(std::size_t size, std::function<void(result<std::string>)> done) override {
    connection_->read(serial_, size, std::move(done));
  }
  void respond(response head, buffer body, std::function<void(result<void>)> done) override {
    connection_->respond(serial_, std::move(head), std::move(body), std::move(done));
  }
  void write(buffer body, std::function<void(result<void>)> done) override {
    connection_->write(serial_, std::move(body), std::move(done));
  }
  void cut() override { connection_->cut(serial_); }

private:
  const std::shared_ptr<connection> connection_;
  const std::uint64_t serial_;
  const http::request request_;
};

}  // namespace dunlin::http
