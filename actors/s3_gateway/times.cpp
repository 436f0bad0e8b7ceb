#include "actors/s3_gateway/times.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>

namespace dunlin::s3 {

namespace {

namespace chr = std::chrono;

constexpr std::array<std::string_view, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct parts {
  int year;
  unsigned month, day, weekday;
  std::int64_t hour, minute, second, milli;
};

parts split(std::int64_t ms) {
  const auto time = chr::sys_time<chr::milliseconds>(chr::milliseconds(ms));
  const auto day = chr::floor<chr::days>(time);
  const chr::year_month_day date(day);
  const auto rest = (time - day).count();
  return {int(date.year()),     unsigned(date.month()),
          unsigned(date.day()), chr::weekday(day).c_encoding(),
          rest / 3'600'000,     rest / 60'000 % 60,
          rest / 1000 % 60,     rest % 1000};
}

/// Exactly the digits at [from, from + size); negative if any is none.
int digits(std::string_view text, std::size_t from, std::size_t size) {
  int value = 0;
  for (const char c : text.substr(from, size)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<std::int64_t> join(int year, int month, int day, int hour, int minute, int second) {
  if (year < 0 || month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0) return {};
  const chr::year_month_day date{chr::year(year), chr::month(unsigned(month)),
                                 chr::day(unsigned(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return {};
  const auto days_since = chr::sys_days(date).time_since_epoch().count();
  return ((std::int64_t(days_since) * 24 + hour) * 60 + minute) * 60'000 + second * 1000;
}

}  // namespace

std::string iso_time(std::int64_t ms) {
  const auto p = split(ms);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", p.year, p.month, p.day, p.hour,
                     p.minute, p.second, p.milli);
}

std::string http_time(std::int64_t ms) {
  const auto p = split(ms);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[p.weekday], p.day,
                     months[p.month - 1], p.year, p.hour, p.minute, p.second);
}

std::string amz_time(std::int64_t ms) {
  const auto p = split(ms);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", p.year, p.month, p.day, p.hour, p.minute,
                     p.second);
}

std::optional<std::int64_t> parse_amz_time(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return {};
  return join(digits(text, 0, 4), digits(text, 4, 2), digits(text, 6, 2), digits(text, 9, 2),
              digits(text, 11, 2), digits(text, 13, 2));
}

std::optional<std::int64_t> parse_http_time(std::string_view text) {
  if (text.size() != 29 || text.substr(25) != " GMT" || text.substr(3, 2) != ", ") return {};
  if (text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':')
    return {};
  for (unsigned month = 0; month < months.size(); ++month)
    if (text.substr(8, 3) == months[month])
      return join(digits(text, 12, 4), int(month) + 1, digits(text, 5, 2), digits(text, 17, 2),
                  digits(text, 20, 2), digits(text, 23, 2));
  return {};
}

}  // namespace dunlin::s3
