#include "actors/s3_gateway/listing.hpp"
#include "actors/s3_gateway/times.hpp"
#include "actors/s3_gateway/verbs.hpp"

#include <utility>

namespace dunlin::s3 {

namespace {

std::string document_of(const context& c, const v1::QueryReply& reply, std::uint32_t after,
                        std::uint32_t items_max) {
  const bool url = url_encoded(c.where);
  xml_writer xml;
  xml.open_root("ListPartsResult");
  xml.text("Bucket", c.where.bucket);
  if (url) xml.text("EncodingType", "url");
  xml.text("Key", shown(c.where.key, url));
  xml.text("UploadId", c.where.value("uploadId"));
  write_owner(xml, "Initiator", c.bucket.owner());
  write_owner(xml, "Owner", c.bucket.owner());
  xml.text("StorageClass", "STANDARD");
  xml.number("PartNumberMarker", after);
  const auto last = reply.parts().empty() ? after : reply.parts().rbegin()->number();
  xml.number("NextPartNumberMarker", last);
  xml.number("MaxParts", items_max);
  xml.boolean("IsTruncated", reply.truncated());
  for (const auto& part : reply.parts()) {
    xml.open("Part");
    xml.number("PartNumber", part.number());
    xml.text("LastModified", iso_time(part.modified_ms()));
    xml.text("ETag", "\"" + part.etag() + "\"");
    xml.number("Size", part.size());
    xml.close();
  }
  xml.close();
  return xml.take();
}

v1::PartitionQuery list_query(const context& c, const std::string& upload_id, std::uint32_t after,
                              std::uint32_t items_max) {
  v1::PartitionQuery query;
  auto& list = *query.mutable_list_parts();
  list.set_bucket_id(c.bucket.id());
  list.set_key(c.where.key);
  list.set_upload_id(upload_id);
  list.set_after(after);
  list.set_items_max(items_max);
  return query;
}

}  // namespace

task<void> list_parts(context& c) {
  const auto upload_id = read_upload_id(c.where);
  const auto items_max = items_max_of(c.where, "max-parts");
  std::uint32_t after = 0;
  if (const auto* marker = c.where.find("part-number-marker"); marker && !marker->empty()) {
    const auto number = parse_number(*marker, INT32_MAX);
    if (!number) throw error("InvalidArgument", "part-number-marker is no part number");
    after = static_cast<std::uint32_t>(*number);
  }
  // A finished upload's rows live on under the object; to a client the upload is gone.
  auto reply = co_await ask_upload(c, upload_id);
  expect_ok(reply.status());
  reply.Clear();
  if (items_max > 0) {
    auto query = list_query(c, upload_id, after, items_max);
    auto route = to_bucket(c.bucket.id());
    reply = co_await ask(c, std::move(route), std::move(query));
    expect_ok(reply.status());
  }
  auto document = document_of(c, reply, after, items_max);
  co_await answer_xml(c, std::move(document));
}

}  // namespace dunlin::s3
