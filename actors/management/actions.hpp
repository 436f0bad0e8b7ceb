/// ACTIONS of the management service, one coroutine each: users in users.cpp, access keys in
/// keys.cpp, managed policies in policies.cpp, what users have of them in user_policies.cpp.
/// Whether the user may is decided before they run.
#pragma once

#include "actors/management/call.hpp"

namespace dunlin::iam {

task<void> create_user(call& at);
task<void> get_user(call& at);
task<void> list_users(call& at);
task<void> delete_user(call& at);

task<void> create_access_key(call& at);
task<void> list_access_keys(call& at);
task<void> update_access_key(call& at);
task<void> delete_access_key(call& at);

task<void> create_policy(call& at);
task<void> get_policy(call& at);
task<void> list_policies(call& at);
task<void> delete_policy(call& at);
task<void> create_policy_version(call& at);
task<void> get_policy_version(call& at);
task<void> list_policy_versions(call& at);

task<void> attach_user_policy(call& at);
task<void> detach_user_policy(call& at);
task<void> list_attached_user_policies(call& at);
task<void> put_user_policy(call& at);
task<void> get_user_policy(call& at);
task<void> delete_user_policy(call& at);
task<void> list_user_policies(call& at);

}  // namespace dunlin::iam
