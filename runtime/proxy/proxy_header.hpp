/// What a leg begins with: a PROXY header, version 2 (B7, docs/decisions/0015 "The way of a
/// connection", 4).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::proxy {

/// `client`: "address:port" or "[address]:port"; anything else travels as an unknown address.
/// `secure`: its TLS ended here. `token` of the accept reply, `connection` its number there.
std::string proxy_header(std::string_view client, bool secure, std::string_view token,
                         std::uint64_t connection);

}  // namespace dunlin::proxy
