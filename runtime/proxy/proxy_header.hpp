/// PROXY HEADER: version 2 of HAProxy's PROXY protocol, the first bytes of a leg (B7, decision 23,
/// docs/decisions/0015): the client's address, and the token that says the leg is expected. Pure:
/// bytes in, values out.
///
/// Decided here: TCP over IPv4 and IPv6, UNSPEC (no addresses) and LOCAL; UNIX and datagram
/// families are stepped over and leave no address; unknown TLVs are skipped; the sender adds a
/// CRC32C, and one that is there must be right; a token or number that stands there twice is bad.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::proxy {

inline constexpr std::size_t header_bytes_max = 512;
inline constexpr std::size_t token_bytes_max = 64;

struct header {
  bool local = false;       ///< the sender speaks for itself: nothing below is known
  std::string source;       ///< "address:port" of the client, IPv6 in brackets; empty: not known
  std::string destination;  ///< what the client had dialled, likewise
  std::string token;        ///< TLV 0xE0; empty: none
  std::optional<std::uint64_t> connection;  ///< TLV 0xE1
  bool secure = false;                      ///< the client's TLS ended at the sender (PP2_TYPE_SSL)
  bool operator==(const header&) const = default;
};

/// Addresses that are not numeric become UNSPEC: a leg works without them. At most
/// header_bytes_max; the token at most token_bytes_max.
std::string encode(const header& what);

struct parsed {
  enum class state : std::uint8_t { needs_more, whole, bad };
  state is = state::needs_more;
  std::size_t size = 0;  ///< of a whole header: what follows is the client's
  header what;
};

/// `bytes`: all that came since the connection began. Bad as soon as it cannot become a header.
parsed parse(std::string_view bytes);

}  // namespace dunlin::proxy
