/// The machine beside a naive model of what S3 clients may see, under seeded commands with
/// duplicates and late retries; and equal logs make equal stores.
#include "runtime/simulation/sim_disk.hpp"
#include "runtime/storage/sqlite_store.hpp"
#include "tests/unit/partition/machine/machine_fixture.hpp"

#include <google/protobuf/stubs/logging.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

using namespace dunlin;
using namespace dunlin::testing_machine;

namespace {

struct model {
  struct object {
    std::string etag;
    std::uint64_t size = 0;
    std::set<std::string> pages;  ///< first pages, bytes
  };
  struct upload {
    std::map<std::uint32_t, object> parts;
  };
  std::map<std::string, object> objects;
  std::map<std::pair<std::string, std::uint64_t>, upload> uploads;
  std::set<std::string> committed;  ///< first page of every layout that was ever committed

  static std::set<std::string> first_pages(const v1::Layout& layout) {
    std::set<std::string> pages;
    for (const auto& run : layout.runs())
      pages.insert(run.first_page());
    return pages;
  }

  status::Status put(const v1::PutObject& command) {
    const auto held = objects.find(command.key());
    for (const auto& wish : command.precondition().if_none_match())
      if (held != objects.end() && wish == "*") return status::PRECONDITION_FAILED;
    const auto pages = first_pages(command.record().layout());
    objects[command.key()] = {command.record().etag(), command.record().size(), pages};
    committed.insert(pages.begin(), pages.end());
    return status::OK;
  }

  status::Status put_part(const v1::PutPart& command, std::uint64_t id) {
    const auto held = uploads.find({command.key(), id});
    if (held == uploads.end()) return status::NO_SUCH_UPLOAD;
    const auto pages = first_pages(command.record().layout());
    held->second.parts[command.record().number()] = {command.record().etag(),
                                                     command.record().size(), pages};
    committed.insert(pages.begin(), pages.end());
    return status::OK;
  }

  status::Status complete(const v1::CompleteUpload& command, std::uint64_t id) {
    const auto held = uploads.find({command.key(), id});
    if (held == uploads.end()) return status::NO_SUCH_UPLOAD;
    object made{command.etag(), 0, {}};
    for (const auto& wish : command.parts())
      if (!held->second.parts.contains(wish.number())) return status::INVALID_PART;
    for (const auto& wish : command.parts()) {
      const auto& part = held->second.parts.at(wish.number());
      const bool last = &wish == &*command.parts().rbegin();
      if (!last && part.size < (5u << 20)) return status::ENTITY_TOO_SMALL;
      made.size += part.size;
      made.pages.insert(part.pages.begin(), part.pages.end());
    }
    objects[command.key()] = made;
    uploads.erase(held);
    return status::OK;
  }

  /// Pages that an object or an open upload still names.
  std::set<std::string> referenced() const {
    std::set<std::string> pages;
    for (const auto& [key, object] : objects)
      pages.insert(object.pages.begin(), object.pages.end());
    for (const auto& [key, upload] : uploads)
      for (const auto& [number, part] : upload.parts)
        pages.insert(part.pages.begin(), part.pages.end());
    return pages;
  }
};

struct MachineModel : machine_test, testing::WithParamInterface<std::uint64_t> {
  MachineModel() : random(GetParam()) { run(open_client()); }

  std::uint64_t below(std::uint64_t bound) { return random() % bound; }
  std::string some_key() {
    static const std::vector<std::string> keys{"a", "a/1", "a/2", "b", "b/1/x", "b/2", "c\xff"};
    return keys[below(keys.size())];
  }

