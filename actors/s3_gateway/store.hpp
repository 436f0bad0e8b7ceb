/// STORE: a body's way to its replicas, for PutObject and UploadPart.
#pragma once

#include "actors/s3_gateway/body.hpp"

namespace dunlin::s3 {

/// All of `body`, durable at the write quorum and proven; nothing refers to it yet. Throws before
/// anything is committed: what was written is garbage then (decision 18).
task<v1::Layout> store(context& c, v1::Item item, body_reader& body);

}  // namespace dunlin::s3
