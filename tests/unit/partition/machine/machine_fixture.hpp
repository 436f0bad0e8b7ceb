/// One machine over a map, and short names for its commands.
#pragma once

#include "actors/partition/machine/partition_machine.hpp"
#include "tests/unit/partition/machine/counted_store.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace dunlin::testing_machine {

using status = v1::CommandReply;

inline std::string id16(std::uint64_t number) {
  std::string id(16, '\0');
  for (int i = 0; i < 8; ++i)
    id[15 - i] = static_cast<char>(number >> (8 * i));
  return id;
}

inline const std::string bucket = id16(0xb0c4e7);

/// `pages` pages of 1 MiB, the last one short; first_page * 2^32 keeps layouts apart.
inline v1::Layout layout(std::uint64_t first_page, std::uint64_t size) {
  v1::Layout made;
  if (size == 0) return made;
  auto& run = *made.add_runs();
  run.set_replica_set(3);
  run.set_first_page(id16(first_page << 32));
  run.set_page_bytes(1 << 20);
  run.set_length(size);
  return made;
}

inline v1::Command put(std::string key, std::uint64_t first_page, std::uint64_t size = 10,
                       std::string etag = "e") {
  v1::Command command;
  auto& put = *command.mutable_put_object();
  put.set_bucket_id(bucket);
  put.set_key(std::move(key));
  put.mutable_record()->set_size(size);
  put.mutable_record()->set_etag(std::move(etag));
  *put.mutable_record()->mutable_layout() = layout(first_page, size);
  return command;
}

inline v1::Command delete_keys(const std::vector<std::string>& keys) {
  v1::Command command;
  command.mutable_delete_objects()->set_bucket_id(bucket);
  for (const auto& key : keys)
    command.mutable_delete_objects()->add_keys(key);
  return command;
}

inline v1::Command create_upload(std::string key, std::uint64_t upload) {
  v1::Command command;
  command.mutable_create_upload()->set_bucket_id(bucket);
  command.mutable_create_upload()->set_key(std::move(key));
  command.mutable_create_upload()->mutable_record()->set_upload_id(id16(upload));
  return command;
}

inline v1::Command put_part(std::string key, std::uint64_t upload, std::uint32_t number,
                            std::uint64_t first_page, std::uint64_t size = 5 << 20,
                            std::string etag = "p") {
  v1::Command command;
  auto& put = *command.mutable_put_part();
  put.set_bucket_id(bucket);
  put.set_key(std::move(key));
  put.set_upload_id(id16(upload));
  put.mutable_record()->set_number(number);
  put.mutable_record()->set_size(size);
  put.mutable_record()->set_etag(std::move(etag));
  *put.mutable_record()->mutable_layout() = layout(first_page, size);
  return command;
}

inline v1::Command complete(std::string key, std::uint64_t upload,
                            const std::vector<std::uint32_t>& numbers) {
  v1::Command command;
  auto& done = *command.mutable_complete_upload();
  done.set_bucket_id(bucket);
  done.set_key(std::move(key));
  done.set_upload_id(id16(upload));
  done.set_etag("whole-" + std::to_string(numbers.size()));
  for (const auto number : numbers) {
    done.add_parts()->set_number(number);
    done.mutable_parts()->rbegin()->set_etag("p");
  }
  return command;
}

inline v1::Command abort_upload(std::string key, std::uint64_t upload) {
  v1::Command command;
  command.mutable_abort_upload()->set_bucket_id(bucket);
  command.mutable_abort_upload()->set_key(std::move(key));
  command.mutable_abort_upload()->set_upload_id(id16(upload));
  return command;
}

inline v1::Command seal(bool unseal = false) {
  v1::Command command;
  command.mutable_seal_bucket()->set_bucket_id(bucket);
  command.mutable_seal_bucket()->set_unseal(unseal);
  return command;
}

inline v1::Command stamped(v1::Command command, std::uint64_t sequence, std::uint64_t lowest = 0,
                           std::uint64_t incarnation = 1) {
  auto& stamp = *command.mutable_client();
  stamp.set_node("n1");
  stamp.set_incarnation(incarnation);
  stamp.set_sequence(sequence);
  stamp.set_lowest_unanswered(lowest);
  return command;
}

inline v1::Command open_client(std::uint64_t incarnation = 1, std::uint64_t sequence = 0) {
  v1::Command command;
  command.mutable_open_client();
  return stamped(std::move(command), sequence, 0, incarnation);
}

struct machine_test : testing::Test {
  explicit machine_test(partition_id id = 1) : id(id) { restart(); }

  /// A machine over what the store holds.
  void restart() { machine = std::make_unique<partition_machine>(store, id, 0, UINT64_MAX); }

  v1::CommandReply run(const v1::Command& command) { return run_all({command}).at(0); }

  std::vector<v1::CommandReply> run_all(const std::vector<v1::Command>& commands,
                                        std::uint64_t announced_through = 0) {
    v1::CommandBatch batch;
    batch.set_leader_time_ms(now_ms);
    batch.set_announced_through(announced_through);
    for (const auto& command : commands)
      *batch.add_commands() = command;
    std::vector<v1::CommandReply> replies;
    machine->apply(machine->applied() + 1, 1, batch, replies);
    return replies;
  }

  v1::QueryReply ask(v1::PartitionQuery query) {
    query.set_partition(id);
    return machine->answer(query);
  }

  v1::QueryReply get(const std::string& key) {
    v1::PartitionQuery query;
    query.mutable_get_object()->set_bucket_id(bucket);
    query.mutable_get_object()->set_key(key);
    return ask(query);
  }

  v1::QueryReply list(const std::string& prefix = {}, const std::string& delimiter = {},
                      const std::string& after = {}, std::uint32_t items = 1000) {
    v1::PartitionQuery query;
    auto& wish = *query.mutable_list_objects();
    wish.set_bucket_id(bucket);
    wish.set_prefix(prefix);
    wish.set_delimiter(delimiter);
    wish.set_after(after);
    wish.set_items_max(items);
    return ask(query);
  }

  v1::QueryReply garbage() {
    v1::PartitionQuery query;
    query.mutable_list_garbage()->set_items_max(1000);
    return ask(query);
  }

  v1::QueryReply parts(const std::string& key, std::uint64_t upload, std::uint32_t after = 0,
                       std::uint32_t items = 1000) {
    v1::PartitionQuery query;
    auto& wish = *query.mutable_list_parts();
    wish.set_bucket_id(bucket);
    wish.set_key(key);
    wish.set_upload_id(id16(upload));
    wish.set_after(after);
    wish.set_items_max(items);
    return ask(query);
  }

  partition_id id;
  std::int64_t now_ms = 1'700'000'000'000;
  counted_store store;
  std::unique_ptr<partition_machine> machine;
};

}  // namespace dunlin::testing_machine
