#include "apps/testkit/management_words.hpp"

#include "apps/testkit/text.hpp"

#include <initializer_list>
#include <utility>

namespace dunlin::testkit {

namespace {

using parameter = std::pair<const char*, std::string>;

std::string form(const std::string& action, std::initializer_list<parameter> all) {
  auto body = "Action=" + action + "&Version=2010-05-08";
  for (const auto& [name, value] : all)
    body += fmt::format("&{}={}", name, escaped(value));
  return body;
}

std::string arn(const std::string& policy) { return "arn:aws:iam::dunlin:policy/" + policy; }

std::string words(const v1::PutPolicy& put, bool exists) {
  const parameter document{"PolicyDocument", put.document()};
  if (!put.user().empty())
    return form("PutUserPolicy", {{"UserName", put.user()}, {"PolicyName", put.name()}, document});
  if (!exists) return form("CreatePolicy", {{"PolicyName", put.name()}, document});
  return form("CreatePolicyVersion",
              {{"PolicyArn", arn(put.name())}, document, {"SetAsDefault", "true"}});
}

std::string words(const v1::DeletePolicy& gone) {
  if (gone.user().empty()) return form("DeletePolicy", {{"PolicyArn", arn(gone.name())}});
  return form("DeleteUserPolicy", {{"UserName", gone.user()}, {"PolicyName", gone.name()}});
}

std::string words(const v1::AttachPolicy& attach) {
  return form(attach.detach() ? "DetachUserPolicy" : "AttachUserPolicy",
              {{"UserName", attach.user()}, {"PolicyArn", arn(attach.policy())}});
}

std::string words(const v1::SetAccessKey& set) {
  return form("UpdateAccessKey", {{"UserName", set.user()},
                                  {"AccessKeyId", set.access_key()},
                                  {"Status", set.revoked() ? "Inactive" : "Active"}});
}

}  // namespace

std::string to_form(const v1::Command& command, bool exists) {
  switch (command.body_case()) {
    case v1::Command::kCreateUser:
      return form("CreateUser", {{"UserName", command.create_user().name()}});
    case v1::Command::kDeleteUser:
      return form("DeleteUser", {{"UserName", command.delete_user().name()}});
    case v1::Command::kCreateAccessKey:
      return form("CreateAccessKey", {{"UserName", command.create_access_key().user()}});
    case v1::Command::kSetAccessKey: return words(command.set_access_key());
    case v1::Command::kDeleteAccessKey:
      return form("DeleteAccessKey", {{"UserName", command.delete_access_key().user()},
                                      {"AccessKeyId", command.delete_access_key().access_key()}});
    case v1::Command::kPutPolicy: return words(command.put_policy(), exists);
    case v1::Command::kDeletePolicy: return words(command.delete_policy());
    case v1::Command::kAttachPolicy: return words(command.attach_policy());
    default: return {};
  }
}

}  // namespace dunlin::testkit
