#include "runtime/policy/arn.hpp"

#include <algorithm>

namespace dunlin::policy {

namespace {

constexpr std::string_view user_prefix = "arn:aws:iam::dunlin:user/";
constexpr std::string_view policy_prefix = "arn:aws:iam::dunlin:policy/";
constexpr std::string_view s3_prefix = "arn:aws:s3:::";

std::string joined(std::string_view prefix, std::string_view rest) {
  std::string out(prefix);
  out += rest;
  return out;
}

std::string_view rest_of(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : std::string_view();
}

}  // namespace

std::string user_arn(std::string_view name) { return joined(user_prefix, name); }
std::string policy_arn(std::string_view name) { return joined(policy_prefix, name); }
std::string bucket_arn(std::string_view bucket) { return joined(s3_prefix, bucket); }

std::string object_arn(std::string_view bucket, std::string_view key) {
  auto out = bucket_arn(bucket);
  out += '/';
  out += key;
  return out;
}

std::string_view policy_of_arn(std::string_view arn) { return rest_of(arn, policy_prefix); }
std::string_view user_of_arn(std::string_view arn) { return rest_of(arn, user_prefix); }

bool valid_name(std::string_view name, std::size_t size_max) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_+=,.@-").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= size_max && std::all_of(name.begin(), name.end(), allowed);
}

std::optional<arn_parts> split_arn(std::string_view arn) {
  arn_parts out;
  for (auto& part : out.head) {
    const auto colon = arn.find(':');
    if (colon == arn.npos) return std::nullopt;
    part = arn.substr(0, colon);
    arn.remove_prefix(colon + 1);
  }
  out.resource = arn;
  return out;
}

resource_pattern::resource_pattern(const arn_parts& pattern) {
  for (const auto part : pattern.head)
    parts_.emplace_back(part);
  parts_.emplace_back(pattern.resource);
}

bool resource_pattern::matches(const arn_parts& arn) const {
  if (parts_.empty()) return true;
  for (std::size_t i = 0; i < arn.head.size(); ++i)
    if (!parts_[i].matches(arn.head[i])) return false;
  return parts_.back().matches(arn.resource);
}

}  // namespace dunlin::policy
