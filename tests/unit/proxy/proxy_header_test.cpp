#include "runtime/proxy/proxy_header.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using dunlin::proxy::proxy_header;
using namespace std::string_literals;

const auto fixed = "\r\n\r\n\0\r\nQUIT\n\x21"s;
const auto token = std::string(16, 't');
const auto fields = "\xE0\0\x10tttttttttttttttt\xE1\0\x08\0\0\0\0\0\0\x01\x02"s;

TEST(ProxyHeader, CarriesTheClientsAddressAndTheToken_B7) {
  EXPECT_EQ(proxy_header("10.1.2.3:4660", false, token, 0x102),
            fixed + "\x11\0\x2A\x0A\x01\x02\x03\0\0\0\0\x12\x34\0\0"s + fields);
}

TEST(ProxyHeader, SaysThatTheClientsTlsEndedHere) {
  EXPECT_EQ(proxy_header("10.1.2.3:4660", true, token, 0x102),
            fixed + "\x11\0\x32\x0A\x01\x02\x03\0\0\0\0\x12\x34\0\0"s + fields +
                "\x20\0\x05\x01\0\0\0\x01"s);
}

TEST(ProxyHeader, CarriesAddressesOfSixteenBytes) {
  const auto made = proxy_header("[::1]:80", false, token, 0x102);
  EXPECT_EQ(made, fixed + "\x21\0\x42"s + std::string(15, '\0') + "\x01"s + std::string(16, '\0') +
                      "\0\x50\0\0"s + fields);
}

TEST(ProxyHeader, AnAddressThatIsNoneTravelsAsUnknown) {
  for (const auto* odd : {"", "nobody", "sim:1", "10.1.2.3:99999", "10.1.2.3:"})
    EXPECT_EQ(proxy_header(odd, false, token, 0x102), fixed + "\0\0\x1E"s + fields) << odd;
}

}  // namespace
