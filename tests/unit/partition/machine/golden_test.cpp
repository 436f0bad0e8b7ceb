/// Today's code reads the bytes that every release so far has stored (decision 25): the log entries
/// of golden/*.log applied in order make exactly the rows of golden/*.rows. Files hold hexadecimal
/// lines. A changed file is a changed format and needs a decision; DUNLIN_GOLDEN=write makes new
/// ones. Rows changed once so far, with docs/decisions/0011: announced changes have ordinals.
#include "tests/unit/partition/machine/machine_fixture.hpp"

#include <cstdlib>
#include <fstream>

using namespace dunlin;
using namespace dunlin::testing_machine;

namespace {

using lines = std::vector<std::string>;

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char c : bytes) {
    text += digits[c >> 4];
    text += digits[c & 15];
  }
  return text;
}

std::string unhex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return bytes;
}

lines read(const std::string& name) {
  std::ifstream file(std::string(DUNLIN_GOLDEN_FOLDER) + "/" + name);
  lines all;
  for (std::string line; std::getline(file, line);)
    all.push_back(line);
  return all;
}

void write(const std::string& name, const lines& all) {
  std::ofstream file(std::string(DUNLIN_GOLDEN_FOLDER) + "/" + name);
  for (const auto& line : all)
    file << line << '\n';
}

lines rows_of(const counted_store& store) {
  lines all;
  for (int table_number = 0; table_number < table_count; ++table_number)
    for (const auto& [key, value] : store.of(static_cast<table>(table_number)))
      all.push_back(std::to_string(table_number) + " " + hex(key) + " " + hex(value));
  return all;
}

v1::Command full_put() {
  auto command = put("photos/\xc3\xa4", 1, 3 << 20, "0123456789abcdef0123456789abcdef");
  auto& record = *command.mutable_put_object()->mutable_record();
  record.set_owner("root");
  record.set_storage_class("STANDARD");
  auto& header = *record.add_content_headers();
  header.set_name("Content-Type");
  header.set_value("image/jpeg");
  auto& metadata = *record.add_user_metadata();
  metadata.set_name("colour");
  metadata.set_value("\xff not utf-8");
  command.mutable_put_object()->mutable_precondition()->add_if_none_match("*");
  return command;
}

v1::Command fence_command() {
  v1::Command command;
  auto& fence = *command.mutable_fence_pages();
  fence.mutable_item()->set_bucket_id(bucket);
  fence.mutable_item()->set_key("orphan");
  *fence.add_runs() = layout(99, 7).runs(0);
  return command;
}

v1::Command forget_command(std::uint64_t tick) {
  v1::Command command;
  command.mutable_forget_garbage()->add_ticks(tick);
  return command;
}

std::vector<v1::Command> partition_commands() {
  auto sealed = seal();
  sealed.mutable_seal_bucket()->set_bucket_id(id16(4711));
  return {open_client(),
          stamped(full_put(), 1, 1),
          put("photos/\xc3\xa4", 2),
          put("gone", 3),
          delete_keys({"gone"}),
          create_upload("big", 7),
          put_part("big", 7, 1, 10),
          put_part("big", 7, 2, 11, 5),
          put_part("big", 7, 3, 12),
          complete("big", 7, {1, 2}),
          create_upload("open", 8),
          put_part("open", 8, 1, 20),
          create_upload("dropped", 9),
          abort_upload("dropped", 9),
          sealed,
          fence_command(),
          forget_command(3)};
}

std::vector<v1::Command> root_commands() {
  v1::Command seed, create, doomed, begin;
  auto& map = *seed.mutable_seed_cluster()->mutable_map();
  map.set_cluster("golden");
  map.set_region("us-east-1");
  map.set_object_replicas(3);
  map.set_write_quorum(2);
  auto& partition = *map.add_partitions();
  partition.set_id(1);
  partition.set_last_hash(UINT64_MAX);
  for (const auto* node : {"n1", "n2", "n3"})
    partition.add_nodes(node);
  map.add_replica_sets()->set_id(3);
  *map.mutable_replica_sets(0)->mutable_nodes() = partition.nodes();
  seed.mutable_seed_cluster()->mutable_root_user()->set_name("root");
  seed.mutable_seed_cluster()->mutable_root_user()->set_root(true);
  auto& key = *seed.mutable_seed_cluster()->mutable_root_key();
  key.set_access_key("AKGOLDEN");
  key.set_secret("secret");
  key.set_user("root");
  create.mutable_create_bucket()->set_name("photos");
  create.mutable_create_bucket()->set_id(bucket);
  create.mutable_create_bucket()->set_owner("root");
  create.mutable_create_bucket()->set_region("us-east-1");
  doomed = create;
  doomed.mutable_create_bucket()->set_name("doomed");
  begin.mutable_begin_delete_bucket()->set_name("doomed");
  return {seed, create, doomed, begin};
}

std::vector<v1::Command> balance_commands() {
  v1::Command set, again;
  set.mutable_set_balance()->set_balance("[balance]\nmode = \"patent\"\n");
  again.mutable_set_balance()->set_balance("[balance.rebalance]\ntrigger = 1.1\n");
  again.mutable_set_balance()->set_expected_version(1);
  return {root_commands().front(), set, again};
}

lines log_of(const std::vector<v1::Command>& commands) {
  lines log;
  for (const auto& command : commands) {
    v1::CommandBatch batch;
    batch.set_leader_time_ms(1'700'000'000'000 + static_cast<std::int64_t>(log.size()));
    *batch.add_commands() = command;
    log.push_back(hex(batch.SerializeAsString()));
  }
  return log;
}

lines rows_after(partition_id id, const lines& log) {
  counted_store store;
  partition_machine machine(store, id, 0, UINT64_MAX);
  std::uint64_t index = 0;
  for (const auto& line : log) {
    v1::CommandBatch batch;
    EXPECT_TRUE(batch.ParseFromString(unhex(line)));
    std::vector<v1::CommandReply> replies;
    machine.apply(++index, 1, batch, replies);
    for (const auto& reply : replies)
      EXPECT_EQ(reply.status(), status::OK) << batch.ShortDebugString();
  }
  return rows_of(store);
}

void check(const std::string& name, partition_id id, const std::vector<v1::Command>& commands) {
  if (std::getenv("DUNLIN_GOLDEN") != nullptr) {
    write(name + ".log", log_of(commands));
    write(name + ".rows", rows_after(id, log_of(commands)));
  }
  const auto log = read(name + ".log");
  ASSERT_FALSE(log.empty());
  EXPECT_EQ(log, log_of(commands));
  EXPECT_EQ(rows_after(id, log), read(name + ".rows"));
}

TEST(GoldenFiles, ThePartitionsLogAndRowsAreThoseOfEveryRelease) {
  check("partition", 1, partition_commands());
}

TEST(GoldenFiles, TheRootsLogAndRowsAreThoseOfEveryRelease) { check("root", 0, root_commands()); }

TEST(GoldenFiles, ChangedSettingsOfBalancingAreThoseOfEveryRelease) {
  check("balance", 0, balance_commands());
}

}  // namespace
