/// LEG: the part of a client's connection between its balancer and this access node, as those who
/// place and move connections see it (B7, B11, B14, docs/decisions/0015). It begins with a PROXY
/// header (version 2) that carries the client's address and a token from an accept reply.
#pragma once

#include "messages/vocabulary.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::http {

/// Since the connection began. Bytes are the client's and those to the client.
struct leg_counts {
  std::uint64_t requests = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t drops = 0;  ///< requests refused or cut
  double declared = 0;      ///< sum of the requests' x-dunlin-load; zero unless it is honoured
  bool in_request = false;
};

/// Thread safe.
class leg {
public:
  virtual ~leg() = default;
  virtual leg_counts counts() const = 0;

  /// Gives the connection back at the next boundary: last answer flushed, no request begun, all of
  /// the `forwarded` bytes of the client received. `done` gets what was not parsed, at most 64 KiB;
  /// the leg has then ended its sending and will close. Errors, after which it goes on as before:
  /// ec::refused (a request has begun that is not whole; more than 64 KiB unread; the answer will
  /// close the connection anyway), ec::timed_out (not at a boundary within `within`), ec::closed.
  virtual void hand_over(std::uint64_t forwarded, std::chrono::milliseconds within,
                         std::function<void(result<std::string>)> done) = 0;

  virtual void close_soon() = 0;

  /// From the next request on, after an answer it waits before it reads on, for so long that
  /// waiting is this part of the time, at most two seconds (R10); 0: not. One that cannot does not.
  virtual void throttle(double part) { static_cast<void>(part); }
};

/// Who knows which legs are expected. Thread safe; called on threads of the entry.
class leg_book {
public:
  virtual ~leg_book() = default;
  /// The number of the connection that the token was given for; each token once. Nullopt: a
  /// stranger, who is closed without an answer.
  virtual std::optional<std::uint64_t> redeem(std::string_view token) = 0;
  /// A stranger was closed, whatever it showed or did not show.
  virtual void turned_away() = 0;
  virtual void opened(std::uint64_t connection, std::weak_ptr<leg> made,
                      const std::string& client) = 0;
  virtual void closed(std::uint64_t connection, const leg_counts& last) = 0;
  /// May requests say how heavy they are?
  virtual bool honours_declared_load() const = 0;
};

}  // namespace dunlin::http
