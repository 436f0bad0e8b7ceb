/// What every path of the admin listener is answered with. Internal to apps/assembly.
#pragma once

#include "runtime/http/exchange.hpp"

#include <functional>
#include <string>

namespace dunlin::assembly {

void respond(const http::exchange_ptr& to, int status, const std::string& type, std::string body);
void respond_json(const http::exchange_ptr& to, const std::string& body);

/// {"error": message}
void refuse(const http::exchange_ptr& to, int status, const std::string& message);

/// All of the request's body, once it is there; one that is too large or broken is refused here.
/// On a thread of the entry.
void read_body(const http::exchange_ptr& from, std::function<void(const std::string&)> done);

}  // namespace dunlin::assembly
