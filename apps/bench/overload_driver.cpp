// dunlin-overload FILE: sends prepared HTTP requests at a constant rate, whatever comes back (an
// open loop), or keeps a number of them in flight (a closed one), and prints what happened in each
// second as one line of JSON. For tools/bench and the process tests.
//
// FILE holds, for each request: port (4 bytes), length (4 bytes, both little-endian), bytes.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace {

struct options {
  std::string file;
  double rate = 0;            ///< a second; 0: closed loop
  std::size_t in_flight = 1;  ///< of the closed loop
  std::size_t connections_max = 1000;
  double seconds = 5;
  double patience = 5;  ///< for answers after the last request
};

struct prepared {
  std::uint16_t port;
  std::string bytes;
};

struct second {
  std::uint64_t sent = 0, stored = 0, slow_down = 0, other = 0, broken = 0, no_connection = 0;
  std::uint64_t without_retry_after = 0;
  std::vector<double> stored_ms, refused_ms;
};

struct client {
  int fd = -1;
  std::uint16_t port = 0;
  const std::string* sending = nullptr;
  std::size_t sent = 0;
  std::string received;
  double since = 0;  ///< when the request was due, so that waiting here counts
  bool busy = false;
};

class generator {
public:
  generator(options wish, std::vector<prepared> requests)
      : wish_(std::move(wish)), requests_(std::move(requests)), epoll_(epoll_create1(0)) {}

  void run() {
    started_ = clock::now();
    std::size_t due = 0;
    for (;;) {
      const auto at = now();
      const bool sending = at < wish_.seconds;
      if (!sending && (busy_ == 0 || at > wish_.seconds + wish_.patience)) break;
      if (sending && wish_.rate > 0)
        for (; static_cast<double>(due) < at * wish_.rate; ++due)
          begin(static_cast<double>(due) / wish_.rate);
      if (sending && wish_.rate == 0)
        while (busy_ < wish_.in_flight && begin(at))
          continue;
      wait(1);
    }
    unanswered_ = busy_;
  }

  std::string json() {
    std::string lines;
    for (auto& [number, one] : seconds_)
      lines += fmt::format(
          "{}{{\"second\": {}, \"sent\": {}, \"stored\": {}, \"slow_down\": {}, \"other\": {}, "
          "\"broken\": {}, \"no_connection\": {}, \"without_retry_after\": {}, "
          "\"stored_p50_ms\": {:.2f}, \"stored_p99_ms\": {:.2f}, \"refused_p50_ms\": {:.2f}, "
          "\"refused_p99_ms\": {:.2f}}}",
          lines.empty() ? "" : ", ", number, one.sent, one.stored, one.slow_down, one.other,
          one.broken, one.no_connection, one.without_retry_after, quantile(one.stored_ms, 50),
          quantile(one.stored_ms, 99), quantile(one.refused_ms, 50), quantile(one.refused_ms, 99));
    return fmt::format("{{\"unanswered\": {}, \"first_other\": \"{}\", \"seconds\": [{}]}}",
                       unanswered_, first_other_, lines);
  }

private:
  using clock = std::chrono::steady_clock;

  double now() const { return std::chrono::duration<double>(clock::now() - started_).count(); }
  second& present() { return seconds_[static_cast<int>(now())]; }

  static double quantile(std::vector<double>& of, std::size_t percent) {
    if (of.empty()) return 0;
    std::sort(of.begin(), of.end());
    return of[of.size() * percent / 100];
  }

  /// False: nothing could be sent.
  bool begin(double due) {
    const auto& request = requests_[next_++ % requests_.size()];
    auto& tally = present();
    auto& idle = idle_[request.port];
    client* with = nullptr;
    if (!idle.empty()) {
      with = idle.back();
      idle.pop_back();
    } else if (open_ < wish_.connections_max) {
      with = connect(request.port);
    }
    if (with == nullptr) {
      ++tally.no_connection;
      return false;
    }
    ++tally.sent;
    ++busy_;
    with->busy = true;
    with->sending = &request.bytes;
    with->sent = 0;
    with->received.clear();
    with->since = due;
    write(*with);
    return true;
  }

