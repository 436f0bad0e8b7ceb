#include "actors/management/actions.hpp"
#include "actors/management/answer.hpp"

#include <utility>

namespace dunlin::iam {

task<void> create_user(call& at) {
  const auto name = user_name(at);
  expect_no_path(at);
  v1::Command command;
  command.mutable_create_user()->set_name(name);
  // Nobody holds a user that has no key.
  std::vector<cached_item_name> none;
  auto what = "user " + name;
  const auto reply = co_await change(at, std::move(command), std::move(none), std::move(what));
  at.xml.open("User");
  write_user(at.xml, reply.user());
  at.xml.close();
}

task<void> get_user(call& at) {
  auto name = user_name(at, true);
  const auto found = co_await get_user(at, std::move(name));
  at.xml.open("User");
  write_user(at.xml, found.user());
  at.xml.close();
}

task<void> list_users(call& at) {
  const auto wanted = read_page(at);
  v1::PartitionQuery query;
  query.mutable_list_users()->set_after(wanted.after);
  query.mutable_list_users()->set_items_max(wanted.items_max);
  auto root = s3::to_root();
  const auto reply = co_await s3::ask(at.c, std::move(root), std::move(query));
  s3::expect_ok(reply.status());
  const bool all = wants_all_paths(at);
  at.xml.open("Users");
  for (const auto& user : reply.users()) {
    if (!all) break;
    at.xml.open("member");
    write_user(at.xml, user);
    at.xml.close();
  }
  at.xml.close();
  write_page(at, all && reply.truncated(), reply.next_after());
}

task<void> delete_user(call& at) {
  const auto name = user_name(at);
  const auto found = co_await user_to_change(at, name);
  v1::Command command;
  command.mutable_delete_user()->set_name(name);
  auto items = keys_of(found);
  auto what = "delete user " + name;
  co_await change(at, std::move(command), std::move(items), std::move(what));
}

}  // namespace dunlin::iam
