/// POLICY DOCUMENT: who may do what, in the policy language that S3 and IAM clients know, as a
/// value, and the decision over several of them (docs/decisions/0012). Pure; a document never
/// changes, so threads may share it.
#pragma once

#include "runtime/policy/arn.hpp"

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::policy {

/// Somebody wants to do something.
class question {
public:
  /// `action` as policies name it ("s3:GetObject"), `resource` an ARN of arn.hpp.
  question(std::string user, std::string_view action, std::string resource);

  const std::string& user() const { return user_; }
  const std::string& action() const { return action_; }  ///< in lower case
  arn_parts resource() const;

private:
  std::string user_;
  std::string action_;
  std::string resource_;
};

struct statement {
  bool allows = false;
  std::vector<wildcard> actions;  ///< in lower case: IAM's actions have no case
  bool other_actions = false;     ///< NotAction: all but these
  std::vector<resource_pattern> resources;
  bool other_resources = false;  ///< NotResource
  /// Policies of buckets: whom it is about. Those of users are about that user.
  bool everybody = true;
  std::vector<std::string> users;

  bool applies(const question& asked) const;
};

struct document {
  std::vector<statement> statements;
};
using document_ptr = std::shared_ptr<const document>;

enum class verdict : std::uint8_t { silent, allowed, denied };

/// Everybody whom a bucket's policy names, each once.
std::set<std::string> users_named(const document& in);

/// A denial anywhere in the document wins.
verdict judge(const document& of, const question& asked);

/// Denies everything: what stands for a document that cannot be read, since what it would deny is
/// not known.
document_ptr closed_document();

/// Everything that a decision rests on.
struct grounds {
  bool root = false;                   ///< the root user asks
  bool owner = false;                  ///< the owner of the bucket that it is about asks
  std::vector<document_ptr> policies;  ///< of the user and of the bucket, in any order
};

/// An explicit denial anywhere wins; else the root user may, the owner may, and whoever is allowed
/// to by any of the policies.
bool may(const grounds& on, const question& asked);

}  // namespace dunlin::policy
