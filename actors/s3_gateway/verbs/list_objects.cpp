#include "actors/s3_gateway/listing.hpp"
#include "actors/s3_gateway/times.hpp"
#include "actors/s3_gateway/verbs.hpp"

#include <utility>

namespace dunlin::s3 {

namespace {

/// Versions 1 and 2 differ in how they say where to go on.
struct wish {
  bool v2 = false;
  bool url = false;
  bool owners = true;
  std::string prefix, delimiter, after;
  std::uint32_t items_max = list_items_max;
};

wish read_wish(const target& where) {
  wish out;
  if (const auto* type = where.find("list-type")) {
    if (*type != "2") throw error("InvalidArgument", "Invalid List Type specified in Request");
    out.v2 = true;
  }
  out.url = url_encoded(where);
  out.prefix = position_of(where, "prefix");
  out.delimiter = position_of(where, "delimiter");
  out.items_max = items_max_of(where, "max-keys");
  if (!out.v2) {
    out.after = position_of(where, "marker");
    return out;
  }
  out.owners = where.value("fetch-owner") == "true";
  const auto* token = where.find("continuation-token");
  if (token && token->empty())
    throw error("InvalidArgument", "The continuation token provided is incorrect");
  out.after = token ? read_token(*token) : position_of(where, "start-after");
  return out;
}

void write_object(xml_writer& xml, const v1::ListedObject& object, const wish& w) {
  xml.open("Contents");
  xml.text("Key", shown(object.key(), w.url));
  xml.text("LastModified", iso_time(object.modified_ms()));
  xml.text("ETag", "\"" + object.etag() + "\"");
  xml.number("Size", object.size());
  if (w.owners) write_owner(xml, "Owner", object.owner());
  xml.text("StorageClass", object.storage_class().empty() ? "STANDARD" : object.storage_class());
  xml.close();
}

void write_position(xml_writer& xml, const wish& w, const target& where,
                    const v1::QueryReply& reply) {
  if (!w.v2) {
    xml.text("Marker", shown(w.after, w.url));
    // Without a delimiter S3 leaves it to the client to take the last key.
    if (reply.truncated() && !w.delimiter.empty())
      xml.text("NextMarker", shown(reply.next_after(), w.url));
    return;
  }
  xml.number("KeyCount",
             static_cast<std::uint64_t>(reply.objects_size() + reply.common_prefixes_size()));
  if (const auto* token = where.find("continuation-token")) xml.text("ContinuationToken", *token);
  if (const auto* start = where.find("start-after")) xml.text("StartAfter", shown(*start, w.url));
  if (reply.truncated()) xml.text("NextContinuationToken", make_token(reply.next_after()));
}

std::string document_of(const context& c, const wish& w, const v1::QueryReply& reply) {
  xml_writer xml;
  xml.open_root("ListBucketResult");
  xml.text("Name", c.where.bucket);
  xml.text("Prefix", shown(w.prefix, w.url));
  if (!w.delimiter.empty()) xml.text("Delimiter", shown(w.delimiter, w.url));
  xml.number("MaxKeys", w.items_max);
  if (w.url) xml.text("EncodingType", "url");
  xml.boolean("IsTruncated", reply.truncated());
  write_position(xml, w, c.where, reply);
  for (const auto& object : reply.objects())
    write_object(xml, object, w);
  write_prefixes(xml, reply.common_prefixes(), w.url);
  xml.close();
  return xml.take();
}

}  // namespace

task<void> list_objects(context& c) {
  const auto w = read_wish(c.where);
  v1::QueryReply reply;
  if (w.items_max > 0) {  // S3 answers max-keys=0 with an empty, complete list
    v1::PartitionQuery query;
    auto& body = *query.mutable_list_objects();
    body.set_bucket_id(c.bucket.id());
    body.set_prefix(w.prefix);
    body.set_delimiter(w.delimiter);
    body.set_after(w.after);
    body.set_items_max(w.items_max);
    auto route = to_bucket(c.bucket.id());
    reply = co_await ask(c, std::move(route), std::move(query));
    expect_ok(reply.status());
  }
  auto document = document_of(c, w, reply);
  co_await answer_xml(c, std::move(document));
}

}  // namespace dunlin::s3
