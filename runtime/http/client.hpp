/// HTTP CLIENT: small and blocking, for the command line's calls to the admin plane (decision 22).
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/sockets/endpoint.hpp"

#include <chrono>
#include <string>

namespace dunlin::http {

struct call {
  std::string method = "GET";
  std::string target = "/";
  std::string bearer_token;  ///< empty: none
  std::string body;
  std::string content_type = "application/json";
  std::chrono::milliseconds timeout{5000};  ///< for all of it
  std::size_t body_bytes_max = 16u << 20;   ///< of the answer
};

struct answer {
  int status = 0;
  std::string body;
};

/// ec::unavailable: nobody listens there; ec::timed_out; ec::peer_lost: it hung up;
/// ec::bad_message: what came is not HTTP, or too large.
result<answer> send(const sockets::endpoint& to, const call& request);

}  // namespace dunlin::http
