#include "actors/s3_gateway/guard.hpp"

#include "actors/s3_gateway/error.hpp"
#include "tests/unit/s3_gateway/fake_world.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

namespace {

std::string refusal_of(const std::string& method, const std::string& raw,
                       std::vector<http::header> headers = {}) {
  http::request request;
  request.method = method;
  request.target = raw;
  request.headers = std::move(headers);
  try {
    operation_of(request, parse_target(raw));
  } catch (const failure& what) {
    return what.code;
  }
  return "";
}

const std::vector<std::string> methods = {"GET", "HEAD", "PUT", "POST", "DELETE"};

struct ordinary {
  std::string method, target;
  operation what;
};

}  // namespace

// U2: what is not built is refused, whatever the method and whatever it stands on.
TEST(Guard, EverySubResourceThatIsNotBuiltAnswers501OnEveryMethod) {
  for (const auto name : unbuilt_parameters())
    for (const auto& method : methods)
      for (const auto* path : {"/b", "/b/", "/b/k"})
        for (const auto* form : {"", "=", "=x"}) {
          const auto raw = std::string(path) + "?" + std::string(name) + form;
          EXPECT_EQ(refusal_of(method, raw), "NotImplemented") << method << " " << raw;
        }
}

TEST(Guard, AnUnbuiltSubResourceIsFoundBehindABuiltOne) {
  for (const auto name : unbuilt_parameters())
    for (const auto* raw : {"/b?list-type=2&", "/b?uploads&", "/b/k?response-expires=x&"})
      EXPECT_EQ(refusal_of("GET", raw + std::string(name)), "NotImplemented") << raw << name;
}

TEST(Guard, TheListOfSubResourcesIsTheOneOfS3) {
  const auto all = unbuilt_parameters();
  for (const auto* name : {"accelerate",
                           "acl",
                           "analytics",
                           "attributes",
                           "cors",
                           "encryption",
                           "intelligent-tiering",
                           "inventory",
                           "legal-hold",
                           "lifecycle",
                           "logging",
                           "metadataTable",
                           "metrics",
                           "notification",
                           "object-lock",
                           "ownershipControls",
                           "partNumber",
                           "policyStatus",
                           "publicAccessBlock",
                           "renameObject",
                           "replication",
                           "requestPayment",
                           "restore",
                           "retention",
                           "select",
                           "session",
                           "tagging",
                           "torrent",
                           "versionId",
                           "versioning",
                           "versions",
                           "website"})
    EXPECT_NE(std::find(all.begin(), all.end(), name), all.end()) << name;
}

TEST(Guard, HeadersThatChangeTheMeaningAnswer501) {
  const std::vector<http::header> headers = {
      {"x-amz-acl", "public-read"},
      {"x-amz-acl", "bucket-owner-full-control"},
      {"x-amz-grant-read", "id=1"},
      {"x-amz-grant-full-control", "id=1"},
      {"x-amz-server-side-encryption", "AES256"},
      {"x-amz-server-side-encryption-aws-kms-key-id", "k"},
      {"x-amz-server-side-encryption-customer-algorithm", "AES256"},
      {"x-amz-server-side-encryption-customer-key", "k"},
      {"x-amz-server-side-encryption-customer-key-MD5", "k"},
      {"x-amz-copy-source", "/b/k"},
      {"x-amz-copy-source", ""},
      {"x-amz-copy-source-range", "bytes=0-1"},
      {"x-amz-copy-source-if-match", "e"},
      {"x-amz-metadata-directive", "REPLACE"},
      {"x-amz-object-lock-mode", "GOVERNANCE"},
      {"x-amz-object-lock-retain-until-date", "x"},
      {"x-amz-object-lock-legal-hold", "ON"},
      {"x-amz-bucket-object-lock-enabled", "true"},
      {"x-amz-bypass-governance-retention", "true"},
      {"x-amz-tagging", "a=b"},
      {"x-amz-tagging-directive", "REPLACE"},
      {"x-amz-website-redirect-location", "/"},
      {"x-amz-storage-class", "GLACIER"},
      {"x-amz-object-ownership", "ObjectWriter"},
      {"x-amz-write-offset-bytes", "1"},
      {"x-amz-security-token", "t"},
      {"x-amz-mfa", "1"},
      {"x-amz-trailer", "x-amz-checksum-crc32"},
      {"x-amz-decoded-content-length", "1"},
      {"x-amz-checksum-crc64nvme", "x"},
      {"x-amz-checksum-type", "FULL_OBJECT"},
      {"x-amz-mp-object-size", "1"},
      {"x-amz-if-match-size", "1"},
      {"x-amz-something-new", "1"},
      {"Content-Encoding", "aws-chunked"},
      {"Content-Encoding", "aws-chunked,gzip"},
  };
  for (const auto& header : headers)
    for (const auto* method : {"GET", "PUT", "DELETE"})
      for (const auto* raw : {"/b", "/b/k"})
        EXPECT_EQ(refusal_of(method, raw, {header}), "NotImplemented")
            << method << " " << raw << " " << header.name << ": " << header.value;
}

