#include "actors/s3_gateway/access.hpp"
#include "actors/s3_gateway/body.hpp"
#include "actors/s3_gateway/object_write.hpp"
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
  auto named = keys;
  const auto reply = co_await execute_removal(c, std::move(named), std::move(command));
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

/// The keys that the user may delete, in order, and those that it may not.
struct sorted_keys {
  std::vector<std::string> allowed, refused;
};

task<sorted_keys> sort_keys(context& c, const std::vector<std::string>& keys) {
  std::vector<permission> wanted;
  for (const auto& key : keys)
    wanted.push_back({"s3:DeleteObject", policy::object_arn(c.where.bucket, key)});
  const auto may = co_await may_each(c, std::move(wanted));
  sorted_keys out;
  for (std::size_t i = 0; i < keys.size(); ++i)
    (may[i] ? out.allowed : out.refused).push_back(keys[i]);
  co_return out;
}

/// OK or SEALED; throws what else there is.
task<v1::CommandReply::Status> remove_all(context& c, const std::vector<std::string>& keys) {
  auto status = v1::CommandReply::OK;
  if (!keys.empty()) status = co_await remove(c, keys);
  if (status == v1::CommandReply::TOO_MUCH_AT_ONCE && keys.size() > 1) {
    co_await remove_each(c, keys);
    status = v1::CommandReply::OK;
  }
  expect_ok(empty_if_sealed(status));
  co_return status;
}

/// A sealed bucket may have a successor by now, and in that the keys may be there (O4).
task<sorted_keys> remove_what_may(context& c, const std::vector<std::string>& keys) {
  auto sorted = co_await sort_keys(c, keys);
  const auto status = co_await remove_all(c, sorted.allowed);
  if (status != v1::CommandReply::SEALED) co_return sorted;
  const bool same = co_await still_the_bucket(c);
  if (same) co_return sorted;
  sorted = co_await sort_keys(c, keys);
  co_await remove_all(c, sorted.allowed);
  co_return sorted;
}

void write_result(xml_writer& xml, const sorted_keys& sorted, bool quiet) {
  xml.open_root("DeleteResult");
  for (const auto& key : sorted.allowed) {
    if (quiet) break;
    xml.open("Deleted");
    xml.text("Key", key);
    xml.close();
  }
  const auto denied = error("AccessDenied");
  for (const auto& key : sorted.refused) {
    xml.open("Error");
    xml.text("Key", key);
    xml.text("Code", denied.code);
    xml.text("Message", denied.message);
    xml.close();
  }
  xml.close();
}

}  // namespace

task<void> delete_objects(context& c) {
  // Signed bytes are proof enough; without them S3 wants a digest.
  if (c.proof.payload_hash == unsigned_payload && !find_header(c.request(), "content-md5") &&
      !find_header(c.request(), "x-amz-sdk-checksum-algorithm"))
    throw error("InvalidRequest", "Missing required header for this request: Content-MD5");
  const auto body = co_await read_all(c, xml_bytes_max);
  const auto w = read_wish(body);
  const auto sorted = co_await remove_what_may(c, w.keys);
  xml_writer xml;
  write_result(xml, sorted, w.quiet);
  auto document = xml.take();
  co_await answer_xml(c, std::move(document));
}

}  // namespace dunlin::s3
