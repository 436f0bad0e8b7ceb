/// A real server on loopback whose verbs a test writes, and raw sockets to abuse it.
#pragma once

#include "runtime/crypto/random.hpp"
#include "runtime/http/server.hpp"
#include "tests/support/raw_socket.hpp"
#include "tests/support/soon.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace dunlin::tests {

using namespace std::chrono_literals;

inline buffer bytes(std::string of) { return std::make_shared<const std::string>(std::move(of)); }

/// Reads all of the body, then calls `done`.
inline void read_all(const http::exchange_ptr& from, std::size_t step,
                     std::function<void(result<std::string>)> done,
                     std::shared_ptr<std::string> body = std::make_shared<std::string>()) {
  from->read(step, [=](result<std::string> part) {
    if (!part) return done(part.error());
    if (part->empty()) return done(*body);
    *body += *part;
    read_all(from, step, done, body);
  });
}

struct HttpServer : testing::Test {
  HttpServer() {
    options.listen = {"127.0.0.1", 0};
    verb = [this](http::exchange_ptr asked) { echo(std::move(asked)); };
  }
  ~HttpServer() override {
    {
      const auto lock = std::scoped_lock{held_guard};
      held.clear();
    }
    if (server) server->stop();
  }

  void start() {
    server = http::make_server(options, random, counts).value();
    ASSERT_TRUE(server->serve([this](http::exchange_ptr asked) { verb(std::move(asked)); }));
  }

  /// Answers "METHOD target body"; broken bodies with 400 or 408.
  void echo(http::exchange_ptr asked) {
    read_all(asked, 1000, [asked](result<std::string> body) {
      if (!body) return reply(asked, body.error() == ec::timed_out ? 408 : 400, "bad body");
      reply(asked, 200, asked->request().method + " " + asked->request().target + " " + *body);
    });
  }

  static void reply(const http::exchange_ptr& to, int status, const std::string& text) {
    to->respond({status, {}, text.size()}, bytes(text), [to](result<void>) {});
  }

  void hold(http::exchange_ptr asked) {
    const auto lock = std::scoped_lock{held_guard};
    held.push_back(std::move(asked));
  }

  double refused(const std::string& reason) {
    return counts
        .counter("dunlin_http_refused_total", "Requests and connections refused by the entry.",
                 {{"reason", reason}})
        .value();
  }

  http::server_options options;
  crypto::seeded_random random{1};
  metrics counts;
  std::function<void(http::exchange_ptr)> verb;
  std::mutex held_guard;
  std::vector<http::exchange_ptr> held;
  std::unique_ptr<http::server> server;
  shared_view view;
};

}  // namespace dunlin::tests
