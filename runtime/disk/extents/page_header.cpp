#include "runtime/disk/extents/page_header.hpp"

#include "messages/page_id.hpp"
#include "runtime/disk/crc32c.hpp"

#include <algorithm>
#include <concepts>

namespace dunlin::extents {

namespace {

constexpr std::uint64_t extent_magic = 0x31544e45'4c4e5544;  // "DUNLENT1"
constexpr std::uint32_t page_magic = 0x47415044;             // "DPAG"
constexpr std::uint16_t version = 1;

/// Little endian on every machine: extents move with their disks.
template <std::unsigned_integral T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

/// Answers zero past the end and remembers it.
class cursor {
public:
  explicit cursor(std::string_view bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T take() {
    const auto part = text(sizeof(T));
    T value = 0;
    for (std::size_t i = 0; i < part.size(); ++i)
      value =
          static_cast<T>(value | static_cast<T>(static_cast<unsigned char>(part[i])) << (8 * i));
    return value;
  }

  std::string_view text(std::size_t size) {
    if (size > rest_.size()) {
      failed_ = true;
      return {};
    }
    const auto part = rest_.substr(0, size);
    rest_.remove_prefix(size);
    used_ += size;
    return part;
  }

  bool failed() const { return failed_; }
  std::size_t used() const { return used_; }

private:
  std::string_view rest_;
  std::size_t used_ = 0;
  bool failed_ = false;
};

constexpr std::size_t fixed_bytes = 4 + 2 + 2 + 8 + 4 + 4 + 8 + 2 + 2 + 2 + 2 + page_id_bytes + 4;

std::size_t blocks_of(std::size_t length) { return (length + block_bytes - 1) / block_bytes; }

}  // namespace

std::vector<std::uint32_t> block_sums(std::string_view bytes) {
  std::vector<std::uint32_t> sums;
  sums.reserve(blocks_of(bytes.size()));
  for (std::size_t at = 0; at < bytes.size(); at += block_bytes)
    sums.push_back(crc32c(bytes.substr(at, block_bytes)));
  return sums;
}

std::size_t encoded_bytes(const page_header& header) {
  return fixed_bytes + header.item.bucket_id.size() + header.item.key.size() +
         header.item.upload_id.size() + 4 * blocks_of(header.length);
}

std::string encode(const page_header& header, std::uint64_t salt) {
  std::string out;
  out.reserve(encoded_bytes(header));
  put(out, page_magic);
  put(out, version);
  put(out, static_cast<std::uint16_t>(encoded_bytes(header)));
  put(out, salt);
  put(out, header.replica_set);
  put(out, header.length);
  put(out, static_cast<std::uint64_t>(header.written_ms));
  put(out, static_cast<std::uint16_t>(header.item.bucket_id.size()));
  put(out, static_cast<std::uint16_t>(header.item.key.size()));
  put(out, static_cast<std::uint16_t>(header.item.upload_id.size()));
  put(out, std::uint16_t{0});
  out += header.page;
  out += header.item.bucket_id;
  out += header.item.key;
  out += header.item.upload_id;
  for (const auto sum : header.block_sums)
    put(out, sum);
  put(out, crc32c(out));
  return out;
}

std::optional<decoded_header> decode(std::string_view bytes, std::uint64_t salt) {
  cursor in(bytes);
  if (in.take<std::uint32_t>() != page_magic || in.take<std::uint16_t>() != version) return {};
  const auto encoded = in.take<std::uint16_t>();
  if (encoded < fixed_bytes || encoded > bytes.size()) return {};
  const auto summed = bytes.substr(0, encoded - 4u);
  if (crc32c(summed) != cursor(bytes.substr(encoded - 4u)).take<std::uint32_t>()) return {};
  if (in.take<std::uint64_t>() != salt) return {};
  page_header header;
  header.replica_set = in.take<std::uint32_t>();
  header.length = in.take<std::uint32_t>();
  header.written_ms = static_cast<std::int64_t>(in.take<std::uint64_t>());
  const auto bucket_bytes = in.take<std::uint16_t>();
  const auto key_bytes = in.take<std::uint16_t>();
  const auto upload_bytes = in.take<std::uint16_t>();
  in.take<std::uint16_t>();
  header.page = in.text(page_id_bytes);
  header.item.bucket_id = in.text(bucket_bytes);
  header.item.key = in.text(key_bytes);
  header.item.upload_id = in.text(upload_bytes);
  if (header.length > page_bytes_max) return {};
  for (std::size_t i = 0; i < blocks_of(header.length); ++i)
    header.block_sums.push_back(in.take<std::uint32_t>());
  if (in.failed() || in.used() + 4 != encoded) return {};
  return decoded_header{std::move(header), encoded};
}

std::string encode_extent_start(std::uint64_t salt) {
  std::string out;
  put(out, extent_magic);
  put(out, salt);
  put(out, crc32c(out));
  out.resize(step_bytes);
  return out;
}

std::optional<std::uint64_t> decode_extent_start(std::string_view bytes) {
  cursor in(bytes);
  if (in.take<std::uint64_t>() != extent_magic) return {};
  const auto salt = in.take<std::uint64_t>();
  if (in.take<std::uint32_t>() != crc32c(bytes.substr(0, 16)) || in.failed()) return {};
  return salt;
}

}  // namespace dunlin::extents
