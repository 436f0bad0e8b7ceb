/// REQUEST TRACKER: follows what a client says and what it is answered, so that its balancer knows
/// whether a request can be asked again when the access node dies (R11, docs/decisions/0015). Pure:
/// bytes in, verdicts out; reads requests with the same eyes as the access node, or two readers
/// could see different requests in the same bytes. What it cannot follow, it never again trusts on
/// this connection.
#pragma once

#include "runtime/http/body_reader.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::proxy {

class request_tracker {
public:
  static constexpr std::size_t kept_bytes_max = 16u << 10;
  static constexpr std::size_t headers_max = 256;
  static constexpr unsigned pipelined_max = 64;

  void from_client(std::string_view bytes);
  void from_leg(std::string_view bytes);

  /// Nothing is begun that is not whole, and nothing waits for its answer.
  bool at_boundary() const;
  /// As at_boundary(), and the client may ask more: the last answer did not close the connection.
  bool rests() const { return at_boundary() && !closing_; }
  /// Requests of which a byte has come.
  std::uint64_t begun() const { return begun_; }
  /// Requests begun and not answered whole.
  unsigned unanswered() const { return unanswered_; }
  /// Both sides can be followed so far.
  bool follows() const { return !lost_; }

  /// All that is not answered, if it is exactly one whole GET or HEAD without a body of which no
  /// byte of an answer has come. Valid until the next bytes.
  std::optional<std::string_view> replayable() const;
  /// All that is not answered, if it is the beginning of a head and nothing else. Valid as above.
  std::optional<std::string_view> half_head() const;

private:
  enum class reading : std::uint8_t { head, body };

  void lose();
  void begin_request();
  std::size_t take_head(std::string_view bytes, std::string& head);
  void end_head();
  std::size_t take_body(std::string_view bytes);
  void end_answer_head();
  void end_answer();

  bool lost_ = false;

  // What the client says.
  reading request_ = reading::head;
  bool in_head_ = false;
  bool expects_ = false;    // 100-continue
  bool only_head_ = false;  // the last whole request is a GET or HEAD without a body
  std::string head_;        // of the last request begun
  std::uint64_t request_left_ = 0;
  std::unique_ptr<http::body_reader> chunked_;
  std::unique_ptr<http::receive_buffer> chunk_;
  std::uint64_t begun_ = 0;
  unsigned unanswered_ = 0;
  std::uint64_t head_requests_ = 0;  // a bit each of the unanswered ones, the oldest lowest

  // What it is answered.
  reading answer_ = reading::head;
  std::string answer_head_;
  std::uint64_t answer_left_ = 0;
  bool answer_begun_ = false;  // a byte has come since the last whole answer
  bool closing_ = false;       // an answer has said that it is the last
};

}  // namespace dunlin::proxy
