#include "actors/s3_gateway/xml.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace dunlin::s3 {

namespace {

std::string_view local_name(std::string_view qualified) {
  const auto colon = qualified.find(':');
  return colon == std::string_view::npos ? qualified : qualified.substr(colon + 1);
}

/// pugixml reads without recursion; the depth is checked while copying, which recurses.
bool copy_element(const pugi::xml_node& from, xml_element& to, int depth) {
  if (depth > xml_depth_max) return false;
  to.name = std::string(local_name(from.name()));
  for (const auto& node : from.children()) {
    switch (node.type()) {
      case pugi::node_element:
        if (!copy_element(node, to.children.emplace_back(), depth + 1)) return false;
        break;
      case pugi::node_pcdata:
      case pugi::node_cdata: to.text += node.value(); break;
      default: break;
    }
  }
  return true;
}

/// Length of the UTF-8 sequence at the front of `bytes`, 0 if there is none (Unicode table 3-7).
std::size_t utf8_length(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const auto within = [&](std::size_t i, unsigned low, unsigned high) {
    return i < bytes.size() && at(i) >= low && at(i) <= high;
  };
  const auto lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return within(1, 0x80, 0xbf) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;
    return within(1, low, high) && within(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
    return within(1, low, high) && within(2, 0x80, 0xbf) && within(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

void escape(std::string& out, std::string_view value) {
  constexpr char digits[] = "0123456789abcdef";
  while (!value.empty()) {
    const auto length = utf8_length(value);
    if (length == 0) {
      out += "\xef\xbf\xbd";  // no XML can carry it; encoding-type=url says the exact bytes
      value.remove_prefix(1);
      continue;
    }
    const auto c = static_cast<unsigned char>(value.front());
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c < 0x20 || c == 0x7f) {
      out += "&#x";
      if (c >= 0x10) out += digits[c >> 4];
      out += digits[c & 15];
      out += ';';
    } else {
      out += value.substr(0, length);
    }
    value.remove_prefix(length);
  }
}

/// Whether the text behind an ampersand is a character or one of the five entities that need no
/// DOCTYPE. pugixml leaves others as they stand, so that "&x;" would name another key than meant,
/// and ends its text at a NUL.
bool known_reference(std::string_view rest) {
  const auto end = rest.substr(0, 12).find(';');
  if (end == std::string_view::npos) return false;
  const auto name = rest.substr(0, end);
  if (name == "amp" || name == "lt" || name == "gt" || name == "quot" || name == "apos")
    return true;
  if (!name.starts_with('#')) return false;
  const auto hex = name.starts_with("#x");
  const auto number = name.substr(hex ? 2 : 1);
  std::uint32_t value = 0;
  const auto* last = number.data() + number.size();
  const auto read = std::from_chars(number.data(), last, value, hex ? 16 : 10);
  return read.ec == std::errc() && read.ptr == last && value > 0 && value < 0x110000;
}

/// Where the CDATA section or comment that `rest` begins with ends; 0: it begins with neither. One
/// that never ends takes all, and the parser refuses it.
std::size_t verbatim_bytes(std::string_view rest) {
  constexpr std::string_view quotes[][2] = {{"<![CDATA[", "]]>"}, {"<!--", "-->"}};
  for (const auto& [open, close] : quotes)
    if (rest.starts_with(open)) return std::min(rest.find(close, open.size()), rest.size());
  return 0;
}

bool only_known_references(std::string_view bytes) {
  for (std::size_t at = 0; (at = bytes.find_first_of("&<", at)) != std::string_view::npos;) {
    const auto rest = bytes.substr(at);
    if (rest.front() == '&' && !known_reference(rest.substr(1))) return false;
    at += std::max<std::size_t>(verbatim_bytes(rest), 1);
  }
  return true;
}

}  // namespace

const xml_element* xml_element::child(std::string_view wanted) const {
  for (const auto& element : children)
    if (element.name == wanted) return &element;
  return nullptr;
}

std::string_view xml_element::text_of(std::string_view wanted) const {
  const auto* found = child(wanted);
  return found ? std::string_view(found->text) : std::string_view();
}

bool valid_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto length = utf8_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

result<xml_element> read_xml(const std::string& bytes, std::string_view root) {
  if (bytes.size() > xml_bytes_max || !valid_utf8(bytes) || !only_known_references(bytes))
    return ec::bad_message;
  pugi::xml_document document;
  constexpr auto flags = pugi::parse_default | pugi::parse_doctype | pugi::parse_ws_pcdata_single;
  if (!document.load_buffer(bytes.data(), bytes.size(), flags, pugi::encoding_utf8))
    return ec::bad_message;
  std::optional<xml_element> found;
  for (const auto& node : document.children()) {
    if (node.type() == pugi::node_doctype) return ec::bad_message;
    if (node.type() != pugi::node_element) continue;
    if (found) return ec::bad_message;
    if (!copy_element(node, found.emplace(), 1)) return ec::bad_message;
  }
  if (!found || found->name != root) return ec::bad_message;
  return std::move(*found);
}

xml_writer::xml_writer() : out_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {}

void xml_writer::open(std::string_view name) {
  ((out_ += '<') += name) += '>';
  open_.emplace_back(name);
}

void xml_writer::open_root(std::string_view name) {
  open_root(name, "http://s3.amazonaws.com/doc/2006-03-01/");
}

void xml_writer::open_root(std::string_view name, std::string_view name_space) {
  ((((out_ += '<') += name) += " xmlns=\"") += name_space) += "\">";
  open_.emplace_back(name);
}

void xml_writer::close() {
  DUNLIN_ASSERT(!open_.empty());
  ((out_ += "</") += open_.back()) += '>';
  open_.pop_back();
}

void xml_writer::text(std::string_view name, std::string_view value) {
  open(name);
  escape(out_, value);
  close();
}

void xml_writer::number(std::string_view name, std::uint64_t value) {
  text(name, std::to_string(value));
}

void xml_writer::boolean(std::string_view name, bool value) {
  text(name, value ? "true" : "false");
}

std::string xml_writer::take() {
  DUNLIN_ASSERT(open_.empty());
  return std::move(out_);
}

}  // namespace dunlin::s3
