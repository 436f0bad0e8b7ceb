#include "runtime/http/response_head.hpp"

#include "runtime/http/text.hpp"

#include <array>
#include <ctime>

namespace dunlin::http {

namespace {

struct reason {
  int status;
  const char* text;
};

constexpr std::array reasons{
    reason{100, "Continue"},
    reason{200, "OK"},
    reason{201, "Created"},
    reason{202, "Accepted"},
    reason{204, "No Content"},
    reason{206, "Partial Content"},
    reason{301, "Moved Permanently"},
    reason{304, "Not Modified"},
    reason{307, "Temporary Redirect"},
    reason{400, "Bad Request"},
    reason{401, "Unauthorized"},
    reason{403, "Forbidden"},
    reason{404, "Not Found"},
    reason{405, "Method Not Allowed"},
    reason{408, "Request Timeout"},
    reason{409, "Conflict"},
    reason{411, "Length Required"},
    reason{412, "Precondition Failed"},
    reason{413, "Content Too Large"},
    reason{416, "Range Not Satisfiable"},
    reason{417, "Expectation Failed"},
    reason{431, "Request Header Fields Too Large"},
    reason{500, "Internal Server Error"},
    reason{501, "Not Implemented"},
    reason{503, "Service Unavailable"},
    reason{507, "Insufficient Storage"},
};

const char* reason_of(int status) {
  for (const auto& each : reasons)
    if (each.status == status) return each.text;
  return "Status";
}

bool ours(std::string_view name) {
  return same_name(name, "Date") || same_name(name, "Server") || same_name(name, "Connection") ||
         same_name(name, "Content-Length") || same_name(name, "Transfer-Encoding");
}

// strftime would follow the locale.
std::string date_now() {
  static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  thread_local std::time_t written = 0;
  thread_local std::string text;
  const auto now = std::time(nullptr);
  if (now == written) return text;
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 96> line;
  std::snprintf(line.data(), line.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                days[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                months[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                utc.tm_min, utc.tm_sec);
  written = now;
  return text = line.data();
}

std::string xml_text(const std::string& plain) {
  std::string text;
  for (const auto c : plain) {
    if (c == '<')
      text += "&lt;";
    else if (c == '>')
      text += "&gt;";
    else if (c == '&')
      text += "&amp;";
    else
      text += c;
  }
  return text;
}

}  // namespace

bool bodiless(int status) { return status < 200 || status == 204 || status == 304; }

std::string format_head(const response& head, bool closes, const std::string& server_name,
                        const std::string& host_id) {
  auto text = "HTTP/1.1 " + std::to_string(head.status) + " " + reason_of(head.status) + "\r\n";
  for (const auto& each : head.headers) {
    if (!token(each.name) || ours(each.name)) continue;
    text += each.name + ": ";
    for (const auto c : each.value)
      text += (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f ? ' ' : c;
    text += "\r\n";
  }
  text += "Date: " + date_now() + "\r\nServer: " + server_name + "\r\n";
  if (!host_id.empty()) text += "x-amz-id-2: " + host_id + "\r\n";
  // 304 announces what a 200 would carry; 204 must not announce anything.
  if (head.status != 204) text += "Content-Length: " + std::to_string(head.content_length) + "\r\n";
  text += closes ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n";
  return text;
}

rendered render_s3_error(const refusal& why, const std::string& request_id) {
  return {{{"x-amz-request-id", request_id}, {"Content-Type", "application/xml"}},
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + xml_text(why.code) +
              "</Code><Message>" + xml_text(why.message) + "</Message><RequestId>" +
              xml_text(request_id) + "</RequestId></Error>"};
}

std::string format_refusal(const refusal& why, const std::string& request_id,
                           const server_options& options, bool without_body) {
  auto made = options.render_error(why, request_id);
  if (why.status == 503) made.headers.push_back({"Retry-After", "1"});
  const auto head = response{why.status, std::move(made.headers), made.body.size()};
  auto text = format_head(head, true, options.name, options.host_id);
  if (!without_body) text += made.body;
  return text;
}

}  // namespace dunlin::http
