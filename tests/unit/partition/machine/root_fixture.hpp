/// The root partition's machine after its seed, and short names for commands on users and policies.
#pragma once

#include "messages/cache_types.hpp"
#include "tests/unit/partition/machine/machine_fixture.hpp"

#include <map>
#include <set>
#include <utility>

namespace dunlin::testing_machine {

inline v1::Command seed_cluster() {
  v1::Command command;
  auto& seed = *command.mutable_seed_cluster();
  auto& partition = *seed.mutable_map()->add_partitions();
  partition.set_id(1);
  partition.set_last_hash(UINT64_MAX);
  partition.add_nodes("n1");
  seed.mutable_map()->add_replica_sets()->add_nodes("n1");
  seed.mutable_root_user()->set_name("root");
  seed.mutable_root_user()->set_root(true);
  seed.mutable_root_key()->set_access_key("AKROOT");
  seed.mutable_root_key()->set_secret("s3cret");
  seed.mutable_root_key()->set_user("root");
  return command;
}

inline v1::Command create_user(const std::string& name) {
  v1::Command command;
  command.mutable_create_user()->set_name(name);
  return command;
}

inline v1::Command delete_user(const std::string& name) {
  v1::Command command;
  command.mutable_delete_user()->set_name(name);
  return command;
}

inline v1::Command create_key(const std::string& user, const std::string& key) {
  v1::Command command;
  command.mutable_create_access_key()->set_user(user);
  command.mutable_create_access_key()->set_access_key(key);
  command.mutable_create_access_key()->set_secret("secret-of-" + key);
  return command;
}

inline v1::Command set_key(const std::string& user, const std::string& key, bool revoked) {
  v1::Command command;
  command.mutable_set_access_key()->set_user(user);
  command.mutable_set_access_key()->set_access_key(key);
  command.mutable_set_access_key()->set_revoked(revoked);
  return command;
}

inline v1::Command delete_key(const std::string& user, const std::string& key) {
  v1::Command command;
  command.mutable_delete_access_key()->set_user(user);
  command.mutable_delete_access_key()->set_access_key(key);
  return command;
}

using must = v1::PutPolicy;

inline v1::Command put_policy(const std::string& user, const std::string& name,
                              const std::string& document, must::Must wish = must::EITHER) {
  v1::Command command;
  command.mutable_put_policy()->set_user(user);
  command.mutable_put_policy()->set_name(name);
  command.mutable_put_policy()->set_document(document);
  command.mutable_put_policy()->set_must(wish);
  return command;
}

inline v1::Command delete_policy(const std::string& user, const std::string& name) {
  v1::Command command;
  command.mutable_delete_policy()->set_user(user);
  command.mutable_delete_policy()->set_name(name);
  return command;
}

inline v1::Command attach(const std::string& user, const std::string& policy, bool detach = false) {
  v1::Command command;
  command.mutable_attach_policy()->set_user(user);
  command.mutable_attach_policy()->set_policy(policy);
  command.mutable_attach_policy()->set_detach(detach);
  return command;
}

inline v1::Command create_bucket(const std::string& name, std::uint64_t id,
                                 const std::string& owner = "root") {
  v1::Command command;
  auto& create = *command.mutable_create_bucket();
  create.set_name(name);
  create.set_id(id16(id));
  create.set_owner(owner);
  return command;
}

inline v1::Command put_bucket_policy(const std::string& name, std::uint64_t id,
                                     const std::string& policy) {
  v1::Command command;
  command.mutable_put_bucket_policy()->set_name(name);
  command.mutable_put_bucket_policy()->set_id(id16(id));
  command.mutable_put_bucket_policy()->set_policy(policy);
  return command;
}

struct seeded_root : machine_test {
  seeded_root() : machine_test(0) {
    run(seed_cluster());
    heard_ = machine->tick();
  }

  status::Status status_of(const v1::Command& command) { return run(command).status(); }

  v1::QueryReply get_user(const std::string& name) {
    v1::PartitionQuery query;
    query.mutable_get_user()->set_name(name);
    return ask(query);
  }
  v1::QueryReply get_policy(const std::string& user, const std::string& name) {
    v1::PartitionQuery query;
    query.mutable_get_policy()->set_user(user);
    query.mutable_get_policy()->set_name(name);
    return ask(query);
  }
  v1::QueryReply list_users(const std::string& after = {}, std::uint32_t items = 1000) {
    v1::PartitionQuery query;
    query.mutable_list_users()->set_after(after);
    query.mutable_list_users()->set_items_max(items);
    return ask(query);
  }
  v1::QueryReply list_policies(const std::string& after = {}, std::uint32_t items = 1000) {
    v1::PartitionQuery query;
    query.mutable_list_policies()->set_after(after);
    query.mutable_list_policies()->set_items_max(items);
    return ask(query);
  }

  /// What was announced since it was asked last, as type and key, in the order of ticks; each is
  /// what its item is now, if nothing has changed it since.
  using announced = std::vector<std::pair<std::string, std::string>>;
  announced news() {
    announced found;
    for (const auto& row : machine->outbox(heard_, SIZE_MAX)) {
      found.emplace_back(row.type(), row.key());
      heard_ = row.tick();
    }
    return found;
  }

private:
  std::uint64_t heard_ = 0;
};

}  // namespace dunlin::testing_machine
