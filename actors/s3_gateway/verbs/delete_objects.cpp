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

task<v1::CommandReply::Status> remove(context& c, const std::vector<std::string>& keys) {
  v1::Command command;
  auto& body = *command.mutable_delete_objects();
  body.set_bucket_id(c.bucket.id());
  for (const auto& key : keys)
    body.add_keys(key);
  auto route = to_bucket(c.bucket.id());
  const auto reply = co_await execute(c, std::move(route), std::move(command));
  co_return reply.status();
}

/// A sealed bucket is empty: all that was asked for is gone.
v1::CommandReply::Status empty_if_sealed(v1::CommandReply::Status status) {
  return status == v1::CommandReply::SEALED ? v1::CommandReply::OK : status;
}

/// Objects of very many parts are too much for one command together; one by one each is allowed.
task<void> remove_each(context& c, const std::vector<std::string>& keys) {
  for (const auto& key : keys) {
    const std::vector<std::string> one(1, key);
    const auto status = co_await remove(c, one);
    expect_ok(empty_if_sealed(status));
  }
}

}  // namespace

task<void> delete_objects(context& c) {
  // Signed bytes are proof enough; without them S3 wants a digest.
  if (c.proof.payload_hash == unsigned_payload && !find_header(c.request(), "content-md5") &&
      !find_header(c.request(), "x-amz-sdk-checksum-algorithm"))
    throw error("InvalidRequest", "Missing required header for this request: Content-MD5");
  const auto body = co_await read_all(c, xml_bytes_max);
  const auto w = read_wish(body);
  auto status = co_await remove(c, w.keys);
  if (status == v1::CommandReply::SEALED) {
    const bool same = co_await still_the_bucket(c);
    if (!same) status = co_await remove(c, w.keys);
  }
  if (status == v1::CommandReply::TOO_MUCH_AT_ONCE && w.keys.size() > 1)
    co_await remove_each(c, w.keys);
  else
    expect_ok(empty_if_sealed(status));
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
