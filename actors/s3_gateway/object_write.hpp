/// OBJECT WRITE: a command that changes objects, as the service's own near cache sees it: a ticket
/// before the leader is asked, the outcome before the client is answered (docs/decisions/0011). So
/// who wrote an object through this node finds it here, whatever queues do.
#pragma once

#include "actors/s3_gateway/context.hpp"

#include <string>
#include <vector>

namespace dunlin::s3 {

/// The key under which near caches hold an object (messages/cache_types.hpp).
std::string object_item(const context& c, const std::string& key);

/// PutObject or CompleteUpload of `key` in context::bucket, from ticket to outcome. Throws as
/// execute().
task<v1::CommandReply> execute_on_object(context& c, std::string key, v1::Command command);

/// DeleteObjects of `keys`, likewise. Of very many keys only the outcome is told: caches drop what
/// they hold of them, and keep nothing of their being gone.
task<v1::CommandReply> execute_removal(context& c, std::vector<std::string> keys,
                                       v1::Command command);

}  // namespace dunlin::s3
