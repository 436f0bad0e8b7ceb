/// BUCKET WRITE: a command that changes a bucket by its name, as the service's own near cache sees
/// it: a ticket before the leader is asked, the outcome before the client is answered
/// (docs/decisions/0011). So who made a bucket here finds it here, whatever queues do.
#pragma once

#include "actors/s3_gateway/context.hpp"

namespace dunlin::s3 {

class bucket_write {
public:
  explicit bucket_write(context& c) : c_(c) {}

  task<void> begin();
  /// Exactly one of these; until then it counts as lost.
  task<void> end_changed(const v1::CommandReply& reply);
  task<void> end_removed(const v1::CommandReply& reply);
  /// `why` says whether the command may have run.
  task<void> end_failed(ec why);
  task<void> end_refused();
  task<void> end_lost();

private:
  task<void> end(cache_written what);

  context& c_;
  std::uint64_t ticket_ = 0;
};

/// One command at the root partition that makes or changes the bucket, from ticket to outcome.
task<v1::CommandReply> execute_on_bucket(context& c, v1::Command command);

}  // namespace dunlin::s3
