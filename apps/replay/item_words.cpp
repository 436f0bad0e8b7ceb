#include "apps/replay/item_words.hpp"

#include <fmt/format.h>

#include <memory>

namespace dunlin::replay {

namespace {

std::string user_name(const item& of) { return "replay-" + of.name; }
std::string bucket_name(const std::string& name) { return "replay-" + name; }

/// Grows the text to what a record of the size has left for it.
std::string padding(const item& of, std::size_t taken) {
  return std::string(of.bytes > taken ? of.bytes - taken : 1, 'x');
}

std::string document(const item& of, std::uint64_t number, std::string_view principal) {
  auto text = fmt::format(
      R"({{"Version":"2012-10-17","Id":"{}","Statement":[{{"Effect":"Allow",{}"Action":"s3:GetObject","Resource":"arn:aws:s3:::replay-*/*"}}]}})",
      number, principal);
  // White space between tokens: a document of any size.
  const auto missing = of.bytes > text.size() ? of.bytes - text.size() : 0;
  return text.insert(1, missing, ' ');
}

v1::RoutedCommand to_root() {
  v1::RoutedCommand made;
  made.mutable_route()->set_partition(0);
  return made;
}

v1::RoutedCommand make_bucket(const item& of) {
  auto made = to_root();
  auto& wish = *made.mutable_command()->mutable_create_bucket();
  wish.set_name(bucket_name(of.name));
  wish.set_id(bucket_id_of(of.name));
  wish.set_owner("root");
  wish.set_region("us-east-1");
  return made;
}

std::vector<v1::RoutedCommand> make_user(const item& of) {
  auto user = to_root();
  auto& first = *user.mutable_command()->mutable_create_user();
  first.set_name(user_name(of));
  first.set_display_name(padding(of, 80));
  auto key = to_root();
  auto& second = *key.mutable_command()->mutable_create_access_key();
  second.set_user(user_name(of));
  second.set_access_key(key_of(of));
  second.set_secret("replay-secret-of-forty-characters-length");
  return {user, key};
}

v1::RoutedCommand change_bucket(const item& of, std::uint64_t number) {
  auto made = to_root();
  auto& wish = *made.mutable_command()->mutable_put_bucket_policy();
  wish.set_name(bucket_name(of.name));
  wish.set_id(bucket_id_of(of.name));
  wish.set_policy(document(of, number, R"("Principal":"*",)"));
  return made;
}

// What a key is already is no change.
v1::RoutedCommand change_user(const item& of, std::uint64_t number) {
  auto made = to_root();
  auto& wish = *made.mutable_command()->mutable_set_access_key();
  wish.set_user(user_name(of));
  wish.set_access_key(key_of(of));
  wish.set_revoked(number % 2 == 1);
  return made;
}

v1::RoutedCommand change_policy(const item& of, std::uint64_t number) {
  auto made = to_root();
  auto& wish = *made.mutable_command()->mutable_put_policy();
  wish.set_name(key_of(of));
  wish.set_document(document(of, number, ""));
  return made;
}

v1::RoutedCommand put_object(const item& of, std::uint64_t number) {
  v1::RoutedCommand made;
  made.mutable_route()->set_bucket_id(bucket_id_of(of.bucket));
  auto& wish = *made.mutable_command()->mutable_put_object();
  wish.set_bucket_id(bucket_id_of(of.bucket));
  wish.set_key(of.name);
  auto& record = *wish.mutable_record();
  record.set_etag(fmt::format("{:032x}", number));
  record.set_owner("root");
  auto& pad = *record.add_user_metadata();
  pad.set_name("replay");
  pad.set_value(padding(of, 64));
  return made;
}

}  // namespace

std::string bucket_id_of(const std::string& bucket) {
  return fmt::format("replay{:>10.10}", bucket);
}

std::string key_of(const item& of) {
  switch (of.kind) {
    case item_kind::user: return fmt::format("REPLAYKEY{:0>11}", of.name.substr(1));
    case item_kind::bucket: return bucket_name(of.name);
    case item_kind::policy: return "replay-" + of.name;
    case item_kind::object: break;
  }
  return bucket_id_of(of.bucket) + of.name;
}

std::vector<v1::RoutedCommand> making(const item& of) {
  switch (of.kind) {
    case item_kind::user: return make_user(of);
    case item_kind::bucket: return {make_bucket(of), change_bucket(of, 0)};
    case item_kind::policy: return {change_policy(of, 0)};
    case item_kind::object: break;
  }
  return {put_object(of, 0)};
}

bool is_there_by(const v1::CommandReply& said) {
  return said.status() == v1::CommandReply::OK ||
         said.status() == v1::CommandReply::ALREADY_EXISTS ||
         said.status() == v1::CommandReply::BUCKET_ALREADY_OWNED;
}

v1::RoutedCommand change_of(const item& of, std::uint64_t number) {
  switch (of.kind) {
    case item_kind::user: return change_user(of, number);
    case item_kind::bucket: return change_bucket(of, number);
    case item_kind::policy: return change_policy(of, number);
    case item_kind::object: break;
  }
  return put_object(of, number);
}

cached_record record_in(const item& of, const v1::CommandReply& said) {
  auto record = std::make_shared<v1::CachedRecord>();
  if (of.kind == item_kind::user && said.has_user() && said.has_access_key()) {
    *record->mutable_user()->mutable_user() = said.user();
    *record->mutable_user()->mutable_key() = said.access_key();
  } else if (of.kind == item_kind::bucket && said.has_bucket()) {
    *record->mutable_bucket() = said.bucket();
  } else if (of.kind == item_kind::policy && said.has_policy()) {
    *record->mutable_policy() = said.policy();
  } else if (of.kind == item_kind::object && said.has_object()) {
    *record->mutable_object() = said.object();
  } else {
    return nullptr;
  }
  return record;
}

}  // namespace dunlin::replay
