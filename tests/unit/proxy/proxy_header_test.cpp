// PROXY protocol version 2 (B7): what senders write, what others may send, and lies.
#include "runtime/proxy/proxy_header.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

using namespace dunlin;
using namespace std::literals;
using proxy::parsed;
using state = parsed::state;

namespace {

proxy::header full(const std::string& source = "192.0.2.7:41000") {
  return {false, source, "198.51.100.1:443", "0123456789abcdef", 0x0102030405060708, true};
}

/// A header made by hand: version and command, family, and the rest with its true length.
std::string raw(char command, char family, const std::string& rest) {
  const auto size = rest.size();
  return "\r\n\r\n\0\r\nQUIT\n"s + command + family + static_cast<char>(size >> 8) +
         static_cast<char>(size & 0xff) + rest;
}

const std::string four_addresses = "\xc0\0\2\7\xc6\x33\x64\1\xa0\x28\1\xbb"s;

}  // namespace

TEST(ProxyHeader, GivesBackWhatWasEncoded) {
  for (const auto* source : {"192.0.2.7:41000", "[2001:db8::7]:41000", "[::ffff:1.2.3.4]:1"}) {
    auto what = full(source);
    if (what.source.starts_with('[')) what.destination = "[2001:db8::1]:443";
    const auto bytes = proxy::encode(what);
    const auto got = proxy::parse(bytes + "GET / HTTP/1.1\r\n");
    ASSERT_EQ(got.is, state::whole) << source;
    EXPECT_EQ(got.size, bytes.size());
    EXPECT_EQ(got.what, what);
    EXPECT_LE(bytes.size(), proxy::header_bytes_max);
  }
}

TEST(ProxyHeader, WritesWhatTheSpecificationSays) {
  const auto bytes = proxy::encode({false, "192.0.2.7:41000", "198.51.100.1:443", "", {}, false});
  EXPECT_EQ(bytes.substr(0, 28), raw('\x21', '\x11', four_addresses + "\3\0\4____"s).substr(0, 28));
  EXPECT_EQ(bytes.size(), 28u + 7);
}

TEST(ProxyHeader, MixedFamiliesAreWrittenAsIpv6) {
  auto what = full();
  what.destination = "[2001:db8::1]:443";
  const auto got = proxy::parse(proxy::encode(what));
  ASSERT_EQ(got.is, state::whole);
  EXPECT_EQ(got.what.source, "[::ffff:192.0.2.7]:41000");
}

TEST(ProxyHeader, CarriesItsTokenEvenIfTheClientsAddressIsGone) {
  for (const auto* source : {"", "somewhere:1", "1.2.3.4", "[::1:2", "1.2.3.4:99999"}) {
    auto what = full(source);
    const auto got = proxy::parse(proxy::encode(what));
    ASSERT_EQ(got.is, state::whole) << source;
    EXPECT_EQ(got.what.source, "");
    EXPECT_EQ(got.what.token, what.token);
    EXPECT_EQ(got.what.connection, what.connection);
  }
}

TEST(ProxyHeader, LocalSaysNothingAndItsAddressesAreIgnored) {
  const auto got = proxy::parse(raw('\x20', '\x11', four_addresses));
  ASSERT_EQ(got.is, state::whole);
  EXPECT_EQ(got.what, (proxy::header{true, "", "", "", {}, false}));
  EXPECT_EQ(proxy::parse(raw('\x20', '\0', "")).is, state::whole);
  EXPECT_TRUE(proxy::parse(proxy::encode({true, "1.2.3.4:5", "", "t", 1, true})).what.local);
}

TEST(ProxyHeader, SkipsUnknownTlvsAndFamiliesWithoutTcp) {
  const auto got = proxy::parse(
      raw('\x21', '\x11',
          four_addresses + "\1\0\2h2\4\0\0\xee\0\1x\xe0\0\4tokn\xe1\0\x08\0\0\0\0\0\0\0\x09"s));
  ASSERT_EQ(got.is, state::whole);
  EXPECT_EQ(got.what.token, "tokn");
  EXPECT_EQ(got.what.connection, 9u);
  EXPECT_EQ(got.what.source, "192.0.2.7:41000");
  const auto datagram = proxy::parse(raw('\x21', '\x12', four_addresses));
  EXPECT_EQ(datagram.is, state::whole);
  EXPECT_EQ(datagram.what.source, "");
  EXPECT_EQ(proxy::parse(raw('\x21', '\x31', std::string(216, 'x'))).is, state::whole);
}

TEST(ProxyHeader, SecureIsAFlagOfTheClientsTls) {
  const auto with = [](char flags) {
    return proxy::parse(raw('\x21', '\x11', four_addresses + "\x20\0\5"s + flags + "\0\0\0\0"s));
  };
  EXPECT_TRUE(with('\1').what.secure);
  EXPECT_FALSE(with('\0').what.secure);
  EXPECT_FALSE(with('\2').what.secure);
}