  client* connect(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return nullptr;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) {
      ::close(fd);
      return nullptr;
    }
    auto& made = clients_.emplace_back();
    made.fd = fd;
    made.port = port;
    epoll_event wanted{};
    wanted.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    wanted.data.ptr = &made;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &wanted);
    ++open_;
    return &made;
  }

  void close(client& of) {
    if (of.fd < 0) return;
    ::close(of.fd);
    of.fd = -1;
    --open_;
    auto& idle = idle_[of.port];
    idle.erase(std::remove(idle.begin(), idle.end(), &of), idle.end());
    if (!std::exchange(of.busy, false)) return;
    --busy_;
    ++present().broken;
  }

  void write(client& of) {
    while (of.sent < of.sending->size()) {
      const auto n =
          ::send(of.fd, of.sending->data() + of.sent, of.sending->size() - of.sent, MSG_NOSIGNAL);
      if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) return;
      if (n < 0) return close(of);
      of.sent += static_cast<std::size_t>(n);
    }
  }

  void read(client& of) {
    char bytes[16384];
    for (;;) {
      const auto n = ::recv(of.fd, bytes, sizeof bytes, 0);
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) return close(of);
      of.received.append(bytes, static_cast<std::size_t>(n));
      if (of.busy) take_answer(of);
      if (of.fd < 0) return;
    }
  }

  void take_answer(client& of) {
    const auto head_end = of.received.find("\r\n\r\n");
    if (head_end == std::string::npos) return;
    const auto head = of.received.substr(0, head_end + 2);
    std::size_t length = 0;
    if (const auto at = head.find("\r\nContent-Length: "); at != std::string::npos)
      length = std::stoul(head.substr(at + 18));
    if (of.received.size() < head_end + 4 + length) return;
    count(head, of);
    of.busy = false;
    --busy_;
    // An answer that came before its request was sent, or that ends the connection.
    if (of.sent < of.sending->size() || head.find("\r\nConnection: close") != std::string::npos)
      return close(of);
    idle_[of.port].push_back(&of);
  }

  void count(const std::string& head, const client& of) {
    auto& tally = present();
    const auto took = 1000 * (now() - of.since);
    const auto status = head.substr(9, 3);
    if (status[0] == '2') {
      ++tally.stored;
      tally.stored_ms.push_back(took);
    } else if (status == "503") {
      ++tally.slow_down;
      tally.refused_ms.push_back(took);
      if (head.find("\r\nRetry-After: ") == std::string::npos) ++tally.without_retry_after;
    } else {
      ++tally.other;
      if (first_other_.empty()) first_other_ = head.substr(0, head.find('\r'));
    }
  }

  void wait(int milliseconds) {
    epoll_event events[256];
    const int count = ::epoll_wait(epoll_, events, 256, milliseconds);
    for (int i = 0; i < count; ++i) {
      auto& of = *static_cast<client*>(events[i].data.ptr);
      if (of.fd >= 0 && of.busy && (events[i].events & EPOLLOUT) != 0) write(of);
      if (of.fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP | EPOLLERR)) != 0)
        read(of);
    }
  }

  const options wish_;
  const std::vector<prepared> requests_;
  const int epoll_;
  clock::time_point started_;
  std::deque<client> clients_;  // addresses stay
  std::map<std::uint16_t, std::vector<client*>> idle_;
  std::size_t next_ = 0, open_ = 0, busy_ = 0, unanswered_ = 0;
  std::string first_other_;
  std::map<int, second> seconds_;
};

std::vector<prepared> read_requests(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  const std::string all{std::istreambuf_iterator<char>{in}, {}};
  std::vector<prepared> requests;
  for (std::size_t at = 0; at + 8 <= all.size();) {
    std::uint32_t port = 0, length = 0;
    std::memcpy(&port, all.data() + at, 4);
    std::memcpy(&length, all.data() + at + 4, 4);
    requests.push_back({static_cast<std::uint16_t>(port), all.substr(at + 8, length)});
    at += 8 + length;
  }
  return requests;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Sends prepared HTTP requests to this machine, and counts what comes back."};
  options wish;
  app.add_option("FILE", wish.file, "the requests")->required();
  app.add_option("--rate", wish.rate, "requests a second, whatever comes back");
  app.add_option("--in-flight", wish.in_flight, "without --rate: requests in flight");
  app.add_option("--connections", wish.connections_max, "open at most");
  app.add_option("--seconds", wish.seconds, "how long to send");
  CLI11_PARSE(app, argc, argv);
  auto requests = read_requests(wish.file);
  if (requests.empty()) {
    fmt::print(stderr, "no requests in {}\n", wish.file);
    return 2;
  }
  generator load{wish, std::move(requests)};
  load.run();
  fmt::print("{}\n", load.json());
  return 0;
}
