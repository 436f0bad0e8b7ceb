#include "runtime/proxy/request_tracker.hpp"

#include "runtime/http/guard.hpp"
#include "runtime/http/response_head.hpp"
#include "runtime/http/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace dunlin::proxy {

using namespace std::string_view_literals;

namespace {

constexpr std::string_view head_end = "\r\n\r\n";

/// A line of an access node's answer: "HTTP/1.1 200 OK", "Content-Length: 5".
struct answer_facts {
  int status = 0;
  std::optional<std::uint64_t> length;
  bool closes = false;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

template <class Number>
bool read_number(std::string_view text, Number& to) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc{} && end == text.data() + text.size();
}

/// Access nodes write one kind of answer: a length, never chunked. Nullopt: something else.
std::optional<answer_facts> read_answer(std::string_view head) {
  answer_facts facts;
  if (!head.starts_with("HTTP/1.1 ") || head.size() < 13) return std::nullopt;
  if (!read_number(head.substr(9, 3), facts.status)) return std::nullopt;
  for (auto at = head.find("\r\n"); at + 2 < head.size();) {
    const auto begin = at + 2;
    at = head.find("\r\n", begin);
    if (at == std::string_view::npos) break;
    const auto line = head.substr(begin, at - begin);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto name = line.substr(0, colon);
    if (http::same_name(name, "Transfer-Encoding")) return std::nullopt;
    if (http::same_name(name, "Connection") &&
        http::same_name(trimmed(line.substr(colon + 1)), "close"))
      facts.closes = true;
    if (!http::same_name(name, "Content-Length")) continue;
    std::uint64_t length = 0;
    if (facts.length || !read_number(trimmed(line.substr(colon + 1)), length)) return std::nullopt;
    facts.length = length;
  }
  return facts;
}

/// Whether a header says something of a body. Of a head whose lines have been checked.
bool has_framing(std::string_view head) {
  static constexpr std::array names{"Content-Length"sv, "Transfer-Encoding"sv, "Expect"sv,
                                    "Connection"sv, "Upgrade"sv};
  for (auto at = head.find('\n'); at + 1 < head.size(); at = head.find('\n', at + 1)) {
    const auto line = head.substr(at + 1);
    const auto letter = http::lower(line.front());
    if (letter != 'c' && letter != 't' && letter != 'e' && letter != 'u') continue;
    for (const auto name : names)
      if (http::same_name(line.substr(0, name.size()), name)) return true;
  }
  return false;
}

}  // namespace

void request_tracker::lose() {
  lost_ = true;
  only_head_ = false;
  head_ = {};
  answer_head_ = {};
  chunked_.reset();
  chunk_.reset();
}

bool request_tracker::at_boundary() const {
  return !lost_ && request_ == reading::head && !in_head_ && unanswered_ == 0 && !answer_begun_;
}

std::optional<std::string_view> request_tracker::replayable() const {
  const auto whole = request_ == reading::head && !in_head_;
  if (lost_ || !whole || !only_head_ || unanswered_ != 1 || answer_begun_) return std::nullopt;
  return head_;
}

std::optional<std::string_view> request_tracker::half_head() const {
  if (lost_ || !in_head_ || unanswered_ != 1 || answer_begun_) return std::nullopt;
  return head_;
}

// ---- the client ----

void request_tracker::from_client(std::string_view bytes) {
  while (!bytes.empty() && !lost_) {
    if (request_ == reading::body) {
      bytes.remove_prefix(take_body(bytes));
      continue;
    }
    if (!in_head_) begin_request();
    if (lost_) return;
    bytes.remove_prefix(take_head(bytes, head_));
    if (!lost_ && head_.ends_with(head_end)) end_head();
  }
}

void request_tracker::begin_request() {
  if (unanswered_ == pipelined_max) return lose();
  in_head_ = true;
  only_head_ = false;
  head_.clear();
  ++begun_;
  ++unanswered_;
}

/// Moves bytes up to the end of the head; how many.
std::size_t request_tracker::take_head(std::string_view bytes, std::string& head) {
  const auto before = head.size();
  // The empty line may have begun in the bytes before: three of them are looked at again.
  const auto seam = before - std::min<std::size_t>(before, head_end.size() - 1);
  if (before > 0) {
    const auto some = std::min(bytes.size(), head_end.size() - 1);
    head.append(bytes.substr(0, some));
    const auto at = head.find(head_end, seam);
    if (at != std::string::npos) {
      head.resize(at + head_end.size());
      return head.size() - before;
    }
    head.resize(before);
  }
  const auto at = bytes.find(head_end);
  const auto size = at == std::string_view::npos ? bytes.size() : at + head_end.size();
  if (before + size > kept_bytes_max) {
    lose();
    return bytes.size();
  }
  head.append(bytes.substr(0, size));
  return size;
}

