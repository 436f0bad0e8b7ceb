#include "runtime/crypto/hash.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace dunlin::crypto {

struct digest::context {
  const EVP_MD* algorithm = nullptr;
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> running{EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free};
};

// Fetching by name is slow in OpenSSL 3, and signatures make many short digests: once a process.
static const EVP_MD* fetched(std::string_view name) {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  return name == "MD5" ? md5 : sha256;
}

digest::digest(const char* algorithm) : context_(std::make_unique<context>()) {
  context_->algorithm = fetched(algorithm);
  DUNLIN_ASSERT(context_->algorithm != nullptr && context_->running != nullptr);
  DUNLIN_ASSERT(EVP_DigestInit_ex2(context_->running.get(), context_->algorithm, nullptr) == 1);
}

digest::digest(digest&&) noexcept = default;
digest& digest::operator=(digest&&) noexcept = default;
digest::~digest() = default;

void digest::update(std::string_view bytes) {
  DUNLIN_ASSERT(EVP_DigestUpdate(context_->running.get(), bytes.data(), bytes.size()) == 1);
}

std::string digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw;
  unsigned size = 0;
  DUNLIN_ASSERT(EVP_DigestFinal_ex(context_->running.get(), raw.data(), &size) == 1);
  DUNLIN_ASSERT(EVP_DigestInit_ex2(context_->running.get(), context_->algorithm, nullptr) == 1);
  return {reinterpret_cast<const char*>(raw.data()), size};
}

namespace {

/// One digest after the other in a context that each thread keeps: short ones cost most where they
/// begin.
class short_digest {
public:
  explicit short_digest(const EVP_MD* algorithm) {
    DUNLIN_ASSERT(algorithm != nullptr && context() != nullptr);
    DUNLIN_ASSERT(EVP_DigestInit_ex2(context(), algorithm, nullptr) == 1);
  }
  void update(std::string_view bytes) {
    DUNLIN_ASSERT(EVP_DigestUpdate(context(), bytes.data(), bytes.size()) == 1);
  }
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw;
    unsigned size = 0;
    DUNLIN_ASSERT(EVP_DigestFinal_ex(context(), raw.data(), &size) == 1);
    return {reinterpret_cast<const char*>(raw.data()), size};
  }

private:
  static EVP_MD_CTX* context() {
    thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> kept{
        EVP_MD_CTX_new(), &EVP_MD_CTX_free};
    return kept.get();
  }
};

std::string digest_of(const char* algorithm, std::string_view bytes) {
  short_digest running(fetched(algorithm));
  running.update(bytes);
  return running.finish();
}

}  // namespace

std::string sha256::of(std::string_view bytes) { return digest_of("SHA256", bytes); }

std::string md5::of(std::string_view bytes) { return digest_of("MD5", bytes); }

// RFC 2104. OpenSSL 3 looks its HMAC up by name at every call, which costs more than the hashing.
std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  constexpr std::size_t block_bytes = 64;
  std::array<char, block_bytes> inner{}, outer{};
  const auto hashed = key.size() > block_bytes ? sha256::of(key) : std::string{};
  if (key.size() > block_bytes) key = hashed;
  std::copy(key.begin(), key.end(), inner.begin());
  outer = inner;
  for (auto& byte : inner)
    byte ^= 0x36;
  for (auto& byte : outer)
    byte ^= 0x5c;
  const auto make = [](std::string_view pad, std::string_view text) {
    short_digest running(fetched("SHA256"));
    running.update(pad);
    running.update(text);
    return running.finish();
  };
  const auto first = make({inner.data(), block_bytes}, bytes);
  auto made = make({outer.data(), block_bytes}, first);
  OPENSSL_cleanse(inner.data(), block_bytes);
  OPENSSL_cleanse(outer.data(), block_bytes);
  return made;
}

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    text += digits[static_cast<unsigned char>(byte) >> 4];
    text += digits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

static int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

result<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return ec::invalid_argument;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = hex_value(text[i]);
    const auto low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return ec::invalid_argument;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // OpenSSL adds a NUL
  const auto size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                    reinterpret_cast<const unsigned char*>(bytes.data()),
                                    static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

result<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return ec::invalid_argument;
  if (text.empty()) return std::string{};
  std::string bytes(text.size() / 4 * 3, '\0');
  const auto size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()));
  if (size < 0) return ec::invalid_argument;
  const auto padding = text.size() - std::min(text.size(), text.find('='));
  if (padding > 2) return ec::invalid_argument;
  bytes.resize(static_cast<std::size_t>(size) - padding);
  // OpenSSL trims white space and overlooks stray bits: only what we would write ourselves is
  // right.
  if (base64(bytes) != text) return ec::invalid_argument;
  return bytes;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace dunlin::crypto
