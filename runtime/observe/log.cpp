#include "runtime/observe/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <mutex>

namespace dunlin::log {

namespace {

std::atomic<level> lowest_level{level::info};
std::mutex guard;  // of what follows
std::string node_name;
std::function<void(level, const std::string&)> other_sink;

spdlog::logger& stderr_logger() {
  static auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("dunlin",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

void append_escaped(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  for (const unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c >= 0x7f) {  // names may hold any byte; a line stays one line of ASCII
      out += "\\u00";
      out += hex[c >> 4];
      out += hex[c & 15];
    } else {
      out += static_cast<char>(c);
    }
  }
}

std::string now_text() {
  const auto now = std::chrono::system_clock::now();
  const auto seconds = std::chrono::system_clock::to_time_t(now);
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     milliseconds);
}

}  // namespace

void write(level severity, std::string_view event, fields values) {
  if (severity < lowest_level.load(std::memory_order_relaxed)) return;
  static constexpr std::string_view names[] = {"debug", "info", "warn", "error"};
  auto line =
      fmt::format(R"({{"time":"{}","level":"{}")", now_text(), names[static_cast<int>(severity)]);
  const auto lock = std::scoped_lock{guard};
  if (!node_name.empty()) {
    line += R"(,"node":")";
    append_escaped(line, node_name);
    line += '"';
  }
  line += R"(,"event":")";
  append_escaped(line, event);
  line += '"';
  for (const auto& [name, content] : values) {
    line += ",\"";
    append_escaped(line, name);
    line += "\":";
    if (content.quoted) line += '"';
    append_escaped(line, content.text);
    if (content.quoted) line += '"';
  }
  line += '}';
  if (other_sink) return other_sink(severity, line);
  stderr_logger().log(spdlog::level::info, line);
}

void set_level(level lowest) { lowest_level = lowest; }

void set_node(std::string name) {
  const auto lock = std::scoped_lock{guard};
  node_name = std::move(name);
}

void set_sink(std::function<void(level, const std::string&)> sink) {
  const auto lock = std::scoped_lock{guard};
  other_sink = std::move(sink);
}

}  // namespace dunlin::log
