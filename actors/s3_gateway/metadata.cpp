#include "actors/s3_gateway/metadata.hpp"

#include "actors/s3_gateway/error.hpp"
#include "actors/s3_gateway/times.hpp"

#include <algorithm>
#include <array>

namespace dunlin::s3 {

namespace {

constexpr std::string_view user_prefix = "x-amz-meta-";

constexpr auto content_names =
    std::to_array<std::string_view>({"Content-Type", "Cache-Control", "Content-Disposition",
                                     "Content-Encoding", "Content-Language", "Expires"});

/// The headers of a record together must leave room in its 64 KiB (decision 10).
constexpr std::size_t content_bytes_max = 8192;

const std::string* stored(const v1::ObjectRecord& record, std::string_view name) {
  for (const auto& header : record.content_headers())
    if (header.name() == name) return &header.value();
  return nullptr;
}

/// A decoded parameter that becomes a header must not bring lines of its own.
void check_override(const std::string& name, const std::string& value) {
  const bool clean = std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f;
  });
  if (!clean) throw error("InvalidArgument", "The value of " + name + " has control characters.");
}

}  // namespace

void read_metadata(const http::request& request, stored_headers& content, stored_headers& user) {
  std::size_t content_bytes = 0;
  for (const auto name : content_names) {
    const auto* value = find_header(request, name);
    if (!value) continue;
    content_bytes += value->size();
    auto& header = *content.Add();
    header.set_name(std::string(name));
    header.set_value(*value);
  }
  std::size_t user_bytes = 0;
  for (const auto& given : request.headers) {
    const auto name = lower(given.name);
    if (name.rfind(user_prefix, 0) != 0) continue;
    const auto short_name = name.substr(user_prefix.size());
    user_bytes += short_name.size() + given.value.size();
    // S3 joins repeated ones.
    const auto twin = std::find_if(user.begin(), user.end(), [&](const v1::Header& header) {
      return header.name() == short_name;
    });
    if (twin != user.end()) {
      twin->set_value(twin->value() + "," + given.value);
    } else {
      auto& header = *user.Add();
      header.set_name(short_name);
      header.set_value(given.value);
    }
  }
  if (user_bytes > user_metadata_bytes_max || content_bytes > content_bytes_max)
    throw error("MetadataTooLarge");
}

std::vector<http::header> object_headers(const v1::ObjectRecord& record, const target& where) {
  std::vector<http::header> out;
  for (const auto name : content_names) {
    const auto override_name = "response-" + lower(name);
    const auto* value = where.find(override_name);
    if (value)
      check_override(override_name, *value);
    else
      value = stored(record, name);
    if (value)
      out.push_back({std::string(name), *value});
    else if (name == "Content-Type")
      out.push_back({std::string(name), "binary/octet-stream"});
  }
  out.push_back({"ETag", "\"" + record.etag() + "\""});
  out.push_back({"Last-Modified", http_time(record.modified_ms())});
  out.push_back({"Accept-Ranges", "bytes"});
  for (const auto& header : record.user_metadata())
    out.push_back({std::string(user_prefix) + header.name(), header.value()});
  return out;
}

}  // namespace dunlin::s3
