/// HASHES: SHA-256, MD5, HMAC and the texts they travel in, through OpenSSL's EVP. A failing
/// OpenSSL (no memory, no such algorithm) stops the process: nothing sensible can follow.
#pragma once

#include "messages/vocabulary.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace dunlin::crypto {

/// One running digest. Movable, not copyable; used by one thread at a time.
class digest {
public:
  digest(digest&&) noexcept;
  digest& operator=(digest&&) noexcept;
  ~digest();

  void update(std::string_view bytes);

  /// The raw bytes of the digest of everything so far; starts anew.
  std::string finish();

protected:
  explicit digest(const char* algorithm);

private:
  struct context;
  std::unique_ptr<context> context_;
};

/// 32 bytes.
class sha256 : public digest {
public:
  sha256() : digest("SHA256") {}
  static std::string of(std::string_view bytes);
};

/// 16 bytes. For ETag and Content-MD5 only: it proves nothing against an adversary.
class md5 : public digest {
public:
  md5() : digest("MD5") {}
  static std::string of(std::string_view bytes);
};

/// 32 raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);

/// Lower case, as SigV4 and ETags want it.
std::string hex(std::string_view bytes);
/// Either case; ec::invalid_argument on anything that is not pairs of hex digits.
result<std::string> from_hex(std::string_view text);

/// RFC 4648 with padding, no line breaks.
std::string base64(std::string_view bytes);
/// Strict: padding required, no white space, no stray bits; else ec::invalid_argument.
result<std::string> from_base64(std::string_view text);

/// Takes as long for different texts of one length as for equal ones. Lengths are not secret.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace dunlin::crypto
