#include "actors/s3_gateway/times.hpp"
#include "actors/s3_gateway/verbs.hpp"
#include "actors/s3_gateway/xml.hpp"

#include <utility>

namespace dunlin::s3 {

namespace {

constexpr std::uint64_t buckets_max = 10'000;
constexpr std::uint32_t page_items = 1000;

void write_bucket(xml_writer& xml, const v1::BucketRecord& bucket) {
  xml.open("Bucket");
  xml.text("Name", bucket.name());
  xml.text("CreationDate", iso_time(bucket.created_ms()));
  xml.text("BucketRegion", bucket.region());
  xml.close();
}

}  // namespace

task<void> list_buckets(context& c) {
  const auto prefix = c.where.value("prefix");
  auto limit = buckets_max;
  if (const auto* given = c.where.find("max-buckets")) {
    const auto number = parse_number(*given, buckets_max);
    if (!number || *number == 0) throw error("InvalidArgument", "max-buckets must be 1 to 10000");
    limit = *number;
  }
  std::string after = c.where.value("continuation-token");  // the last name: nothing to hide
  xml_writer xml;
  xml.open_root("ListAllMyBucketsResult");
  xml.open("Owner");
  xml.text("ID", c.user);
  xml.text("DisplayName", c.user);
  xml.close();
  xml.open("Buckets");
  bool more = true;
  std::uint64_t listed = 0;
  while (more && listed < limit) {
    v1::PartitionQuery query;
    auto& body = *query.mutable_list_buckets();
    body.set_owner(c.user);
    body.set_after(after);
    body.set_items_max(page_items);
    auto route = to_root();
    auto reply = co_await ask(c, std::move(route), std::move(query));
    expect_ok(reply.status());
    more = reply.truncated() && !reply.buckets().empty();
    for (const auto& bucket : reply.buckets()) {
      if (listed == limit) {
        more = true;
        break;
      }
      after = bucket.name();
      if (bucket.name().compare(0, prefix.size(), prefix) != 0) continue;
      write_bucket(xml, bucket);
      ++listed;
    }
  }
  xml.close();
  if (more) xml.text("ContinuationToken", after);
  xml.close();
  auto document = xml.take();
  co_await answer_xml(c, std::move(document));
}

}  // namespace dunlin::s3
