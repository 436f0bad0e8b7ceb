#include "runtime/proxy/proxy_header.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <optional>

namespace dunlin::proxy {

namespace {

constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr char version_and_command = 0x21;  // 2, PROXY
constexpr char type_token = static_cast<char>(0xE0);
constexpr char type_connection = static_cast<char>(0xE1);
constexpr char type_ssl = 0x20;

void append_number(std::string& to, std::uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    to += static_cast<char>(number >> shift & 0xff);
}

void append_field(std::string& to, char type, std::string_view value) {
  to += type;
  append_number(to, value.size(), 2);
  to += value;
}

/// Family and addresses: source, then destination (unknown), then their ports.
std::optional<std::string> address_block(std::string_view client) {
  const auto colon = client.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = std::string(client.substr(0, colon));
  const auto digits = client.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  const auto v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (v6) host = host.substr(1, host.size() - 2);
  unsigned char bytes[16];
  if (::inet_pton(v6 ? AF_INET6 : AF_INET, host.c_str(), bytes) != 1) return std::nullopt;
  const std::size_t size = v6 ? 16 : 4;
  std::string block(1, v6 ? 0x21 : 0x11);
  block.append(2, 0);  // the length of all that follows, once it is known
  block.append(reinterpret_cast<const char*>(bytes), size);
  block.append(size, '\0');
  append_number(block, port, 2);
  append_number(block, 0, 2);
  return block;
}

}  // namespace

std::string proxy_header(std::string_view client, bool secure, std::string_view token,
                         std::uint64_t connection) {
  auto block = address_block(client).value_or(std::string(3, '\0'));
  append_field(block, type_token, token);
  std::string number;
  append_number(number, connection, 8);
  append_field(block, type_connection, number);
  // PP2_CLIENT_SSL; no certificate was asked for, so none is verified.
  if (secure) append_field(block, type_ssl, std::string_view{"\x01\0\0\0\x01", 5});
  std::string size;
  append_number(size, block.size() - 3, 2);
  block.replace(1, 2, size);
  return std::string(signature) + version_and_command + block;
}

}  // namespace dunlin::proxy
