#include "actors/s3_gateway/listing.hpp"

#include "runtime/crypto/hash.hpp"

#include <algorithm>

namespace dunlin::s3 {

namespace {

constexpr std::size_t check_bytes = 4;
constexpr std::size_t upload_id_bytes = 16;

std::string check_of(const std::string& after) {
  return crypto::sha256::of("dunlin list " + after).substr(0, check_bytes);
}

}  // namespace

std::uint32_t items_max_of(const target& where, std::string_view name) {
  const auto* given = where.find(name);
  if (!given || given->empty()) return list_items_max;
  const auto number = parse_number(*given, INT32_MAX);
  if (!number)
    throw error("InvalidArgument",
                "Provided " + std::string(name) + " not an integer or within integer range");
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(*number, list_items_max));
}

std::string position_of(const target& where, std::string_view name) {
  auto value = where.value(name);
  if (value.size() > key_bytes_max)
    throw error("InvalidArgument", "The " + std::string(name) + " is longer than any key");
  return value;
}

bool url_encoded(const target& where) {
  const auto* type = where.find("encoding-type");
  if (!type || type->empty()) return false;
  if (*type != "url")
    throw error("InvalidArgument", "Invalid Encoding Method specified in Request");
  return true;
}

std::string shown(const std::string& key, bool url) {
  return url ? percent_encode(key, true) : key;
}

std::string make_token(const std::string& after) { return crypto::base64(check_of(after) + after); }

std::string read_token(const std::string& token) {
  const auto raw = crypto::from_base64(token);
  if (raw && raw->size() >= check_bytes) {
    auto after = raw->substr(check_bytes);
    if (check_of(after) == raw->substr(0, check_bytes)) return after;
  }
  throw error("InvalidArgument", "The continuation token provided is incorrect");
}

void write_owner(xml_writer& xml, std::string_view element, const std::string& name) {
  xml.open(element);
  xml.text("ID", name);
  xml.text("DisplayName", name);
  xml.close();
}

void write_prefixes(xml_writer& xml,
                    const google::protobuf::RepeatedPtrField<std::string>& prefixes, bool url) {
  for (const auto& prefix : prefixes) {
    xml.open("CommonPrefixes");
    xml.text("Prefix", shown(prefix, url));
    xml.close();
  }
}

std::string show_upload_id(const std::string& id) { return crypto::hex(id); }

std::string read_upload_id(const target& where) {
  auto raw = crypto::from_hex(where.value("uploadId"));
  if (!raw || raw->size() != upload_id_bytes) throw error("NoSuchUpload");
  return std::move(*raw);
}

}  // namespace dunlin::s3