TEST(Guard, ConditionsThatAWriteWouldNotKeepAnswer501) {
  EXPECT_EQ(refusal_of("PUT", "/b/k", {{"Content-Range", "bytes 0-1/2"}}), "NotImplemented");
  EXPECT_EQ(refusal_of("PUT", "/b/k?uploadId=a&partNumber=1", {{"If-Match", "a"}}),
            "NotImplemented");
  EXPECT_EQ(refusal_of("PUT", "/b/k", {{"If-Modified-Since", "x"}}), "NotImplemented");
  EXPECT_EQ(refusal_of("PUT", "/b/k", {{"If-Unmodified-Since", "x"}}), "NotImplemented");
  EXPECT_EQ(refusal_of("DELETE", "/b/k", {{"If-None-Match", "a"}}), "NotImplemented");
  EXPECT_EQ(refusal_of("DELETE", "/b/k", {{"If-Match", "a"}}), "");
  EXPECT_EQ(refusal_of("PUT", "/b/k", {{"If-Match", "a"}, {"If-None-Match", "*"}}), "");
  EXPECT_EQ(refusal_of("POST", "/b/k?uploadId=a", {{"If-None-Match", "*"}}), "");
  EXPECT_EQ(refusal_of("POST", "/b?delete", {{"If-Match", "a"}}), "NotImplemented");
}

TEST(Guard, UnknownParametersAreRefusedOnWritesAndIgnoredOnReads) {
  for (const auto* method : {"PUT", "DELETE"})
    for (const auto* raw : {"/b?unheard-of", "/b/k?unheard-of=1", "/b?Lifecycle"})
      EXPECT_EQ(refusal_of(method, raw), "NotImplemented") << method << raw;
  EXPECT_EQ(refusal_of("GET", "/b?unheard-of"), "");
  EXPECT_EQ(refusal_of("GET", "/b/k?unheard-of"), "");
}

TEST(Guard, SelectorsDoNotFallThroughToOtherVerbs) {
  EXPECT_EQ(refusal_of("PUT", "/b/k?uploadId=a"), "InvalidArgument");
  EXPECT_EQ(refusal_of("PUT", "/b/k?uploads"), "InvalidArgument");
  EXPECT_EQ(refusal_of("DELETE", "/b?uploads"), "InvalidArgument");
  EXPECT_EQ(refusal_of("DELETE", "/b?delete"), "InvalidArgument");
  EXPECT_EQ(refusal_of("PUT", "/b?location"), "InvalidArgument");
  EXPECT_EQ(refusal_of("GET", "/b?uploads&location"), "InvalidArgument");
  EXPECT_EQ(refusal_of("GET", "/b?prefix=a&prefix=b"), "InvalidArgument");
  EXPECT_EQ(refusal_of("POST", "/b"), "NotImplemented");
  EXPECT_EQ(refusal_of("POST", "/b/k"), "NotImplemented");
  EXPECT_EQ(refusal_of("PUT", "/"), "MethodNotAllowed");
  EXPECT_EQ(refusal_of("DELETE", "/"), "MethodNotAllowed");
  EXPECT_EQ(refusal_of("PATCH", "/b/k"), "MethodNotAllowed");
}

