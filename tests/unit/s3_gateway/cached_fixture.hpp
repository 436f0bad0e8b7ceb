/// A gateway whose near caches are in mode bounded, and what other nodes do meanwhile: its caches
/// hear nothing of it.
#pragma once

#include "messages/cache_types.hpp"
#include "tests/unit/s3_gateway/fake_world.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

class Cached : public testing::Test {
protected:
  Cached() {
    world.set_mode(cache_mode::bounded);
    EXPECT_EQ(root.put("/bucket").status, 200);
    EXPECT_EQ(root.get("/bucket").status, 200);
    auto& map = world.caches.find(cached::cluster_map)->second;
    EXPECT_TRUE(map.look_up(std::string(cached::cluster_map_key), false));
    world.questions = 0;
  }

  // ---- what other nodes do ----

  v1::CommandReply at_root(const std::function<void(v1::Command&)>& fill) {
    v1::Command command;
    fill(command);
    return world.execute(to_root(), command);
  }
  void make(const std::string& owner = "root") {
    const auto made = at_root([&](v1::Command& command) {
      auto& create = *command.mutable_create_bucket();
      create.set_name("bucket");
      auto serial = std::to_string(++last_bucket);
      create.set_id(std::string(16 - serial.size(), 'b') + serial);
      create.set_owner(owner);
      create.set_region("us-east-1");
    });
    ASSERT_EQ(made.status(), v1::CommandReply::OK);
    id = made.bucket().id();
  }
  void unmake() {
    const auto begun = at_root(
        [](v1::Command& command) { command.mutable_begin_delete_bucket()->set_name("bucket"); });
    id = begun.bucket().id();
    seal();
    at_root([&](v1::Command& command) {
      auto& end = *command.mutable_end_delete_bucket();
      end.set_name("bucket");
      end.set_id(id);
      end.set_removed(true);
    });
  }
  void seal() {
    v1::Command command;
    command.mutable_seal_bucket()->set_bucket_id(id);
    ASSERT_EQ(world.execute(to_bucket(id), command).status(), v1::CommandReply::OK);
  }
  void remake(const std::string& owner = "root") {
    unmake();
    make(owner);
  }
  /// An object in the bucket as it is now.
  void put_elsewhere(const std::string& key) {
    v1::Command command;
    auto& put = *command.mutable_put_object();
    put.set_bucket_id(id);
    put.set_key(key);
    put.mutable_record()->set_etag("e");
    ASSERT_EQ(world.execute(to_bucket(id), command).status(), v1::CommandReply::OK);
  }
  bool is_there(const std::string& key) {
    v1::PartitionQuery query;
    query.mutable_get_object()->set_bucket_id(id);
    query.mutable_get_object()->set_key(key);
    return world.ask(to_bucket(id), query).status() == v1::CommandReply::OK;
  }
  void change_key(const std::string& secret, bool revoked) {
    v1::AccessKeyRecord key;
    key.set_access_key("ROOTKEY");
    key.set_secret(secret);
    key.set_user("root");
    key.set_revoked(revoked);
    world.root_store.put(table::access_keys, "ROOTKEY", key.SerializeAsString());
  }
  /// As another node leaves it: with an ETag, and with bytes if they are given.
  void write_elsewhere(const std::string& key, const std::string& etag,
                       const std::string& bytes = {}) {
    v1::PartitionQuery query;
    query.mutable_get_bucket()->set_name("bucket");
    v1::Command command;
    auto& put = *command.mutable_put_object();
    put.set_bucket_id(world.ask(to_root(), query).buckets(0).id());
    put.set_key(key);
    auto& record = *put.mutable_record();
    record.set_etag(etag);
    record.set_size(bytes.size());
    if (!bytes.empty()) {
      auto& run = *record.mutable_layout()->add_runs();
      run.set_replica_set(1);
      auto page = std::to_string(++last_page);
      run.set_first_page(std::string(8 - page.size(), 'p') + page + std::string(8, '\0'));
      run.set_page_bytes(1u << 20);
      run.set_length(bytes.size());
      world.pages[run.first_page()] = bytes;
    }
    const auto reply = world.execute(to_bucket(put.bucket_id()), command);
    ASSERT_EQ(reply.status(), v1::CommandReply::OK);
  }
  void remove_elsewhere(const std::string& key) {
    v1::PartitionQuery query;
    query.mutable_get_bucket()->set_name("bucket");
    v1::Command command;
    auto& body = *command.mutable_delete_objects();
    body.set_bucket_id(world.ask(to_root(), query).buckets(0).id());
    body.add_keys(key);
    ASSERT_EQ(world.execute(to_bucket(body.bucket_id()), command).status(), v1::CommandReply::OK);
  }
  /// A multipart object, written through this node: parts of 5 MiB of 'a', 'b' …, then `tail`.
  void upload(const std::string& path, int parts, const std::string& tail) {
    const auto created = root.post(path + "?uploads");
    const auto at = path + "?uploadId=" + element(created.body, "UploadId");
    std::string list;
    for (int i = 1; i <= parts + 1; ++i) {
      const auto number = std::to_string(i);
      const auto body = i > parts ? tail : std::string(5u << 20, static_cast<char>('a' + i - 1));
      const auto got = root.put(at + "&partNumber=" + number, body);
      ASSERT_EQ(got.status, 200);
      list += "<Part><ETag>" + got.header("etag") + "</ETag><PartNumber>" + number +
              "</PartNumber></Part>";
    }
    const auto done =
        root.post(at, "<CompleteMultipartUpload>" + list + "</CompleteMultipartUpload>");
    ASSERT_EQ(done.status, 200) << done.body;
  }
  void drop_objects() {
    objects().core.on_drop_all(std::chrono::milliseconds(world.now_ms), cache_death::command);
  }
  fake_cache& objects() { return world.caches.find(cached::object)->second; }
  fake_cache& buckets() { return world.caches.find(cached::bucket)->second; }

  cluster world;
  client root{world};
  std::string id;
  int last_bucket = 0;
  int last_page = 0;
};

}  // namespace dunlin::s3::test
