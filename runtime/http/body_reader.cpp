#include "runtime/http/body_reader.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <cstring>
#include <functional>

namespace dunlin::http {

namespace beast = boost::beast::http;

// Row 12: a chunk may carry extensions, which nobody uses; long ones only keep us busy.
static constexpr std::size_t chunk_extension_bytes_max = 1024;

struct parsed_head::parser {
  beast::request_parser<beast::buffer_body> of;
  std::function<void(std::uint64_t, boost::beast::string_view, boost::beast::error_code&)>
      on_chunk =
          [](std::uint64_t, boost::beast::string_view extension, boost::beast::error_code& error) {
            if (extension.size() > chunk_extension_bytes_max)
              error = beast::error::bad_chunk_extension;
          };
};

receive_buffer::room receive_buffer::free() {
  if (begin_ > 0) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {bytes_.data() + end_, bytes_.size() - end_};
}

std::optional<parsed_head> parse_head(std::string_view head) {
  parsed_head made;
  made.state = std::make_shared<parsed_head::parser>();
  auto& parser = made.state->of;
  // check_lines and the receive buffer bound it already.
  parser.header_limit(static_cast<std::uint32_t>(std::max<std::size_t>(head.size(), 1u << 16)));
  parser.body_limit(boost::none);
  boost::beast::error_code error;
  const auto used = parser.put(boost::asio::buffer(head), error);
  if (error || used != head.size() || !parser.is_header_done()) return std::nullopt;
  const auto& message = parser.get();
  made.parsed.method = std::string(message.method_string());
  made.parsed.target = std::string(message.target());
  for (const auto& field : message)
    made.parsed.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  made.http_1_0 = message.version() < 11;
  // HTTP/1.0's keep-alive is optional, and nobody who needs speed speaks it.
  made.keep_alive = !made.http_1_0 && message.keep_alive();
  return made;
}

namespace {

class counted_body final : public body_reader {
public:
  explicit counted_body(std::uint64_t size) : left_(size) {}
  bool done() const override { return left_ == 0; }
  std::optional<std::uint64_t> left() const override { return left_; }
  std::uint64_t straight() const override { return left_; }
  void received_straight(std::uint64_t size) override { left_ -= size; }

  result<std::size_t> take(receive_buffer& from, char* target, std::size_t size) override {
    size = static_cast<std::size_t>(std::min<std::uint64_t>({size, from.view().size(), left_}));
    std::memcpy(target, from.view().data(), size);
    from.consume(size);
    left_ -= size;
    return size;
  }

private:
  std::uint64_t left_;
};

class chunked_body final : public body_reader {
public:
  explicit chunked_body(std::shared_ptr<parsed_head::parser> state) : state_(std::move(state)) {
    state_->of.on_chunk_header(state_->on_chunk);
  }
  bool done() const override { return state_->of.is_done(); }
  std::optional<std::uint64_t> left() const override { return std::nullopt; }
  std::uint64_t straight() const override { return 0; }
  void received_straight(std::uint64_t) override {}

  result<std::size_t> take(receive_buffer& from, char* target, std::size_t size) override {
    auto& parser = state_->of;
    auto& body = parser.get().body();
    body.data = target;
    body.size = size;
    body.more = true;
    boost::beast::error_code error;
    while (!from.empty() && !parser.is_done() && body.size > 0) {
      const auto used = parser.put(boost::asio::buffer(from.view()), error);
      from.consume(used);
      if (error == beast::error::need_buffer) break;
      if (error == beast::error::need_more) {
        // A chunk's header or the trailer that does not fit will never end.
        if (from.full()) return ec::bad_message;
        break;
      }
      if (error) return ec::bad_message;
    }
    return size - body.size;
  }

private:
  std::shared_ptr<parsed_head::parser> state_;
};

}  // namespace

std::unique_ptr<body_reader> make_body_reader(const parsed_head& head,
                                              std::optional<std::uint64_t> content_length) {
  if (content_length) return std::make_unique<counted_body>(*content_length);
  return std::make_unique<chunked_body>(head.state);
}

}  // namespace dunlin::http
