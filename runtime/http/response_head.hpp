/// The bytes of an answer's head, and the answers that the entry gives by itself.
#pragma once

#include "runtime/http/exchange.hpp"
#include "runtime/http/server.hpp"

#include <string>

namespace dunlin::http {

/// True for statuses whose answers have no body, whatever content_length says.
bool bodiless(int status);

/// Header names and values that could break the framing are dropped or cleaned: a key of a client
/// may stand in them. Date, Server, Connection, Content-Length and Transfer-Encoding are ours
/// alone; `host_id` stands as x-amz-id-2, unless it is empty.
std::string format_head(const response& head, bool closes, const std::string& server_name,
                        const std::string& host_id = {});

/// Head and body of a refusal, `Connection: close` in it.
std::string format_refusal(const refusal& why, const std::string& request_id,
                           const server_options& options, bool without_body);

}  // namespace dunlin::http
