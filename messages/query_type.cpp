#include "messages/query_type.hpp"

namespace dunlin {

std::string_view type_of(const v1::PartitionQuery& query) {
  using q = v1::PartitionQuery;
  switch (query.body_case()) {
    case q::kGetObject: return "object";
    case q::kListObjects: return "object_listing";
    case q::kGetUpload:
    case q::kListUploads:
    case q::kListParts: return "upload";
    case q::kListGarbage: return "garbage";
    case q::kGetBucket: return "bucket";
    case q::kListBuckets: return "bucket_listing";
    case q::kGetAccessKey:
    case q::kGetUser: return "user";
    case q::kListUsers: return "user_listing";
    case q::kGetPolicy: return "policy";
    case q::kListPolicies: return "policy_listing";
    case q::kGetClusterMap: return "cluster_map";
    case q::kGetNews:
    case q::kGetChangeAge:
    case q::BODY_NOT_SET: break;
  }
  return {};
}

}  // namespace dunlin