  v1::Command some_command() {
    switch (below(6)) {
      case 0: {
        auto made = put(some_key(), ++pages, 1 + below(3 << 20), "e" + std::to_string(below(3)));
        if (below(4) == 0)
          made.mutable_put_object()->mutable_precondition()->add_if_none_match("*");
        return made;
      }
      case 1: return delete_keys({some_key(), some_key()});
      case 2: return create_upload(uploads_key[below(3)], 1 + below(40));
      case 3:
        return put_part(uploads_key[below(3)], 1 + below(40),
                        1 + static_cast<std::uint32_t>(below(3)), ++pages,
                        below(3) == 0 ? 100 : 5 << 20);
      case 4:
        return complete(
            uploads_key[below(3)], 1 + below(40),
            below(2) ? std::vector<std::uint32_t>{1, 2} : std::vector<std::uint32_t>{1});
      default: return abort_upload(uploads_key[below(3)], 1 + below(40));
    }
  }

  static std::uint64_t number_of(const std::string& id) {
    return static_cast<unsigned char>(id.back());
  }

  status::Status expect(const v1::Command& command) {
    if (command.has_put_object()) return naive.put(command.put_object());
    if (command.has_put_part())
      return naive.put_part(command.put_part(), number_of(command.put_part().upload_id()));
    if (command.has_delete_objects()) {
      for (const auto& key : command.delete_objects().keys())
        naive.objects.erase(key);
      return status::OK;
    }
    if (command.has_create_upload()) return expect_create(command.create_upload());
    if (command.has_abort_upload()) {
      const auto id = number_of(command.abort_upload().upload_id());
      return naive.uploads.erase({command.abort_upload().key(), id}) ? status::OK
                                                                     : status::NO_SUCH_UPLOAD;
    }
    const auto& done = command.complete_upload();
    return naive.complete(done, number_of(done.upload_id()));
  }

  status::Status expect_create(const v1::CreateUpload& create) {
    const auto id = number_of(create.record().upload_id());
    return naive.uploads.try_emplace({create.key(), id}).second ? status::OK
                                                                : status::ALREADY_EXISTS;
  }

  /// Upload ids whose object is alive or whose upload is done are not asked for again: the naive
  /// model does not know them.
  bool beyond_the_model(const v1::Command& command) {
    if (command.has_create_upload())
      return !used.insert({command.create_upload().key(),
                           number_of(command.create_upload().record().upload_id())})
                  .second;
    if (!command.has_complete_upload()) return false;
    const auto held = get(command.complete_upload().key());
    return held.object().upload_id() == command.complete_upload().upload_id();
  }

  void compare() {
    const auto listing = list();
    ASSERT_EQ(listing.objects_size(), static_cast<int>(naive.objects.size()));
    auto expected = naive.objects.begin();
    for (const auto& object : listing.objects()) {
      EXPECT_EQ(object.key(), expected->first);
      EXPECT_EQ(object.etag(), expected->second.etag);
      EXPECT_EQ(object.size(), expected->second.size);
      ++expected;
    }
    EXPECT_EQ(store.of(table::uploads).size(), naive.uploads.size());
  }

  /// Every page ever committed is either referenced or garbage, never both, never neither.
  void check_pages() {
    std::set<std::string> buried;
    for (const auto& [row, value] : store.of(table::garbage)) {
      v1::GarbageRecord record;
      ASSERT_TRUE(record.ParseFromString(value));
      for (const auto& run : record.layout().runs())
        EXPECT_TRUE(buried.insert(run.first_page()).second) << "buried twice";
    }
    const auto referenced = naive.referenced();
    for (const auto& page : naive.committed)
      EXPECT_NE(buried.contains(page), referenced.contains(page));
    EXPECT_EQ(buried.size() + referenced.size(), naive.committed.size());
  }

