/// BODY: the request's bytes, piece by piece, proven before the last piece is said to be the last:
/// length, x-amz-content-sha256, Content-MD5 and x-amz-checksum-* (checklist rows 8 and 9).
#pragma once

#include "actors/s3_gateway/checksum.hpp"
#include "actors/s3_gateway/context.hpp"
#include "runtime/crypto/hash.hpp"

#include <optional>
#include <string>

namespace dunlin::s3 {

/// Objects and parts say their length; without it HTTP means an empty body, and S3 an answer:
/// throws MissingContentLength.
void expect_length(const http::request& request);

class body_reader {
public:
  /// Throws MissingContentLength, EntityTooLarge, InvalidDigest.
  body_reader(context& c, std::uint64_t bytes_max);

  /// options::piece_bytes of the body, fewer only at its end; empty: it ended and everything
  /// matched. Throws IncompleteBody, RequestTimeout, XAmzContentSHA256Mismatch, BadDigest.
  task<std::string> next();

  std::uint64_t length() const { return length_; }
  /// Hex MD5 of the body; after next() gave its end.
  const std::string& etag() const { return etag_; }

private:
  void prove();

  context& c_;
  std::uint64_t length_;
  std::uint64_t left_;
  std::optional<std::string> wanted_md5_;  ///< raw bytes
  body_checksum checksum_;
  crypto::md5 md5_;
  crypto::sha256 sha256_;
  bool signed_;
  bool ended_ = false;
  std::string etag_;
};

/// A small body in one piece. Throws MaxMessageLengthExceeded.
task<std::string> read_all(context& c, std::uint64_t bytes_max);

/// For verbs that take no body: the client's hash must be that of nothing, or not signed.
void expect_no_body(context& c);

}  // namespace dunlin::s3
