/// VERBS: one coroutine each, in verbs/<name>.cpp. They throw `failure`; otherwise they have
/// answered. All but list_buckets and create_bucket want context::bucket filled.
#pragma once

#include "actors/s3_gateway/context.hpp"
#include "actors/s3_gateway/guard.hpp"

namespace dunlin::s3 {

task<void> list_buckets(context& c);
task<void> create_bucket(context& c);
task<void> head_bucket(context& c);
task<void> delete_bucket(context& c);
task<void> get_location(context& c);
task<void> put_policy(context& c);
task<void> get_policy(context& c);
task<void> delete_policy(context& c);

task<void> list_objects(context& c);
task<void> delete_objects(context& c);

task<void> put_object(context& c);
task<void> get_object(context& c);  // and HEAD
task<void> delete_object(context& c);

task<void> create_upload(context& c);
task<void> upload_part(context& c);
task<void> list_parts(context& c);
task<void> list_uploads(context& c);
task<void> complete_upload(context& c);
task<void> abort_upload(context& c);

}  // namespace dunlin::s3