  /// Whoever applies the rows of the outbox to what it holds comes to what readers see, and finds
  /// each ordinal once, in the order of ticks (docs/decisions/0011).
  void hear_announcements() {
    for (const auto& row : machine->outbox(heard_tick, SIZE_MAX)) {
      EXPECT_EQ(row.type(), "object");
      EXPECT_EQ(row.ordinal(), ++heard_ordinal);
      EXPECT_GT(row.tick(), heard_tick);
      heard_tick = row.tick();
      const auto now = machine->current(row.type(), row.key());
      ASSERT_TRUE(now);
      EXPECT_GE(now->tick, row.tick());
      const auto key = row.key().substr(bucket.size());
      if (now->record)
        held[key] = now->record->object().etag();
      else
        held.erase(key);
    }
    std::map<std::string, std::string> expected;
    for (const auto& [key, object] : naive.objects)
      expected[key] = object.etag;
    EXPECT_EQ(held, expected);
    v1::PartitionQuery query;
    query.mutable_get_news();
    const auto news = ask(query);
    EXPECT_EQ(news.announced_size() > 0 ? news.announced(0).ordinal() : 0, heard_ordinal);
  }

  /// Only an object that is still there comes along once more.
  static void expect_same_answer(v1::CommandReply repeated, v1::CommandReply first) {
    if (first.status() == status::OK && repeated.has_object()) {
      EXPECT_EQ(repeated.object().SerializeAsString(), first.object().SerializeAsString());
    }
    repeated.clear_object();
    first.clear_object();
    EXPECT_EQ(repeated.SerializeAsString(), first.SerializeAsString());
  }

