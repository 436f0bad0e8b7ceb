#include "actors/s3_gateway/error.hpp"

#include "actors/s3_gateway/handle.hpp"
#include "actors/s3_gateway/xml.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

TEST(Errors, AreS3sDocument) {
  auto what = error("NoSuchKey");
  what.details.emplace_back("Key", "a<b");
  const auto read = read_xml(error_body(what, "/b/a%3Cb", "ID"), "Error");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text_of("Code"), "NoSuchKey");
  EXPECT_EQ(read->text_of("Message"), "The specified key does not exist.");
  EXPECT_EQ(read->text_of("Key"), "a<b");
  EXPECT_EQ(read->text_of("Resource"), "/b/a%3Cb");
  EXPECT_EQ(read->text_of("RequestId"), "ID");
}

TEST(Errors, EveryCodeOfTheClusterHasAnAnswer) {
  for (int code = 1; code <= 18; ++code) {
    const auto what = error_of(static_cast<ec>(code));
    EXPECT_GE(what.status, 500) << code;
  }
  EXPECT_EQ(error_of(ec::overloaded).code, "SlowDown");
  EXPECT_EQ(error_of(ec::timed_out).code, "ServiceUnavailable");
  EXPECT_EQ(error_of(ec::disk_full).status, 507);
}

TEST(Errors, EveryStatusOfAPartitionHasAnAnswer) {
  for (int status = 1; status <= v1::CommandReply::Status_MAX; ++status) {
    if (!v1::CommandReply::Status_IsValid(status)) continue;
    EXPECT_GE(error_of(static_cast<v1::CommandReply::Status>(status)).status, 400) << status;
  }
}

TEST(Errors, AFullNodeSaysSlowDown) {
  http::request request;
  request.method = "PUT";
  request.target = "/b/k?x";
  request.id = "ID";
  const auto refusal = slow_down(request);
  EXPECT_EQ(refusal.head.status, 503);
  EXPECT_EQ(refusal.head.content_length, refusal.body->size());
  EXPECT_NE(refusal.body->find("<Code>SlowDown</Code>"), std::string::npos);
  request.method = "HEAD";
  EXPECT_EQ(slow_down(request).body->size(), 0u);
}

TEST(Errors, OnlyWhatTheRouterSaysOfACommandThatIsNowhereMeansThatItHasNotRun) {
  for (const auto code : {ec::unavailable, ec::overloaded, ec::disk_full})
    EXPECT_TRUE(surely_not_run(code)) << to_string(code);
  for (const auto code : {ec::timed_out, ec::unknown_outcome, ec::peer_lost, ec::stale,
                          ec::stopping, ec::not_leader, ec::io_error})
    EXPECT_FALSE(surely_not_run(code)) << to_string(code);
}

}  // namespace dunlin::s3::test
