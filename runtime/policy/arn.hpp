/// ARN: how policies name users, policies, buckets and objects (docs/decisions/0012).
#pragma once

#include "runtime/policy/wildcard.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::policy {

/// Of every user and policy of a cluster.
inline constexpr std::string_view account = "dunlin";

std::string user_arn(std::string_view name);
std::string policy_arn(std::string_view name);
std::string bucket_arn(std::string_view bucket);
std::string object_arn(std::string_view bucket, std::string_view key);

/// The name in "arn:aws:iam::dunlin:policy/NAME"; empty: it is no such thing.
std::string_view policy_of_arn(std::string_view arn);
std::string_view user_of_arn(std::string_view arn);

/// 1 to `size_max` of the characters that IAM allows in the names of users and policies.
bool valid_name(std::string_view name, std::size_t size_max);

/// arn : partition : service : region : account : resource; the last may hold colons. Refers to
/// the text it was made from.
struct arn_parts {
  std::array<std::string_view, 5> head;
  std::string_view resource;
};
/// Nothing: it has fewer than six parts.
std::optional<arn_parts> split_arn(std::string_view arn);

/// What a statement's Resource names: "*", or a pattern for each part of an ARN.
class resource_pattern {
public:
  /// Matches everything.
  resource_pattern() = default;
  explicit resource_pattern(const arn_parts& pattern);

  bool matches(const arn_parts& arn) const;

private:
  std::vector<wildcard> parts_;  ///< none, or six
};

}  // namespace dunlin::policy
