/// SERVICES: everything that an S3 verb needs of the world, for one request. The shell (s3_request)
/// answers by messages; tests answer at once. Free of CAF.
#pragma once

#include "actors/s3_gateway/confirm_limit.hpp"
#include "actors/s3_gateway/task.hpp"
#include "messages/cached_record.hpp"
#include "messages/dunlin/v1/partition.pb.h"
#include "messages/dunlin/v1/stored.pb.h"
#include "messages/vocabulary.hpp"
#include "runtime/http/exchange.hpp"
#include "runtime/policy/document_shelf.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::s3 {

struct options {
  std::string region = "us-east-1";
  std::uint64_t object_bytes_max = 5ull << 30;  ///< one PUT or part
  std::size_t piece_bytes = 1u << 20;  ///< pulled, hashed and passed on at a time: one page
};

class services {
public:
  virtual ~services() = default;

  virtual const s3::options& options() const = 0;
  virtual const http::request& request() const = 0;
  virtual confirm_limit& confirmations() = 0;       ///< of the node
  virtual policy::document_shelf& documents() = 0;  ///< of the node
  virtual std::int64_t now_ms() const = 0;
  virtual std::string random_bytes(std::size_t size) = 0;

  /// Partitions, through the router; both fill in the trace id.
  virtual async<result<v1::CommandReply>> execute(v1::Route to, v1::Command command) = 0;
  virtual async<result<v1::QueryReply>> ask(v1::Route to, v1::PartitionQuery query) = 0;

  /// The service's near cache of a type of messages/cache_types.hpp; fills in the trace id, too.
  /// `confirmed`: as the leader says from now on.
  virtual async<result<cache_answer>> look_up(std::string_view type, std::string key,
                                              bool confirmed) = 0;
  /// A ticket before a command that changes the item; end_write() must follow, whatever happens.
  virtual async<result<std::uint64_t>> begin_write(std::string_view type, std::string key) = 0;
  virtual async<result<void>> end_write(std::string_view type, cache_written what) = 0;

  /// The HTTP exchange (runtime/http/exchange.hpp).
  virtual async<result<std::string>> read_body(std::size_t size) = 0;
  virtual async<result<void>> respond(http::response head, buffer body) = 0;
  virtual async<result<void>> write_body(buffer bytes) = 0;
  virtual void cut() = 0;

  /// One object on its way to the storage nodes; a second open_write abandons the first.
  virtual async<result<void>> open_write(v1::Item item) = 0;
  virtual async<result<void>> write(buffer bytes) = 0;
  virtual async<result<v1::Layout>> finish_write() = 0;

  /// One range on its way back; a second open_read abandons the first. An empty buffer ends it.
  virtual async<result<void>> open_read(v1::Layout layout, std::uint64_t offset,
                                        std::uint64_t length) = 0;
  virtual async<result<buffer>> next(std::size_t size) = 0;
};

inline v1::Route to_root() {
  v1::Route route;
  route.set_partition(0);
  return route;
}

inline v1::Route to_bucket(const std::string& bucket_id) {
  v1::Route route;
  route.set_bucket_id(bucket_id);
  return route;
}

}  // namespace dunlin::s3
