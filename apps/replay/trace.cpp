#include "apps/replay/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <random>
#include <string_view>
#include <utility>

namespace dunlin::replay {

namespace {

constexpr std::string_view header = "time_ms,op,key,size";

template <class Number>
bool read_number(std::string_view text, Number& into) {
  const auto done = std::from_chars(text.data(), text.data() + text.size(), into);
  return done.ec == std::errc{} && done.ptr == text.data() + text.size();
}

/// Up to the next comma, which goes too.
std::string_view take_field(std::string_view& line) {
  const auto comma = std::min(line.find(','), line.size());
  const auto field = line.substr(0, comma);
  line.remove_prefix(std::min(comma + 1, line.size()));
  return field;
}

/// Empty: it is right.
std::string read_line(std::string_view line, request& into) {
  const auto time = take_field(line);
  const auto operation = take_field(line);
  const auto key = take_field(line);
  if (!read_number(time, into.time_ms) || !std::isfinite(into.time_ms) || into.time_ms < 0)
    return fmt::format("'{}' is no time in milliseconds", time);
  if (operation.size() != 1 || std::string_view("RWrw").find(operation) == std::string_view::npos)
    return fmt::format("'{}' is no operation; R, W, r and w are", operation);
  if (key.empty()) return "there is no key";
  if (!read_number(line, into.bytes)) return fmt::format("'{}' is no size in bytes", line);
  into.write = operation == "W" || operation == "w";
  into.key = std::string(key);
  return {};
}

/// [0, 1), the same on any machine, which std's distributions do not promise.
double even(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

std::size_t below(std::mt19937_64& random, std::size_t bound) {
  return static_cast<std::size_t>(random() % bound);
}

/// Draws ranks 0 … n-1, each with a weight of 1 / (rank + 1) ^ exponent.
class zipf {
public:
  zipf(std::size_t ranks, double exponent) : sums_(ranks) {
    double sum = 0;
    for (std::size_t i = 0; i < ranks; ++i)
      sums_[i] = sum += std::pow(static_cast<double>(i + 1), -exponent);
  }
  std::size_t draw(std::mt19937_64& random) const {
    const auto at = std::upper_bound(sums_.begin(), sums_.end(), even(random) * sums_.back());
    return std::min<std::size_t>(static_cast<std::size_t>(at - sums_.begin()), sums_.size() - 1);
  }

private:
  std::vector<double> sums_;
};

constexpr std::size_t recent_min = 5'000, recent_max = 10'000;

class generator {
public:
  generator(const trace_shape& shape, std::uint64_t seed)
      : shape_{shape},
        random_{seed},
        reads_{shape.keys, shape.read_zipf},
        writes_{shape.keys, shape.write_zipf} {
    // Which key has which rank is drawn, so that near numbers are not of near fame.
    for (std::size_t i = 0; i < shape.keys; ++i)
      keys_.push_back(i);
    for (auto i = keys_.size(); i > 1; --i)
      std::swap(keys_[i - 1], keys_[below(random_, i)]);
  }

  request next() {
    now_ms_ += -std::log(1 - even(random_)) * 1000 / shape_.rate;
    request made;
    made.time_ms = now_ms_;
    made.write = even(random_) < shape_.write_share;
    const auto key = made.write ? written() : keys_[reads_.draw(random_)];
    if (!made.write) remember(key);
    made.key = shape_.types > 0 ? fmt::format("{}:{}", key % shape_.types, key / shape_.types)
                                : std::to_string(100'000 + key);
    // Of a key it is always the same.
    made.bytes =
        shape_.bytes_min +
        static_cast<std::uint32_t>(key * 2654435761u % (shape_.bytes_max - shape_.bytes_min + 1));
    return made;
  }

private:
  std::size_t written() {
    if (!recent_.empty() && even(random_) < shape_.writes_to_read) {
      const auto back = recent_min + below(random_, recent_max - recent_min);
      return recent_[(seen_ - std::min(seen_, 1 + back)) % recent_.size()];
    }
    return keys_[writes_.draw(random_)];
  }
  void remember(std::size_t key) {
    if (recent_.size() < recent_max)
      recent_.push_back(key);
    else
      recent_[seen_ % recent_max] = key;
    ++seen_;
  }

  trace_shape shape_;
  std::mt19937_64 random_;
  zipf reads_, writes_;
  std::vector<std::size_t> keys_;    // by rank
  std::vector<std::size_t> recent_;  // a ring of what was read
  std::size_t seen_ = 0;
  double now_ms_ = 0;
};

}  // namespace

std::variant<trace, trace_mistake> read_trace(std::istream& from, std::size_t rows_max) {
  trace all;
  std::string line;
  std::size_t number = 0;
  bool headed = false;
  while ((rows_max == 0 || all.size() < rows_max) && std::getline(from, line)) {
    ++number;
    if (line.starts_with('#')) continue;
    if (line.ends_with('\r')) line.pop_back();
    if (!std::exchange(headed, true)) {
      if (line != header) return trace_mistake{number, fmt::format("the header is not {}", header)};
      continue;
    }
    request one;
    if (auto wrong = read_line(line, one); !wrong.empty())
      return trace_mistake{number, std::move(wrong)};
    if (!all.empty() && one.time_ms < all.back().time_ms)
      return trace_mistake{number, "its time is before that of the line above"};
    all.push_back(std::move(one));
  }
  if (all.empty()) return trace_mistake{number, "there is no request in it"};
  return all;
}

std::variant<trace, trace_mistake> read_trace_file(const std::string& path, std::size_t rows_max) {
  std::ifstream file(path);
  if (!file) return trace_mistake{0, "cannot be read"};
  return read_trace(file, rows_max);
}

trace_shape orm_shape() { return {}; }

trace_shape disk_shape() {
  trace_shape shape;
  shape.rows = 55'918;
  shape.keys = 2'040;
  shape.types = 0;
  shape.rate = 930;
  shape.write_share = 0.6;
  shape.read_zipf = 0.83;
  shape.write_zipf = 0.77;
  shape.writes_to_read = 0;
  shape.bytes_min = 512;
  shape.bytes_max = 65'536;
  return shape;
}

trace generate_trace(const trace_shape& shape, std::uint64_t seed) {
  generator from{shape, seed};
  trace all;
  all.reserve(shape.rows);
  for (std::size_t i = 0; i < shape.rows; ++i)
    all.push_back(from.next());
  return all;
}

}  // namespace dunlin::replay
