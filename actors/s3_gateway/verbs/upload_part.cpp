#include "actors/s3_gateway/listing.hpp"
#include "actors/s3_gateway/store.hpp"
#include "actors/s3_gateway/verbs.hpp"

#include <utility>

namespace dunlin::s3 {

namespace {

constexpr std::uint64_t part_number_max = 10'000;

std::uint32_t part_number_of(const target& where) {
  const auto number = parse_number(where.value("partNumber"), part_number_max);
  if (!number || *number == 0)
    throw error("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

task<void> upload_part(context& c) {
  const auto number = part_number_of(c.where);
  const auto upload_id = read_upload_id(c.where);
  expect_length(c.request());
  body_reader body(c, c.world.options().object_bytes_max);
  // Before gigabytes are taken in for nothing; the command decides.
  const auto upload = co_await ask_upload(c, upload_id);
  expect_ok(upload.status());
  v1::Item item;
  item.set_bucket_id(c.bucket.id());
  item.set_key(c.where.key);
  item.set_upload_id(upload_id);
  auto layout = co_await store(c, std::move(item), body);

  v1::Command command;
  auto& put = *command.mutable_put_part();
  put.set_bucket_id(c.bucket.id());
  put.set_key(c.where.key);
  put.set_upload_id(upload_id);
  auto& record = *put.mutable_record();
  record.set_number(number);
  record.set_size(body.length());
  record.set_etag(body.etag());
  *record.mutable_layout() = std::move(layout);
  auto route = to_bucket(c.bucket.id());
  auto reply = co_await execute(c, std::move(route), std::move(command));
  expect_ok(reply.status());
  std::vector<http::header> headers;
  headers.push_back({"ETag", "\"" + body.etag() + "\""});
  co_await answer(c, 200, std::move(headers), std::string());
}

}  // namespace dunlin::s3