void request_tracker::end_head() {
  in_head_ = false;
  if (http::check_lines(head_, headers_max)) return lose();
  const auto bit = std::uint64_t{1} << (unanswered_ - 1);
  expects_ = false;
  // Nearly all of them: nothing in it can mean a body, so what else it says is for others to read.
  if (const auto asks = head_.starts_with("GET ") || head_.starts_with("HEAD ");
      asks && !has_framing(head_)) {
    only_head_ = true;
    head_requests_ = head_.front() == 'H' ? head_requests_ | bit : head_requests_ & ~bit;
    return;
  }
  auto made = http::parse_head(head_);
  if (!made || http::check_request(made->parsed, made->http_1_0)) return lose();
  const auto& request = made->parsed;
  head_requests_ = request.method == "HEAD" ? head_requests_ | bit : head_requests_ & ~bit;
  expects_ = request.find("Expect") != nullptr;
  const auto asks = request.method == "GET" || request.method == "HEAD";
  if (request.content_length == 0u) {
    only_head_ = asks;
    return;
  }
  request_ = reading::body;
  if (request.content_length) {
    request_left_ = *request.content_length;
    return;
  }
  request_left_ = 0;
  chunked_ = http::make_body_reader(*made, std::nullopt);
  if (!chunk_) chunk_ = std::make_unique<http::receive_buffer>(kept_bytes_max);
}

std::size_t request_tracker::take_body(std::string_view bytes) {
  if (!chunked_) {
    const auto size = std::min<std::uint64_t>(bytes.size(), request_left_);
    request_left_ -= size;
    if (request_left_ == 0) request_ = reading::head;
    return static_cast<std::size_t>(size);
  }
  const auto room = chunk_->free();
  const auto size = std::min(bytes.size(), room.size);
  std::memcpy(room.data, bytes.data(), size);
  chunk_->filled(size);
  std::array<char, kept_bytes_max> waste;
  while (!chunked_->done()) {
    const auto taken = chunked_->take(*chunk_, waste.data(), waste.size());
    if (!taken) {
      lose();
      return bytes.size();
    }
    if (*taken == 0) break;
  }
  if (!chunked_->done()) return size;
  // What is left in the buffer was said after the body: it is still in `bytes`.
  const auto left = chunk_->view().size();
  chunk_->consume(left);
  chunked_.reset();
  request_ = reading::head;
  return size - std::min(left, size);
}

// ---- the answers ----

void request_tracker::from_leg(std::string_view bytes) {
  while (!bytes.empty() && !lost_) {
    if (unanswered_ == 0) return lose();  // nobody asked
    answer_begun_ = true;
    if (answer_ == reading::body) {
      const auto size = std::min<std::uint64_t>(bytes.size(), answer_left_);
      answer_left_ -= size;
      bytes.remove_prefix(static_cast<std::size_t>(size));
      if (answer_left_ == 0) end_answer();
      continue;
    }
    bytes.remove_prefix(take_head(bytes, answer_head_));
    if (!lost_ && answer_head_.ends_with(head_end)) end_answer_head();
  }
}

void request_tracker::end_answer_head() {
  const auto facts = read_answer(answer_head_);
  answer_head_.clear();
  if (!facts) return lose();
  // An interim answer is no answer, yet the client has heard something: answer_begun_ stays.
  if (facts->status >= 100 && facts->status < 200) return;
  closing_ = closing_ || facts->closes;
  const auto without_body = (head_requests_ & 1) != 0 || http::bodiless(facts->status);
  if (!without_body && !facts->length) return lose();
  answer_left_ = without_body ? 0 : *facts->length;
  answer_ = reading::body;
  if (answer_left_ == 0) end_answer();
}

void request_tracker::end_answer() {
  answer_ = reading::head;
  answer_begun_ = false;
  --unanswered_;
  head_requests_ >>= 1;
  // The last request was answered before it was whole. Of one that waited for leave to send its
  // body, nobody knows whether the body still comes; of half a head nothing is to be expected.
  if (unanswered_ == 0 && (in_head_ || (request_ == reading::body && expects_))) lose();
}

}  // namespace dunlin::proxy
