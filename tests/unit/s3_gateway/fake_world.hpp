/// A WORLD for verbs, in one thread: real partition machines over memory, real cores of near
/// caches, bytes in a map, and a client that signs. Every answer is there at once.
#pragma once

#include "actors/near_cache/cached_type.hpp"
#include "actors/near_cache/near_cache_core.hpp"
#include "actors/partition/machine/partition_machine.hpp"
#include "actors/s3_gateway/handle.hpp"
#include "actors/s3_gateway/services.hpp"
#include "runtime/storage/memory_store.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::s3::test {

inline constexpr std::int64_t test_time_ms = 1'440'938'160'000;  // 2015-08-30T12:36:00Z

inline constexpr auto makes_and_lists_buckets =
    R"({"Statement":{"Effect":"Allow","Action":["s3:CreateBucket","s3:ListAllMyBuckets"],"Resource":"*"}})";

/// What a client got.
struct seen {
  int status = 0;
  std::vector<http::header> headers;
  std::uint64_t content_length = 0;
  std::string body;
  bool cut = false;
  std::string header(std::string_view name) const;  ///< empty if absent
  std::string code() const;                         ///< of the S3 error, empty if none
};

/// One client request before it is signed.
struct call {
  std::string method = "GET";
  std::string target = "/";
  std::string body;
  std::vector<http::header> headers;
  bool chunked = false;         ///< no Content-Length
  bool without_length = false;  ///< nor a body
  bool signed_payload = true;   ///< else UNSIGNED-PAYLOAD
  std::string service = "s3";   ///< that it is signed for
};

class cluster;

/// A near cache of the gateway's node. No queue tells it anything.
class fake_cache {
public:
  fake_cache(cluster& at, std::string_view type);

  result<cache_answer> look_up(const std::string& key, bool confirmed);
  std::uint64_t begin_write(const std::string& key);
  void end_write(const cache_written& what);
  void set_mode(cache_mode mode);

  near_cache_core core;

private:
  std::optional<result<cache_answer>> perform(const near_cache_core::effects& all);
  near_cache_core::time now() const;

  cluster& at_;
  const cached_type& type_;
};

/// What the machines, the bytes and the clock are; outlives requests.
class cluster {
public:
  cluster();
  v1::CommandReply execute(const v1::Route& to, const v1::Command& command);
  v1::QueryReply ask(const v1::Route& to, v1::PartitionQuery query);

  // ---- what other nodes do: this one's caches hear nothing of it ----
  v1::CommandReply at_root(const std::function<void(v1::Command&)>& fill);
  void add_user(const std::string& user, const std::string& key, const std::string& secret);
  void put_policy(const std::string& user, const std::string& name, const std::string& document);
  void attach(const std::string& user, const std::string& name, bool detach = false);
  void set_bucket_policy(const std::string& bucket, const std::string& document);

  memory_store root_store, store;
  std::optional<partition_machine> root, data;
  std::map<std::string, std::string> pages;  ///< by first page: the bytes of a run
  std::int64_t now_ms = test_time_ms;
  std::uint64_t index = 0;
  std::uint64_t serial = 0;
  s3::options options;
  /// In mode validated, unless a test of the caches says otherwise.
  std::map<std::string, fake_cache, std::less<>> caches;
  void set_mode(cache_mode mode);
  int questions = 0;  ///< of near caches to leaders
  int queries = 0;    ///< of verbs to leaders
  int running = 0;    ///< requests: a race begins one in another
  task<outcome> (*handler)(services&) = handle;
  confirm_limit confirmations;
  policy::document_shelf documents;

  // What leaders of older releases leave out, or do not have room for.
  bool answers_name_partition = true;
  bool records_name_parts = true;

  // Faults, each for the next use only where it is optional.
  std::optional<ec> execute_fails, ask_fails, write_fails, finish_fails, read_fails, open_fails;
  std::optional<std::size_t> read_fails_after;  ///< bytes of the next read
  std::optional<ec> client_fails;               ///< at the end of what it sent
  std::size_t client_sends_only = SIZE_MAX;
  int finished_writes = 0;
  std::function<void()> before_execute;  ///< a race: runs once before the next command
  std::function<void()> before_open_read;
};

/// A signed-in client.
class client {
public:
  explicit client(cluster& at, std::string key = "ROOTKEY", std::string secret = "rootsecret")
      : at_(at), key_(std::move(key)), secret_(std::move(secret)) {}

  /// Signs and runs it.
  seen send(const call& what);
  /// Runs the request as it is.
  seen send_raw(http::request request, const std::string& body);
  http::request sign(const call& what);

  seen get(const std::string& target) { return send({"GET", target, "", {}}); }
  seen head(const std::string& target) { return send({"HEAD", target, "", {}}); }
  seen put(const std::string& target, const std::string& body = "",
           std::vector<http::header> headers = {}) {
    return send({"PUT", target, body, std::move(headers)});
  }
  seen post(const std::string& target, const std::string& body = "") {
    return send({"POST", target, body, {}});
  }
  seen remove(const std::string& target) { return send({"DELETE", target, "", {}}); }

private:
  cluster& at_;
  std::string key_, secret_;
};

/// Text between <name> and </name>, of the first or each such element.
std::string element(const std::string& xml, const std::string& name);
std::vector<std::string> elements(const std::string& xml, const std::string& name);

}  // namespace dunlin::s3::test
