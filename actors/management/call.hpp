/// CALL: one action of IAM's query protocol while it runs: its parameters, what it answers, and the
/// steps that actions share. Actions throw `failure`; what they have answered else is in `xml`.
#pragma once

#include "actors/management/iam_error.hpp"
#include "actors/s3_gateway/context.hpp"
#include "actors/s3_gateway/xml.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::iam {

using s3::task;

inline constexpr std::size_t user_name_bytes_max = 64;
inline constexpr std::size_t policy_name_bytes_max = 128;

struct call {
  s3::context& c;
  std::vector<s3::parameter> parameters{};
  s3::xml_writer xml{};  ///< open at the action's result

  const std::string* find(std::string_view name) const;
};

// ---- parameters; these throw ValidationError and MissingParameter ----

std::string text(const call& at, std::string_view name, std::size_t bytes_max);
bool flag(const call& at, std::string_view name);
/// UserName; absent: the one who asks, where `or_self`.
std::string user_name(const call& at, bool or_self = false);
std::string policy_name(const call& at);
/// The name in PolicyArn. Throws NoSuchEntity for an ARN that is none of this cluster's policies.
std::string policy_of_arn(const call& at);
/// PolicyDocument. Throws MalformedPolicyDocument for one that is not understood.
std::string policy_document(const call& at);
/// Other paths than "/" do not exist. False: asked for such a prefix, nothing is there.
void expect_no_path(const call& at);
bool wants_all_paths(const call& at, std::string_view name = "PathPrefix");
/// MaxItems and Marker.
struct page {
  std::uint32_t items_max = 100;
  std::string after;
};
page read_page(const call& at);
/// IsTruncated and Marker.
void write_page(call& at, bool truncated, const std::string& next_after);
/// For lists that come whole: calls `write` for those on the page, ascending.
template <class Names, class Write>
void write_names(call& at, const Names& names, std::string_view list, Write write) {
  const auto wanted = read_page(at);
  std::string last;
  std::uint32_t listed = 0;
  bool truncated = false;
  at.xml.open(list);
  for (const auto& name : names) {
    if (name <= wanted.after && !wanted.after.empty()) continue;
    if ((truncated = listed == wanted.items_max)) break;
    write(name);
    last = name;
    ++listed;
  }
  at.xml.close();
  write_page(at, truncated, last);
}

// ---- the root partition ----

/// Linearizable reads. Throw NoSuchEntity.
task<v1::QueryReply> get_user(call& at, std::string name);
task<v1::PolicyRecord> get_policy(call& at, std::string user, std::string name);

/// A user that is about to be changed. The root user is changed by itself only: whoever may give it
/// a key could be it. Throws AccessDenied.
task<v1::QueryReply> user_to_change(call& at, std::string name);

/// An item of the node's near caches that a command changes.
struct cached_item_name {
  std::string_view type;
  std::string key;
};
std::vector<cached_item_name> keys_of(const v1::QueryReply& user);

/// Runs it; whatever came of it, the node's near caches forget the items before the client hears
/// of it. `what`: names it in the answer where the outcome is unknown. Throws unless it is OK.
task<v1::CommandReply> change(call& at, v1::Command command, std::vector<cached_item_name> items,
                              std::string what);

}  // namespace dunlin::iam
