#include "runtime/crypto/hash.hpp"

#include <gtest/gtest.h>

using namespace dunlin;
using namespace dunlin::crypto;

TEST(Hash, KnowsThePublishedDigests) {
  EXPECT_EQ(hex(sha256::of("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256::of("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(md5::of("")), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(hex(md5::of("abc")), "900150983cd24fb0d6963f7d28e17f72");
}

TEST(Hash, GivesTheSameDigestHoweverTheBytesArrive) {
  sha256 running;
  running.update("a");
  running.update("");
  running.update("bc");
  EXPECT_EQ(running.finish(), sha256::of("abc"));
}

TEST(Hash, StartsAnewAfterItWasFinished) {
  md5 running;
  running.update("something");
  running.finish();
  running.update("abc");
  EXPECT_EQ(running.finish(), md5::of("abc"));
}

// RFC 4231, test cases 1 and 2.
TEST(Hash, SignsAsTheHmacStandardSays) {
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Hash, ReadsHexOfEitherCaseAndNothingElse) {
  EXPECT_EQ(from_hex("00fF").value(), std::string("\0\xff", 2));
  EXPECT_EQ(from_hex("").value(), "");
  for (const auto* bad : {"0", "0g", "zz", "0x00", " 00"})
    EXPECT_TRUE(from_hex(bad).has_error()) << bad;
}

TEST(Hash, WritesAndReadsBase64) {
  for (const auto& [bytes, text] : {std::pair{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(from_base64(text).value(), bytes);
  }
}

TEST(Hash, RefusesBase64ThatIsNotExactlyWhatWouldBeWritten) {
  for (const auto* bad :
       {"Zg", "Zg=", "Zh==", "====", "Zm9v\n", " Zm9v   ", "Zm9$", "Z===", "Zg==Zg=="})
    EXPECT_TRUE(from_base64(bad).has_error()) << bad;
}

TEST(Hash, ComparesSecretsByContentAndLength) {
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "abcd"));
  EXPECT_TRUE(constant_time_equal("", ""));
}
