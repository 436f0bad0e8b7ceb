#include "actors/s3_gateway/body.hpp"
#include "actors/s3_gateway/conditions.hpp"
#include "actors/s3_gateway/listing.hpp"
#include "actors/s3_gateway/object_write.hpp"
#include "actors/s3_gateway/verbs.hpp"
#include "runtime/crypto/hash.hpp"

#include <map>
#include <utility>
#include <vector>

namespace dunlin::s3 {

namespace {

constexpr std::uint64_t part_number_max = 10'000;
constexpr std::uint64_t part_bytes_min = 5u << 20;

struct listed_part {
  std::uint32_t number = 0;
  std::string etag;
};

std::string unquoted(std::string_view etag) {
  etag = trimmed(etag);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
    etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

std::vector<listed_part> read_wish(const std::string& body) {
  const auto document = read_xml(body, "CompleteMultipartUpload");
  if (!document) throw error("MalformedXML");
  std::vector<listed_part> out;
  for (const auto& part : document->children) {
    if (part.name != "Part") throw error("MalformedXML");
    for (const auto& field : part.children)
      if (field.name.rfind("Checksum", 0) == 0)
        throw error("NotImplemented", "Part checksums are not implemented");
    const auto number = parse_number(trimmed(part.text_of("PartNumber")), part_number_max);
    auto etag = unquoted(part.text_of("ETag"));
    if (!number || *number == 0 || etag.empty()) throw error("MalformedXML");
    if (!out.empty() && out.back().number >= *number) throw error("InvalidPartOrder");
    out.push_back({static_cast<std::uint32_t>(*number), std::move(etag)});
  }
  if (out.empty() || out.size() > part_number_max) throw error("MalformedXML");
  return out;
}

/// All part rows of the upload, by number.
task<std::map<std::uint32_t, v1::PartRecord>> stored_parts(context& c,
                                                           const std::string& upload_id) {
  std::map<std::uint32_t, v1::PartRecord> out;
  bool more = true;
  while (more) {
    v1::PartitionQuery query;
    auto& list = *query.mutable_list_parts();
    list.set_bucket_id(c.bucket.id());
    list.set_key(c.where.key);
    list.set_upload_id(upload_id);
    list.set_after(out.empty() ? 0 : out.rbegin()->first);
    list.set_items_max(list_items_max);
    auto route = to_bucket(c.bucket.id());
    auto reply = co_await ask(c, std::move(route), std::move(query));
    expect_ok(reply.status());
    more = reply.truncated() && !reply.parts().empty();
    for (auto& part : *reply.mutable_parts()) {
      part.clear_layout();  // only sizes and ETags matter here; layouts add up
      const auto number = part.number();
      out.insert_or_assign(number, std::move(part));
    }
  }
  co_return out;
}

/// Apply checks the same again; here the client learns which part it was.
void check_parts(const std::vector<listed_part>& wanted,
                 const std::map<std::uint32_t, v1::PartRecord>& stored) {
  for (const auto& part : wanted) {
    const auto found = stored.find(part.number);
    if (found == stored.end() || found->second.etag() != part.etag) {
      auto invalid = error("InvalidPart");
      invalid.details = {{"PartNumber", std::to_string(part.number)}, {"ETag", part.etag}};
      throw invalid;
    }
    const bool last = &part == &wanted.back();
    if (!last && found->second.size() < part_bytes_min) {
      auto small = error("EntityTooSmall");
      small.details = {{"ProposedSize", std::to_string(found->second.size())},
                       {"MinSizeAllowed", std::to_string(part_bytes_min)},
                       {"PartNumber", std::to_string(part.number)},
                       {"ETag", part.etag}};
      throw small;
    }
  }
}

std::string etag_of(const std::vector<listed_part>& parts) {
  crypto::md5 all;
  for (const auto& part : parts) {
    const auto raw = crypto::from_hex(part.etag);
    if (!raw) throw error("InvalidPart");
    all.update(*raw);
  }
  return crypto::hex(all.finish()) + "-" + std::to_string(parts.size());
}

/// A retry whose first answer was lost finds the upload gone and its object there.
task<bool> already_complete(context& c, const std::string& upload_id, const std::string& etag) {
  v1::PartitionQuery query;
  query.mutable_get_object()->set_bucket_id(c.bucket.id());
  query.mutable_get_object()->set_key(c.where.key);
  auto route = to_bucket(c.bucket.id());
  const auto reply = co_await ask(c, std::move(route), std::move(query));
  co_return reply.status() == v1::CommandReply::OK&& reply.object().upload_id() ==
      upload_id&& reply.object().etag() == etag;
}

task<void> answer_complete(context& c, const std::string& etag) {
  xml_writer xml;
  xml.open_root("CompleteMultipartUploadResult");
  xml.text("Location", "/" + c.where.bucket + "/" + percent_encode(c.where.key, true));
  xml.text("Bucket", c.where.bucket);
  xml.text("Key", c.where.key);
  xml.text("ETag", "\"" + etag + "\"");
  xml.close();
  auto document = xml.take();
  co_await answer_xml(c, std::move(document));
}

}  // namespace

task<void> complete_upload(context& c) {
  const auto upload_id = read_upload_id(c.where);
  const auto wanted = write_precondition(c.request());
  const auto body = co_await read_all(c, xml_bytes_max);
  const auto parts = read_wish(body);

  const auto upload = co_await ask_upload(c, upload_id);
  if (upload.status() == v1::CommandReply::NO_SUCH_UPLOAD) {
    const auto etag = etag_of(parts);
    const bool done = co_await already_complete(c, upload_id, etag);
    if (!done) throw error("NoSuchUpload");
    co_await answer_complete(c, etag);
    co_return;
  }
  expect_ok(upload.status());

  const auto stored = co_await stored_parts(c, upload_id);
  check_parts(parts, stored);
  const auto etag = etag_of(parts);
  v1::Command command;
  auto& complete = *command.mutable_complete_upload();
  complete.set_bucket_id(c.bucket.id());
  complete.set_key(c.where.key);
  complete.set_upload_id(upload_id);
  complete.set_etag(etag);
  for (const auto& part : parts) {
    auto& each = *complete.add_parts();
    each.set_number(part.number);
    each.set_etag(part.etag);
  }
  if (!empty(wanted)) *complete.mutable_precondition() = wanted;
  auto key = c.where.key;
  auto reply = co_await execute_on_object(c, std::move(key), std::move(command));
  expect_ok(reply.status());
  co_await answer_complete(c, etag);
}

}  // namespace dunlin::s3
