#include "actors/s3_gateway/listing.hpp"
#include "actors/s3_gateway/times.hpp"
#include "actors/s3_gateway/verbs.hpp"
#include "runtime/crypto/hash.hpp"

#include <utility>

namespace dunlin::s3 {

namespace {

void write_upload(xml_writer& xml, const v1::ListedUpload& upload, bool url) {
  xml.open("Upload");
  xml.text("Key", shown(upload.key(), url));
  xml.text("UploadId", show_upload_id(upload.record().upload_id()));
  write_owner(xml, "Initiator", upload.record().owner());
  write_owner(xml, "Owner", upload.record().owner());
  xml.text("StorageClass", "STANDARD");
  xml.text("Initiated", iso_time(upload.record().initiated_ms()));
  xml.close();
}

std::string document_of(const context& c, const v1::QueryReply& reply, std::uint32_t items_max) {
  const bool url = url_encoded(c.where);
  xml_writer xml;
  xml.open_root("ListMultipartUploadsResult");
  xml.text("Bucket", c.where.bucket);
  xml.text("KeyMarker", shown(c.where.value("key-marker"), url));
  xml.text("UploadIdMarker", c.where.value("upload-id-marker"));
  if (reply.truncated()) {
    xml.text("NextKeyMarker", shown(reply.next_after(), url));
    xml.text("NextUploadIdMarker", show_upload_id(reply.next_upload_id()));
  }
  xml.text("Prefix", shown(c.where.value("prefix"), url));
  if (!c.where.value("delimiter").empty())
    xml.text("Delimiter", shown(c.where.value("delimiter"), url));
  if (url) xml.text("EncodingType", "url");
  xml.number("MaxUploads", items_max);
  xml.boolean("IsTruncated", reply.truncated());
  for (const auto& upload : reply.uploads())
    write_upload(xml, upload, url);
  write_prefixes(xml, reply.common_prefixes(), url);
  xml.close();
  return xml.take();
}

std::string upload_id_marker(const target& where) {
  const auto text = where.value("upload-id-marker");
  // Without a key marker it means nothing (S3 ignores it).
  if (text.empty() || where.value("key-marker").empty()) return {};
  auto raw = crypto::from_hex(text);
  if (!raw) throw error("InvalidArgument", "Invalid uploadId marker");
  return std::move(*raw);
}

}  // namespace

task<void> list_uploads(context& c) {
  const auto items_max = items_max_of(c.where, "max-uploads");
  v1::QueryReply reply;
  if (items_max > 0) {
    v1::PartitionQuery query;
    auto& list = *query.mutable_list_uploads();
    list.set_bucket_id(c.bucket.id());
    list.set_prefix(position_of(c.where, "prefix"));
    list.set_delimiter(position_of(c.where, "delimiter"));
    list.set_key_marker(position_of(c.where, "key-marker"));
    list.set_upload_id_marker(upload_id_marker(c.where));
    list.set_items_max(items_max);
    auto route = to_bucket(c.bucket.id());
    reply = co_await ask(c, std::move(route), std::move(query));
    expect_ok(reply.status());
  }
  auto document = document_of(c, reply, items_max);
  co_await answer_xml(c, std::move(document));
}

}  // namespace dunlin::s3
