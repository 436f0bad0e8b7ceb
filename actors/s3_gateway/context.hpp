/// CONTEXT: what a verb knows of its request, and the few steps that all verbs share.
#pragma once

#include "actors/s3_gateway/error.hpp"
#include "actors/s3_gateway/guard.hpp"
#include "actors/s3_gateway/services.hpp"
#include "actors/s3_gateway/sigv4.hpp"
#include "actors/s3_gateway/target.hpp"
#include "actors/s3_gateway/task.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace dunlin::s3 {

struct context {
  services& world;
  target where{};
  claim proof{};             ///< verified before a verb runs
  cache_answer signed_in{};  ///< whose access key it is, with the user
  std::string user{};
  bool root_user = false;
  operation what{};
  v1::BucketRecord bucket{};  ///< of verbs on a bucket or object
  bool bucket_sure = false;   ///< its leader said so since the request came
  bool body_taken = false;    ///< some of the body's bytes are gone: the request cannot begin anew
  bool answered = false;      ///< the head went out: an error can only cut now

  const http::request& request() const { return world.request(); }
  bool head_only() const { return world.request().method == "HEAD"; }
};

/// Asks; whatever is no answer is thrown. Statuses are the caller's.
task<v1::QueryReply> ask(context& c, v1::Route to, v1::PartitionQuery query);
task<v1::CommandReply> execute(context& c, v1::Route to, v1::Command command);

/// An upload of the object that is named, as its leader says: OK or NO_SUCH_UPLOAD.
task<v1::QueryReply> ask_upload(context& c, const std::string& upload_id);

/// Throws what a status other than OK means.
void expect_ok(v1::CommandReply::Status status);

/// What near caches say of an item of a type of messages/cache_types.hpp.
task<cache_answer> look_up(context& c, std::string_view type, std::string key);
/// What its leader says from now on. A "no" is given to a client only after this (decision 16);
/// throws SlowDown where the client has been given too many.
task<cache_answer> confirm(context& c, std::string_view type, std::string key);

/// Fills context::bucket. Throws InvalidBucketName, NoSuchBucket, and AccessDenied if the client
/// expected another owner; the latter two never for what only a cache said. `sure`: as its leader
/// says from now on.
task<void> find_bucket(context& c, bool sure = false);

/// The same again, of its leader if it was not.
task<void> confirm_bucket(context& c);

/// After a partition answered as if the bucket were gone: whether context::bucket is what its name
/// means. False: it is another one by now, and in its place (O4): whether the user may what it
/// wants there has to be decided anew. Throws as find_bucket().
task<bool> still_the_bucket(context& c);

/// The whole answer.
task<void> answer(context& c, int status, std::vector<http::header> headers, std::string body);
task<void> answer_xml(context& c, std::string document);

/// The head of an answer whose body, of `length` bytes, follows by services::write_body.
/// `first` is its beginning, or all of it.
task<void> answer_head(context& c, int status, std::vector<http::header> headers,
                       std::uint64_t length, buffer first);

}  // namespace dunlin::s3
