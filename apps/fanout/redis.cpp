#include "apps/fanout/redis.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::fanout {

namespace json = boost::json;

namespace {

using steady = std::chrono::steady_clock;

std::int64_t now_ns() { return std::chrono::nanoseconds(steady::now().time_since_epoch()).count(); }

int open_socket(std::uint16_t port) {
  const auto made = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(made, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return -1;
  const int yes = 1;
  ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return made;
}

/// A connection whose bytes come as lines; nothing here holds a line end within a word.
class connection {
public:
  explicit connection(std::uint16_t port) : socket_(open_socket(port)) {}
  ~connection() { ::close(socket_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  int socket() const { return socket_; }
  bool say(std::string_view bytes) const {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  /// What has come; false: it is closed.
  template <class Take>
  bool hear(Take take) {
    char bytes[64 << 10];
    const auto got = ::recv(socket_, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    held_.append(bytes, static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (auto end = held_.find("\r\n"); end != std::string::npos; end = held_.find("\r\n", begin)) {
      take(std::string_view(held_).substr(begin, end - begin));
      begin = end + 2;
    }
    held_.erase(0, begin);
    return true;
  }

private:
  int socket_;
  std::string held_;
};

/// One that is told: >2, $10, invalidate, *n, then n times a length and a key.
class listener : public connection {
public:
  using connection::connection;
  /// Keys that it was told of, of what has come now.
  bool hear(std::size_t& told) {
    return connection::hear([&](std::string_view line) {
      if (lines_left_ > 0) {
        told += --lines_left_ % 2 == 0 ? 1 : 0;
      } else if (line.starts_with('*')) {
        lines_left_ = 2 * std::strtoul(std::string(line.substr(1)).c_str(), nullptr, 10);
      }
    });
  }

private:
  std::size_t lines_left_ = 0;
};

std::string set_of(std::uint64_t number) {
  const auto key = fmt::format("k{}", number * 7919 % 10'000);
  return fmt::format("*3\r\n$3\r\nSET\r\n${}\r\n{}\r\n$100\r\n{:0100}\r\n", key.size(), key,
                     number);
}

class peer {
public:
  peer(std::uint16_t port, std::size_t connections) : writer_(port), poll_(::epoll_create1(0)) {
    watch(writer_.socket(), connections);
    for (std::size_t i = 0; i < connections; ++i) {
      listeners_.push_back(std::make_unique<listener>(port));
      listeners_.back()->say("HELLO 3\r\nCLIENT TRACKING on BCAST\r\n");
      watch(listeners_.back()->socket(), i);
    }
    // What they answer to that.
    const auto until = now_ns() + 1'000'000'000;
    while (now_ns() < until)
      turn(100);
    told_ = answered_ = 0;
  }
  ~peer() { ::close(poll_); }

  json::object write(double rate, double seconds) {
    json::array writes;
    const auto count = static_cast<std::size_t>(rate * seconds);
    const auto start = now_ns();
    for (std::size_t i = 0; i < count; ++i) {
      const auto due = start + static_cast<std::int64_t>(1e9 / rate * static_cast<double>(i));
      if (const auto wait = due - now_ns(); wait > 0) ::usleep(static_cast<unsigned>(wait / 1000));
      told_ = answered_ = 0;
      std::int64_t acknowledged = 0;
      const auto began = now_ns();
      writer_.say(set_of(++number_));
      while (told_ < listeners_.size() || answered_ == 0) {
        if (!turn(5'000)) return {{"failed", "Redis is gone, or silent"}};
        if (answered_ > 0 && acknowledged == 0) acknowledged = now_ns();
      }
      writes.push_back(json::array{began, acknowledged, now_ns()});
    }
    return {{"writes", std::move(writes)}};
  }

  json::object flood(std::size_t depth, double seconds) {
    told_ = answered_ = 0;
    const auto start = now_ns();
    const auto until = start + static_cast<std::int64_t>(seconds * 1e9);
    std::size_t sent = 0;
    while (now_ns() < until) {
      std::string burst;
      for (; sent < answered_ + depth; ++sent)
        burst += set_of(++number_);
      if (!burst.empty()) writer_.say(burst);
      if (!turn(5'000)) return {{"failed", "Redis is gone, or silent"}};
    }
    const auto took = static_cast<double>(now_ns() - start) / 1e9;
    while (answered_ < sent && turn(1'000)) {}
    return {{"changes", sent}, {"told", told_}, {"seconds", took}};
  }

private:
  void watch(int socket, std::size_t number) const {
    epoll_event wish{};
    wish.events = EPOLLIN;
    wish.data.u64 = number;
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, socket, &wish);
  }
  /// False: nothing came in that time, or somebody is gone.
  bool turn(int milliseconds) {
    epoll_event ready[128];
    const auto count = ::epoll_wait(poll_, ready, 128, milliseconds);
    for (int i = 0; i < count; ++i) {
      const auto number = ready[i].data.u64;
      const auto lives =
          number < listeners_.size()
              ? listeners_[number]->hear(told_)
              : writer_.hear([&](std::string_view line) { answered_ += line == "+OK" ? 1 : 0; });
      if (!lives) return false;
    }
    return count > 0;
  }

  connection writer_;
  std::vector<std::unique_ptr<listener>> listeners_;
  int poll_;
  std::size_t told_ = 0, answered_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace

int drive_redis(std::uint16_t port, std::size_t connections) {
  peer with{port, connections};
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb;
    double first = 0, seconds = 0;
    words >> verb >> first >> seconds;
    json::object answer;
    if (verb == "write") answer = with.write(first, seconds);
    if (verb == "flood") answer = with.flood(static_cast<std::size_t>(first), seconds);
    std::cout << json::serialize(answer) << std::endl;
  }
  return 0;
}

}  // namespace dunlin::fanout