  std::mt19937_64 random;
  model naive;
  std::map<std::string, std::string> held;  // by a reader that only hears of changes
  std::uint64_t heard_tick = 0;
  std::uint64_t heard_ordinal = 0;
  std::set<std::pair<std::string, std::uint64_t>> used;
  std::uint64_t pages = 0;
  const std::vector<std::string> uploads_key{"a", "m/1", "m/2"};
};

TEST_P(MachineModel, AgreesWithTheNaiveOneUnderDuplicatesAndRetries) {
  std::vector<std::pair<v1::Command, v1::CommandReply>> open;  // may still be asked again
  std::uint64_t sequence = 0;
  for (int step = 0; step < 1500; ++step) {
    now_ms += static_cast<std::int64_t>(below(50));
    auto command = some_command();
    if (beyond_the_model(command)) continue;
    const auto lowest = open.empty() ? sequence + 1 : open.front().first.client().sequence();
    command = stamped(command, ++sequence, lowest);
    const auto wanted = expect(command);
    const auto reply = run(command);
    ASSERT_EQ(reply.status(), wanted) << command.ShortDebugString();
    open.emplace_back(command, reply);
    if (below(3) == 0) {
      const auto& [again, answered] = open[below(open.size())];
      expect_same_answer(run(again), answered);
    }
    if (below(10) == 0) {
      open.erase(open.begin(), open.begin() + static_cast<std::ptrdiff_t>(below(open.size()) + 1));
      if (step % 2 == 0) restart();
    }
    if (step % 50 == 0) compare();
    if (below(5) == 0) hear_announcements();
    if (below(40) == 0) run_all({}, heard_tick);
  }
  compare();
  hear_announcements();
  check_pages();
}

TEST_P(MachineModel, EqualLogsMakeEqualStoresHoweverOftenAReplicaRestarts) {
  std::vector<v1::CommandBatch> log;
  for (std::uint64_t sequence = 1; log.size() < 300;) {
    v1::CommandBatch batch;
    batch.set_leader_time_ms(now_ms += static_cast<std::int64_t>(below(100)) - 20);
    batch.set_announced_through(below(2) ? machine->tick() / 2 : 0);
    for (auto left = below(5); left > 0; --left)
      *batch.add_commands() = stamped(some_command(), sequence++);
    log.push_back(batch);
    if (sequence > 1000) break;
  }
  counted_store other_store;
  auto other = std::make_unique<partition_machine>(other_store, 1, 0, UINT64_MAX);
  std::vector<v1::CommandReply> replies, other_replies;
  v1::CommandBatch opening;
  opening.set_leader_time_ms(1'700'000'000'000);
  *opening.add_commands() = open_client();
  other->apply(1, 1, opening, other_replies);
  for (std::uint64_t i = 0; i < log.size(); ++i) {
    machine->apply(i + 2, 1, log[i], replies);
    if (below(10) == 0) other = std::make_unique<partition_machine>(other_store, 1, 0, UINT64_MAX);
    v1::CommandBatch parsed;  // as a follower reads it from its log
    ASSERT_TRUE(parsed.ParseFromString(log[i].SerializeAsString()));
    other->apply(i + 2, 1, parsed, other_replies);
    ASSERT_EQ(replies.size(), other_replies.size());
    for (std::size_t n = 0; n < replies.size(); ++n)
      EXPECT_EQ(replies[n].SerializeAsString(), other_replies[n].SerializeAsString());
  }
  EXPECT_EQ(store.all(), other_store.all());
}

using table_rows = std::map<std::string, std::string, std::less<>>;

table_rows rows_of(kv_store& store, table where) {
  table_rows rows;
  store.scan(where, {}, [&](std::string_view key, std::string_view value) {
    rows.emplace(key, value);
    return true;
  });
  return rows;
}

TEST_P(MachineModel, AReplicaOnSqliteThatLosesItsTailComesToTheSameRowsByApplyingItAgain) {
  simulation::sim_disk disk{GetParam()};
  std::unique_ptr<kv_store> database;
  std::unique_ptr<partition_machine> replica;
  const auto start = [&] {
    replica.reset();
    database.reset();  // rolls back what was not committed
    database = sqlite_store::open(disk, "state.db").value();
    replica = std::make_unique<partition_machine>(*database, 1, 0, UINT64_MAX);
  };
  start();
  std::vector<v1::CommandBatch> log(1);
  log[0].set_leader_time_ms(now_ms);
  *log[0].add_commands() = open_client();
  std::vector<v1::CommandReply> replies;
  for (std::uint64_t sequence = 1; sequence < 500;) {
    v1::CommandBatch batch;
    batch.set_leader_time_ms(now_ms += 10);
    for (auto left = 1 + below(4); left > 0; --left)
      *batch.add_commands() = stamped(some_command(), sequence++);
    log.push_back(batch);
    machine->apply(machine->applied() + 1, 1, batch, replies);
    if (below(20) == 0) start();
    while (replica->applied() < log.size())
      replica->apply(replica->applied() + 1, 1, log[replica->applied()], replies);
    if (below(5) == 0) database->commit();
    if (below(30) == 0) database->checkpoint();
  }
  for (int number = 0; number < table_count; ++number)
    EXPECT_EQ(rows_of(*database, static_cast<table>(number)), store.of(static_cast<table>(number)));
}

TEST_P(MachineModel, NoBytesThatParseBringItDown) {
  google::protobuf::LogSilencer silencer;
  for (int i = 0; i < 3000; ++i) {
    v1::CommandBatch batch;
    *batch.add_commands() = below(2) ? some_command() : stamped(some_command(), below(50));
    auto bytes = batch.SerializeAsString();
    for (auto flips = 1 + below(4); flips > 0; --flips)
      bytes[below(bytes.size())] = static_cast<char>(random());
    if (!batch.ParseFromString(bytes)) continue;
    std::vector<v1::CommandReply> replies;
    machine->apply(machine->applied() + 1, 1, batch, replies);
    EXPECT_EQ(static_cast<int>(replies.size()), batch.commands_size());
  }
  EXPECT_EQ(list().status(), status::OK);
}

std::vector<std::uint64_t> seeds() {
  if (const auto* wish = std::getenv("DUNLIN_SEED")) return {std::strtoull(wish, nullptr, 10)};
  return {1, 2, 3, 4, 5};
}

INSTANTIATE_TEST_SUITE_P(Seeds, MachineModel, testing::ValuesIn(seeds()));

}  // namespace
