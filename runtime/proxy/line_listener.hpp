/// LINE LISTENER: a balancer's public address, and the lines of its clients. Bounded: at
/// `lines_max` the oldest client that has said nothing yet gives way; where all have spoken, the
/// new one is refused. Thread safe.
#pragma once

#include "runtime/proxy/line.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>

namespace dunlin::proxy {

class line_listener {
public:
  /// Both ports outlive it. Numbers of lines are greater than `before`: a balancer that starts anew
  /// should not use those of its former life, which access nodes and their records still speak of.
  line_listener(sockets::stream_port& clients, sockets::stream_port& legs, line_number before = 0);
  /// Closes all lines; no event comes afterwards.
  ~line_listener();

  /// Before listen(): whom lines tell.
  void serve(line_events owner);
  /// As stream_port::listen.
  result<std::uint16_t> listen(const sockets::endpoint& where, bool wildcard);
  /// No new clients; with `all` the lines that are idle are closed too.
  void drain();

  line_limits& limits();
  /// Null: it has ended.
  std::shared_ptr<line> find(line_number number) const;
  std::size_t size() const;
  /// Of all lines there ever were.
  line_counts counts() const;
  std::uint64_t given_way() const;
  std::uint64_t turned_away() const;

  /// Closes lines that have moved no byte for longer than idle_ms; `now` is anybody's, but always
  /// the same clock. To be called several times within idle_ms.
  void sweep(std::chrono::milliseconds now);

private:
  class inside;
  const std::shared_ptr<inside> inside_;
};

}  // namespace dunlin::proxy
