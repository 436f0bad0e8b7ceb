#include "messages/page_id.hpp"

#include "messages/vocabulary.hpp"

namespace dunlin {

namespace {

struct wide {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
};

std::uint64_t read_word(std::string_view bytes) {
  std::uint64_t word = 0;
  for (const auto c : bytes)
    word = word << 8 | static_cast<unsigned char>(c);
  return word;
}

wide read(std::string_view id) {
  DUNLIN_ASSERT(id.size() == page_id_bytes);
  return {read_word(id.substr(0, 8)), read_word(id.substr(8))};
}

void append_word(std::string& out, std::uint64_t word) {
  for (int shift = 56; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(word >> shift & 0xff));
}

}  // namespace

std::string page_at(std::string_view first, std::uint64_t index) {
  auto id = read(first);
  const auto low = id.low + index;
  if (low < id.low && ++id.high == 0) return std::string(page_id_bytes, '\xff');
  std::string out;
  out.reserve(page_id_bytes);
  append_word(out, id.high);
  append_word(out, low);
  return out;
}

std::optional<std::uint64_t> page_distance(std::string_view first, std::string_view page) {
  const auto a = read(first);
  const auto b = read(page);
  const auto low = b.low - a.low;
  const auto high = b.high - a.high - (b.low < a.low ? 1 : 0);
  if (page < first || high != 0) return std::nullopt;
  return low;
}

std::string page_text(std::string_view page) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const auto c : page) {
    text.push_back(digits[static_cast<unsigned char>(c) >> 4]);
    text.push_back(digits[static_cast<unsigned char>(c) & 15]);
  }
  return text;
}

}  // namespace dunlin
