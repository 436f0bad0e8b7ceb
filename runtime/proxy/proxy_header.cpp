#include "runtime/proxy/proxy_header.hpp"

#include "runtime/disk/crc32c.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace dunlin::proxy {

namespace {

constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t fixed_bytes = 16;  // signature, version and command, family, length

constexpr unsigned char version_local = 0x20;
constexpr unsigned char version_proxy = 0x21;

constexpr unsigned char family_none = 0x00;
constexpr unsigned char family_tcp4 = 0x11;
constexpr unsigned char family_tcp6 = 0x21;

constexpr unsigned char tlv_crc32c = 0x03;
constexpr unsigned char tlv_ssl = 0x20;
constexpr unsigned char tlv_token = 0xe0;
constexpr unsigned char tlv_connection = 0xe1;

constexpr std::size_t tlv_head_bytes = 3;
constexpr std::size_t ssl_bytes_min = 5;  // flags, then the outcome of verification
constexpr unsigned char ssl_flag = 0x01;  // PP2_CLIENT_SSL

constexpr std::size_t ipv4_bytes = 4;
constexpr std::size_t ipv6_bytes = 16;
constexpr std::size_t address_text_max = 64;

// ---- addresses ----

struct address {
  std::string bytes;  // 4 or 16
  std::uint16_t port = 0;
};

std::optional<address> address_of(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.size() > address_text_max) return std::nullopt;
  auto host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  const auto bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  address made;
  const auto [end, wrong] = std::from_chars(port.data(), port.data() + port.size(), made.port);
  if (wrong != std::errc{} || end != port.data() + port.size()) return std::nullopt;
  made.bytes.resize(bracketed ? ipv6_bytes : ipv4_bytes);
  const auto family = bracketed ? AF_INET6 : AF_INET;
  if (::inet_pton(family, std::string(host).c_str(), made.bytes.data()) != 1) return std::nullopt;
  return made;
}

