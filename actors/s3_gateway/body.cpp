#include "actors/s3_gateway/body.hpp"

#include <algorithm>

namespace dunlin::s3 {

namespace {

std::optional<std::string> wanted_md5(const http::request& request) {
  const auto* header = find_header(request, "content-md5");
  if (!header) return {};
  auto raw = crypto::from_base64(trimmed(*header));
  if (!raw || raw->size() != 16) throw error("InvalidDigest");
  return std::move(*raw);
}

failure body_failure(ec code) {
  if (code == ec::timed_out) return error("RequestTimeout");
  if (code == ec::closed) return error("IncompleteBody");
  return error_of(code);
}

}  // namespace

void expect_length(const http::request& request) {
  if (!find_header(request, "content-length")) throw error("MissingContentLength");
}

body_reader::body_reader(context& c, std::uint64_t bytes_max)
    : c_(c),
      wanted_md5_(wanted_md5(c.request())),
      checksum_(c.request()),
      signed_(c.proof.payload_hash != unsigned_payload) {
  if (!c.request().content_length) throw error("MissingContentLength");
  length_ = left_ = *c.request().content_length;
  if (length_ > bytes_max) {
    auto large = error("EntityTooLarge");
    large.details = {{"ProposedSize", std::to_string(length_)},
                     {"MaxSizeAllowed", std::to_string(bytes_max)}};
    throw large;
  }
}

task<std::string> body_reader::next() {
  std::string piece;
  const auto wanted = std::min<std::uint64_t>(left_, c_.world.options().piece_bytes);
  while (piece.size() < wanted) {
    const std::size_t missing = wanted - piece.size();
    auto read = co_await c_.world.read_body(missing);
    if (!read) throw body_failure(read.error());
    if (read->empty() || read->size() > missing) throw error("IncompleteBody");
    c_.body_taken = true;
    if (piece.empty())
      piece = std::move(*read);
    else
      piece += *read;
  }
  left_ -= piece.size();
  md5_.update(piece);
  checksum_.update(piece);
  if (signed_) sha256_.update(piece);
  if (piece.empty() && !ended_) prove();
  co_return piece;
}

void body_reader::prove() {
  ended_ = true;
  const auto md5 = md5_.finish();
  if (signed_) {
    const auto hash = crypto::hex(sha256_.finish());
    if (hash != c_.proof.payload_hash) {
      auto mismatch = error("XAmzContentSHA256Mismatch");
      mismatch.details = {{"ClientComputedContentSHA256", c_.proof.payload_hash},
                          {"S3ComputedContentSHA256", hash}};
      throw mismatch;
    }
  }
  if (wanted_md5_ && md5 != *wanted_md5_) {
    auto bad = error("BadDigest");
    bad.details = {{"ExpectedDigest", crypto::base64(*wanted_md5_)},
                   {"CalculatedDigest", crypto::base64(md5)}};
    throw bad;
  }
  checksum_.prove();
  etag_ = crypto::hex(md5);
}

task<std::string> read_all(context& c, std::uint64_t bytes_max) {
  const auto announced = c.request().content_length;
  if (announced && *announced > bytes_max) throw error("MaxMessageLengthExceeded");
  body_reader body(c, bytes_max);
  std::string all;
  for (;;) {
    auto piece = co_await body.next();
    if (piece.empty()) break;
    all += piece;
  }
  co_return all;
}

void expect_no_body(context& c) {
  const auto length = c.request().content_length;
  if (length.value_or(0) != 0) return;  // hashed by the client, looked at by nobody
  if (c.proof.payload_hash != unsigned_payload && c.proof.payload_hash != empty_payload)
    throw error("XAmzContentSHA256Mismatch");
}

}  // namespace dunlin::s3