TEST(ProxyHeader, NeedsMoreUntilItsLastByte) {
  const auto bytes = proxy::encode(full());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(proxy::parse(bytes.substr(0, size)).is, state::needs_more) << size;
}

TEST(ProxyHeader, ALieIsBadAsSoonAsItIsSeen) {
  EXPECT_EQ(proxy::parse("G").is, state::bad);
  EXPECT_EQ(proxy::parse("\r\n\r\nGET").is, state::bad);
  EXPECT_EQ(proxy::parse("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n").is, state::bad);
  const auto head = [](char command, char family, const std::string& length) {
    return proxy::parse("\r\n\r\n\0\r\nQUIT\n"s + command + family + length).is;
  };
  EXPECT_EQ(head('\x11', '\x11', "\0\x0c"s), state::bad);    // version 1
  EXPECT_EQ(head('\x22', '\x11', "\0\x0c"s), state::bad);    // unknown command
  EXPECT_EQ(head('\x21', '\x41', "\0\x0c"s), state::bad);    // unknown family
  EXPECT_EQ(head('\x21', '\x11', "\0\x0b"s), state::bad);    // too short for its addresses
  EXPECT_EQ(head('\x21', '\x11', "\x01\xf1"s), state::bad);  // 513 bytes
  EXPECT_EQ(head('\x21', '\x11', "\x01\xf0"s), state::needs_more);
  EXPECT_EQ(head('\x20', '\x11', "\xff\xff"s), state::bad);
}

TEST(ProxyHeader, TlvsMustFitAndStandOnce) {
  const auto with = [](const std::string& tlvs) {
    return proxy::parse(raw('\x21', '\x11', four_addresses + tlvs)).is;
  };
  EXPECT_EQ(with("\xe0"s), state::bad);
  EXPECT_EQ(with("\xe0\0"s), state::bad);
  EXPECT_EQ(with("\xe0\0\5abcd"s), state::bad);
  EXPECT_EQ(with("\xe0\0\0"s), state::bad);
  EXPECT_EQ(with("\xe0\0\x41"s + std::string(65, 'x')), state::bad);
  EXPECT_EQ(with("\xe0\0\1a\xe0\0\1b"s), state::bad);
  EXPECT_EQ(with("\xe1\0\7abcdefg"s), state::bad);
  EXPECT_EQ(with("\xe1\0\x08"
                 "abcdefgh\xe1\0\x08"
                 "abcdefgh"s),
            state::bad);
  EXPECT_EQ(with("\x20\0\4abcd"s), state::bad);
  EXPECT_EQ(with("\3\0\3abc"s), state::bad);
  EXPECT_EQ(with("\3\0\4abcd"s), state::bad);  // a wrong sum
}

TEST(ProxyHeader, EveryFlippedBitIsFoundByTheSum) {
  const auto bytes = proxy::encode(full());
  const auto wanted = proxy::parse(bytes).what;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    auto bent = bytes;
    bent[bit / 8] = static_cast<char>(bent[bit / 8] ^ 1 << bit % 8);
    const auto got = proxy::parse(bent);
    // LOCAL is one bit away, and says nothing; the sum's own type becomes one that is skipped.
    if (got.is == state::whole && !got.what.local) {
      EXPECT_EQ(got.what, wanted) << bit;
    }
  }
}

TEST(ProxyHeader, NoBytesMakeItReadPastItsEnd) {
  const std::uint64_t seed = 4711;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  const auto below = [&](std::size_t bound) { return random() % std::max<std::size_t>(bound, 1); };
  int whole = 0;
  for (int round = 0; round < 50'000; ++round) {
    auto what = full(below(2) == 0 ? "192.0.2.7:41000" : "[2001:db8::7]:41000");
    what.token.resize(below(17));
    auto bytes = proxy::encode(what);
    for (auto changes = below(4); changes > 0; --changes) {
      const auto at = below(bytes.size());
      switch (below(5)) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes.resize(at + 1); break;
        case 2: bytes.insert(at, std::string(below(40), static_cast<char>(random()))); break;
        case 3:
          bytes[std::min<std::size_t>(15, bytes.size() - 1)] = static_cast<char>(random());
          break;  // a lie about its length
        default: bytes.erase(at, below(4));
      }
      if (bytes.empty()) bytes = "\r";
    }
    // A heap block of just that size: the sanitizers see one byte more.
    const std::vector<char> tight(bytes.begin(), bytes.end());
    const auto got = proxy::parse({tight.data(), tight.size()});
    if (got.is != state::whole) continue;
    ++whole;
    EXPECT_LE(got.size, tight.size());
    EXPECT_LE(got.what.token.size(), proxy::token_bytes_max);
    EXPECT_LE(got.size, proxy::header_bytes_max);
  }
  EXPECT_GT(whole, 10'000);
}
