#include "actors/s3_gateway/listing.hpp"
#include "actors/s3_gateway/metadata.hpp"
#include "actors/s3_gateway/verbs.hpp"

#include <utility>

namespace dunlin::s3 {

namespace {
constexpr std::size_t upload_id_bytes = 16;
}

task<void> create_upload(context& c) {
  v1::Command command;
  auto& create = *command.mutable_create_upload();
  create.set_bucket_id(c.bucket.id());
  create.set_key(c.where.key);
  auto& record = *create.mutable_record();
  record.set_upload_id(c.world.random_bytes(upload_id_bytes));
  record.set_owner(c.bucket.owner());
  read_metadata(c.request(), *record.mutable_content_headers(), *record.mutable_user_metadata());
  const auto shown_id = show_upload_id(record.upload_id());
  auto route = to_bucket(c.bucket.id());
  auto reply = co_await execute(c, std::move(route), std::move(command));
  expect_ok(reply.status());
  xml_writer xml;
  xml.open_root("InitiateMultipartUploadResult");
  xml.text("Bucket", c.where.bucket);
  xml.text("Key", c.where.key);
  xml.text("UploadId", shown_id);
  xml.close();
  auto document = xml.take();
  co_await answer_xml(c, std::move(document));
}

}  // namespace dunlin::s3
