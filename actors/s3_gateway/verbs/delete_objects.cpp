#include "actors/s3_gateway/body.hpp"
#include "actors/s3_gateway/verbs.hpp"
#include "actors/s3_gateway/xml.hpp"

#include <utility>
#include <vector>

namespace dunlin::s3 {

namespace {

constexpr std::size_t keys_max = 1000;

struct wish {
  std::vector<std::string> keys;
  bool quiet = false;
};

wish read_wish(const std::string& body) {
  const auto document = read_xml(body, "Delete");
  if (!document) throw error("MalformedXML");
  wish out;
  out.quiet = trimmed(document->text_of("Quiet")) == "true";
  for (const auto& object : document->children) {
    if (object.name != "Object") continue;
    for (const auto& field : object.children)
      if (field.name != "Key")
        throw error("NotImplemented", "Deleting by " + field.name + " is not implemented");
    const auto* key = object.child("Key");
    if (!key || key->text.empty()) throw error("MalformedXML");
    if (key->text.size() > key_bytes_max) throw error("KeyTooLongError");
    out.keys.push_back(key->text);
  }
  if (out.keys.empty() || out.keys.size() > keys_max) throw error("MalformedXML");
  return out;
}

}  // namespace

task<void> delete_objects(context& c) {
  // Signed bytes are proof enough; without them S3 wants the MD5.
  if (c.proof.payload_hash == unsigned_payload && !find_header(c.request(), "content-md5"))
    throw error("InvalidRequest", "Missing required header for this request: Content-MD5");
  const auto body = co_await read_all(c, xml_bytes_max);
  const auto w = read_wish(body);
  v1::Command command;
  auto& remove = *command.mutable_delete_objects();
  remove.set_bucket_id(c.bucket.id());
  for (const auto& key : w.keys)
    remove.add_keys(key);
  auto route = to_bucket(c.bucket.id());
  auto reply = co_await execute(c, std::move(route), std::move(command));
  expect_ok(reply.status());
  xml_writer xml;
  xml.open_root("DeleteResult");
  if (!w.quiet) {
    for (const auto& key : w.keys) {
      xml.open("Deleted");
      xml.text("Key", key);
      xml.close();
    }
  }
  xml.close();
  auto document = xml.take();
  co_await answer_xml(c, std::move(document));
}

}  // namespace dunlin::s3
