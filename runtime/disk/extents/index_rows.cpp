#include "runtime/disk/extents/index_rows.hpp"

#include "messages/page_id.hpp"

#include <charconv>
#include <cstdio>

namespace dunlin::extents {

namespace {

constexpr std::string_view suffix = ".extent";
constexpr std::size_t place_bytes = 4 + 4 + 8 + 4 + 4 + 8;

/// Big endian, so that keys sort as numbers.
void put(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift & 0xff));
}

std::uint64_t take(std::string_view& in, std::size_t bytes) {
  std::uint64_t value = 0;
  for (const auto c : in.substr(0, bytes))
    value = value << 8 | static_cast<unsigned char>(c);
  in.remove_prefix(bytes);
  return value;
}

}  // namespace

std::string page_key(std::string_view page) { return "i" + std::string(page); }

std::optional<std::string> page_of_key(std::string_view key) {
  if (key.size() != 1 + page_id_bytes || key[0] != 'i') return {};
  return std::string(key.substr(1));
}

std::string set_key(std::uint32_t replica_set, std::string_view page) {
  std::string key = "s";
  put(key, replica_set, 4);
  key += page;
  return key;
}

std::optional<std::string> page_of_set_key(std::uint32_t replica_set, std::string_view key) {
  const auto prefix = set_key(replica_set, {});
  if (key.size() != prefix.size() + page_id_bytes || !key.starts_with(prefix)) return {};
  return std::string(key.substr(prefix.size()));
}

std::string encode(const page_place& place) {
  std::string out;
  put(out, place.extent, 4);
  put(out, place.header_bytes, 4);
  put(out, place.offset, 8);
  put(out, place.length, 4);
  put(out, place.replica_set, 4);
  put(out, static_cast<std::uint64_t>(place.written_ms), 8);
  return out;
}

std::optional<page_place> decode_place(std::string_view value) {
  if (value.size() != place_bytes) return {};
  page_place place;
  place.extent = static_cast<std::uint32_t>(take(value, 4));
  place.header_bytes = static_cast<std::uint32_t>(take(value, 4));
  place.offset = take(value, 8);
  place.length = static_cast<std::uint32_t>(take(value, 4));
  place.replica_set = static_cast<std::uint32_t>(take(value, 4));
  place.written_ms = static_cast<std::int64_t>(take(value, 8));
  return place;
}

std::string extent_key(std::uint32_t number) {
  std::string key;
  put(key, number, 4);
  return key;
}

std::string encode_through(std::uint64_t through) {
  std::string value;
  put(value, through, 8);
  return value;
}

std::uint64_t decode_through(std::string_view value) {
  return value.size() == 8 ? take(value, 8) : 0;
}

std::string extent_name(std::uint32_t number) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%08u", number);
  return digits + std::string(suffix);
}

std::optional<std::uint32_t> extent_number(std::string_view name) {
  if (!name.ends_with(suffix)) return {};
  name.remove_suffix(suffix.size());
  std::uint32_t number = 0;
  const auto end = name.data() + name.size();
  const auto [stopped, error] = std::from_chars(name.data(), end, number);
  if (error != std::errc{} || stopped != end || number == 0) return {};
  return number;
}

}  // namespace dunlin::extents
