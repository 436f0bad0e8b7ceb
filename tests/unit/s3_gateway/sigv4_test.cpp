#include "actors/s3_gateway/sigv4.hpp"
#include "actors/s3_gateway/error.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace dunlin::s3::test {

namespace {

// "Signature Calculations for the Authorization Header": the published examples of Amazon S3.
constexpr std::string_view secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
constexpr std::int64_t day_ms = 1'369'353'600'000;  // 2013-05-24T00:00:00Z

http::request example(std::string method, std::string target, std::vector<http::header> headers,
                      const std::string& payload, const std::string& names,
                      const std::string& signature) {
  http::request out;
  out.method = std::move(method);
  out.target = std::move(target);
  out.headers = std::move(headers);
  out.headers.push_back({"Host", "examplebucket.s3.amazonaws.com"});
  out.headers.push_back({"x-amz-content-sha256", payload});
  out.headers.push_back({"x-amz-date", "20130524T000000Z"});
  out.headers.push_back({"Authorization",
                         "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
                         "aws4_request,SignedHeaders=" +
                             names + ",Signature=" + signature});
  return out;
}

struct published {
  const char* name;
  http::request request;
};

std::vector<published> examples() {
  const std::string empty(empty_payload);
  return {
      {"GetObject", example("GET", "/test.txt", {{"Range", "bytes=0-9"}}, empty,
                            "host;range;x-amz-content-sha256;x-amz-date",
                            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")},
      {"PutObject", example("PUT", "/test%24file.text",
                            {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                             {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                            "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
                            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")},
      {"GetBucketLifecycle",
       example("GET", "/?lifecycle", {}, empty, "host;x-amz-content-sha256;x-amz-date",
               "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")},
      {"ListObjects",
       example("GET", "/?max-keys=2&prefix=J", {}, empty, "host;x-amz-content-sha256;x-amz-date",
               "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")},
  };
}

std::string refusal_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const failure& what) {
    return what.code;
  }
  return "";
}

}  // namespace

TEST(SigV4, VerifiesThePublishedExamples) {
  for (const auto& [name, request] : examples()) {
    const auto where = parse_target(request.target);
    const auto claimed = read_claim(request, where, "us-east-1", day_ms);
    EXPECT_EQ(signature_of(request, where, claimed, secret), claimed.signature) << name;
    EXPECT_EQ(refusal_of([&] { verify(request, where, claimed, secret); }), "") << name;
    EXPECT_EQ(refusal_of([&] { verify(request, where, claimed, "other"); }),
              "SignatureDoesNotMatch");
  }
}

}  // namespace dunlin::s3::test