std::string text_of(std::string_view bytes, std::uint16_t port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto wide = bytes.size() == ipv6_bytes;
  ::inet_ntop(wide ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
  const std::string host = text.data();
  return (wide ? "[" + host + "]:" : host + ":") + std::to_string(port);
}

/// Both in one family: an IPv4 address beside an IPv6 one is written as ::ffff:a.b.c.d.
void widen(address& which) {
  if (which.bytes.size() == ipv4_bytes)
    which.bytes = std::string(10, '\0') + "\xff\xff" + which.bytes;
}

// ---- numbers ----

void append(std::string& to, std::uint64_t number, int bytes) {
  for (auto shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    to += static_cast<char>(number >> shift & 0xff);
}

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t number = 0;
  for (const auto c : bytes.substr(at, size))
    number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

void append_tlv(std::string& to, unsigned char type, std::string_view value) {
  to += static_cast<char>(type);
  append(to, value.size(), 2);
  to += value;
}

unsigned char append_addresses(std::string& to, const header& what) {
  auto source = address_of(what.source);
  if (!source || what.local) return family_none;
  auto destination = address_of(what.destination);
  if (!destination) destination = address{std::string(source->bytes.size(), '\0'), 0};
  if (source->bytes.size() != destination->bytes.size()) {
    widen(*source);
    widen(*destination);
  }
  to += source->bytes + destination->bytes;
  append(to, source->port, 2);
  append(to, destination->port, 2);
  return source->bytes.size() == ipv4_bytes ? family_tcp4 : family_tcp6;
}

// ---- parsing ----

/// How many bytes addresses take; nullopt: no such family.
std::optional<std::size_t> address_bytes(unsigned char family) {
  switch (family) {
    case 0x00: return 0;
    case 0x11:
    case 0x12: return 2 * ipv4_bytes + 4;
    case 0x21:
    case 0x22: return 2 * ipv6_bytes + 4;
    case 0x31:
    case 0x32: return 216;
    default: return std::nullopt;
  }
}

void take_addresses(header& into, unsigned char family, std::string_view bytes) {
  if (family != family_tcp4 && family != family_tcp6) return;
  const auto size = family == family_tcp4 ? ipv4_bytes : ipv6_bytes;
  const auto port_at = [&](std::size_t at) {
    return static_cast<std::uint16_t>(number_at(bytes, at, 2));
  };
  into.source = text_of(bytes.substr(0, size), port_at(2 * size));
  into.destination = text_of(bytes.substr(size, size), port_at(2 * size + 2));
}

/// The sum is over the whole header with its own four bytes zero.
bool sum_is_right(std::string_view whole, std::size_t at) {
  auto sum = crc32c(whole.substr(0, at));
  sum = crc32c(std::string_view("\0\0\0\0", 4), sum);
  return crc32c(whole.substr(at + 4), sum) == number_at(whole, at, 4);
}

/// One TLV, whose value begins at `at` of the header.
bool take_tlv(header& into, unsigned char type, std::string_view value, std::string_view whole,
              std::size_t at) {
  switch (type) {
    case tlv_crc32c: return value.size() == 4 && sum_is_right(whole, at);
    case tlv_token:
      if (value.empty() || value.size() > token_bytes_max || !into.token.empty()) return false;
      into.token = value;
      return true;
    case tlv_connection:
      if (value.size() != 8 || into.connection) return false;
      into.connection = number_at(value, 0, 8);
      return true;
    case tlv_ssl:
      if (value.size() < ssl_bytes_min) return false;
      into.secure = (static_cast<unsigned char>(value[0]) & ssl_flag) != 0;
      return true;
    default: return true;
  }
}

bool take_tlvs(header& into, std::string_view whole, std::size_t at) {
  while (at < whole.size()) {
    if (whole.size() - at < tlv_head_bytes) return false;
    const auto type = static_cast<unsigned char>(whole[at]);
    const auto size = static_cast<std::size_t>(number_at(whole, at + 1, 2));
    at += tlv_head_bytes;
    if (size > whole.size() - at) return false;
    if (!take_tlv(into, type, whole.substr(at, size), whole, at)) return false;
    at += size;
  }
  return true;
}

}  // namespace

std::string encode(const header& what) {
  std::string rest;
  const auto family = append_addresses(rest, what);
  // Longer ones were not made by us, and nobody would take them.
  if (!what.token.empty() && what.token.size() <= token_bytes_max)
    append_tlv(rest, tlv_token, what.token);
  if (what.connection) {
    std::string number;
    append(number, *what.connection, 8);
    append_tlv(rest, tlv_connection, number);
  }
  // What clients show is not asked for, so the verification has the outcome of nothing: not zero.
  if (what.secure) append_tlv(rest, tlv_ssl, std::string_view("\x01\0\0\0\x01", ssl_bytes_min));
  append_tlv(rest, tlv_crc32c, std::string_view("\0\0\0\0", 4));
  std::string whole{signature};
  whole += static_cast<char>(what.local ? version_local : version_proxy);
  whole += static_cast<char>(family);
  append(whole, rest.size(), 2);
  whole += rest;
  const auto sum = crc32c(whole);
  whole.resize(whole.size() - 4);
  append(whole, sum, 4);
  return whole;
}

parsed parse(std::string_view bytes) {
  using enum parsed::state;
  const auto known = std::min(bytes.size(), signature.size());
  if (bytes.substr(0, known) != signature.substr(0, known)) return {bad, 0, {}};
  if (bytes.size() < fixed_bytes) return {needs_more, 0, {}};
  const auto command = static_cast<unsigned char>(bytes[12]);
  const auto family = static_cast<unsigned char>(bytes[13]);
  const auto size = fixed_bytes + static_cast<std::size_t>(number_at(bytes, 14, 2));
  if (command != version_local && command != version_proxy) return {bad, 0, {}};
  if (size > header_bytes_max) return {bad, 0, {}};
  parsed made{whole, size, {}};
  made.what.local = command == version_local;
  const auto addresses = address_bytes(family);
  if (!made.what.local && (!addresses || fixed_bytes + *addresses > size)) return {bad, 0, {}};
  if (bytes.size() < size) return {needs_more, 0, {}};
  if (made.what.local) return made;  // whatever it says of addresses is to be ignored
  take_addresses(made.what, family, bytes.substr(fixed_bytes, *addresses));
  if (!take_tlvs(made.what, bytes.substr(0, size), fixed_bytes + *addresses)) return {bad, 0, {}};
  return made;
}

}  // namespace dunlin::proxy