TEST(Guard, OrdinaryRequestsOfClientsPass) {
  using enum operation;
  const std::vector<ordinary> all = {
      {"GET", "/?x-id=ListBuckets", list_buckets},
      {"GET", "/b?location", get_location},
      {"GET", "/b?list-type=2&prefix=a%2F&delimiter=%2F&encoding-type=url&max-keys=1000",
       list_objects},
      {"GET", "/b?list-type=2&continuation-token=x&start-after=y&fetch-owner=true", list_objects},
      {"GET", "/b/?delimiter=/&marker=m&prefix=", list_objects},
      {"GET", "/b?uploads&key-marker=k&upload-id-marker=u&max-uploads=5&prefix=&delimiter=/",
       list_uploads},
      {"HEAD", "/b", head_bucket},
      {"PUT", "/b", create_bucket},
      {"DELETE", "/b", delete_bucket},
      {"POST", "/b?delete", delete_objects},
      {"POST", "/b/?delete=", delete_objects},
      {"PUT", "/b/k?x-id=PutObject", put_object},
      {"GET", "/b/k?x-id=GetObject&response-content-type=text%2Fplain", get_object},
      {"HEAD", "/b/k", head_object},
      {"DELETE", "/b/k?x-id=DeleteObject", delete_object},
      {"POST", "/b/k?uploads", create_upload},
      {"POST", "/b/k?uploads=&x-id=CreateMultipartUpload", create_upload},
      {"PUT", "/b/k?partNumber=1&uploadId=u&x-id=UploadPart", upload_part},
      {"GET", "/b/k?uploadId=u&max-parts=10&part-number-marker=1", list_parts},
      {"POST", "/b/k?uploadId=u", complete_upload},
      {"DELETE", "/b/k?uploadId=u&x-id=AbortMultipartUpload", abort_upload},
  };
  const std::vector<http::header> usual = {{"x-amz-date", "d"},
                                           {"x-amz-content-sha256", "h"},
                                           {"X-Amz-Meta-Mtime", "1"},
                                           {"x-amz-acl", "private"},
                                           {"x-amz-storage-class", "STANDARD"},
                                           {"x-amz-user-agent", "sdk"},
                                           {"amz-sdk-invocation-id", "i"},
                                           {"x-amz-checksum-mode", "ENABLED"},
                                           {"x-amz-expected-bucket-owner", "root"},
                                           {"Expect", "100-continue"},
                                           {"Content-Encoding", "gzip"},
                                           {"x-amz-object-ownership", "BucketOwnerEnforced"}};
  for (const auto& [method, raw, what] : all) {
    http::request request;
    request.method = method;
    request.target = raw;
    request.headers = usual;
    try {
      EXPECT_EQ(operation_of(request, parse_target(raw)), what) << method << " " << raw;
    } catch (const failure& refused) {
      ADD_FAILURE() << method << " " << raw << ": " << refused.code << " " << refused.message;
    }
  }
}

TEST(Guard, DeletingALifecycleDoesNotDeleteTheBucket) {
  cluster world;
  client root{world};
  EXPECT_EQ(root.put("/bucket").status, 200);
  EXPECT_EQ(root.remove("/bucket?lifecycle").status, 501);
  EXPECT_EQ(root.head("/bucket").status, 200);
  EXPECT_EQ(root.put("/bucket/k", "x").status, 200);
  EXPECT_EQ(root.remove("/bucket/k?tagging").code(), "NotImplemented");
  EXPECT_EQ(root.put("/bucket/k?acl", "<AccessControlPolicy/>").status, 501);
  EXPECT_EQ(root.get("/bucket/k").body, "x");
}

}  // namespace dunlin::s3::test
