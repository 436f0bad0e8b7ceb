/// A blocking TCP client that says exactly the bytes a test wants, on loopback.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::tests {

class raw_socket {
public:
  explicit raw_socket(std::uint16_t port, int receive_buffer_bytes = 0)
      : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer_bytes > 0)
      ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  raw_socket(const raw_socket&) = delete;
  raw_socket& operator=(const raw_socket&) = delete;
  ~raw_socket() { ::close(descriptor_); }

  bool connected() const { return connected_; }

  bool say(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void no_more() { ::shutdown(descriptor_, SHUT_WR); }

  /// What has come when `until` is in it, when the other side ended, or at the deadline.
  std::string hear(std::string_view until, int deadline_ms = 5000) {
    while (heard_.find(until) == std::string::npos && more(deadline_ms)) {}
    return heard_;
  }

  /// What has come when there are `size` bytes of it, and as above.
  std::string hear_bytes(std::size_t size, int deadline_ms = 5000) {
    while (heard_.size() < size && more(deadline_ms)) {}
    return heard_;
  }

  /// True if the other side ends the connection in time; hear() tells what it said before.
  bool ends(int deadline_ms = 5000) {
    while (more(deadline_ms)) {}
    return ended_;
  }

  void forget() { heard_.clear(); }
  const std::string& heard() const { return heard_; }

private:
  bool more(int deadline_ms) {
    if (ended_) return false;
    pollfd wait{descriptor_, POLLIN, 0};
    if (::poll(&wait, 1, deadline_ms) <= 0) return false;
    char bytes[65536];
    const auto got = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (got <= 0) ended_ = true;
    if (got > 0) heard_.append(bytes, static_cast<std::size_t>(got));
    return got > 0;
  }

  int descriptor_;
  bool connected_ = false;
  bool ended_ = false;
  std::string heard_;
};

}  // namespace dunlin::tests
