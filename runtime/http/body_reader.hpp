/// BODY READER: turns received bytes into body bytes, by Content-Length or chunked. No sockets:
/// bytes in, bytes out. Together with head_parser.hpp the only includer of Beast's parser.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/http/exchange.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::http {

/// Bytes of the socket that nobody has used yet. Fixed size: it never grows.
class receive_buffer {
public:
  explicit receive_buffer(std::size_t capacity) : bytes_(capacity, '\0') {}
  std::string_view view() const { return {bytes_.data() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  bool full() const { return end_ - begin_ == bytes_.size(); }
  void consume(std::size_t size) { begin_ += size; }

  struct room {
    char* data;
    std::size_t size;
  };
  /// Where to receive more.
  room free();
  void filled(std::size_t size) { end_ += size; }

private:
  std::string bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// A head as Beast has read it; keeps the parser for a chunked body.
struct parsed_head {
  request parsed;
  bool http_1_0 = false;
  bool keep_alive = true;
  struct parser;
  std::shared_ptr<parser> state;
};

/// `head`: from the request line to the empty line. Nullopt: not HTTP.
std::optional<parsed_head> parse_head(std::string_view head);

class body_reader {
public:
  virtual ~body_reader() = default;

  /// All of the body was taken.
  virtual bool done() const = 0;
  /// Bytes still to come; nullopt: nobody knows.
  virtual std::optional<std::uint64_t> left() const = 0;

  /// Moves body bytes from `from` to `target`, at most `size`; how many. Zero and not done(): more
  /// must be received first. ec::bad_message: broken framing.
  virtual result<std::size_t> take(receive_buffer& from, char* target, std::size_t size) = 0;

  /// How many of the next bytes of the socket may be received straight into a target; zero: none.
  virtual std::uint64_t straight() const = 0;
  virtual void received_straight(std::uint64_t size) = 0;
};

std::unique_ptr<body_reader> make_body_reader(const parsed_head& head,
                                              std::optional<std::uint64_t> content_length);

}  // namespace dunlin::http
