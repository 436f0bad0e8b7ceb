#include "actors/s3_gateway/verbs.hpp"
#include "actors/s3_gateway/xml.hpp"

#include <utility>

namespace dunlin::s3 {

task<void> head_bucket(context& c) {
  std::vector<http::header> headers;
  headers.push_back({"x-amz-bucket-region", c.bucket.region()});
  co_await answer(c, 200, std::move(headers), std::string());
}

task<void> get_location(context& c) {
  xml_writer xml;
  xml.open_root("LocationConstraint");
  xml.close();
  auto document = xml.take();
  // S3 says us-east-1 by saying nothing.
  if (c.bucket.region() != "us-east-1") {
    const auto at = document.rfind("</");
    document.insert(at, c.bucket.region());
  }
  co_await answer_xml(c, std::move(document));
}

}  // namespace dunlin::s3
