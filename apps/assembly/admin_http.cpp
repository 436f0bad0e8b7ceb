#include "apps/assembly/admin_http.hpp"

#include <boost/json.hpp>

#include <memory>

namespace dunlin::assembly {

namespace {

constexpr std::size_t body_bytes_max = 64u << 10;

struct body_so_far {
  std::string bytes;
  std::function<void(const std::string&)> done;
};

void read_on(const http::exchange_ptr& from, const std::shared_ptr<body_so_far>& body) {
  from->read(body_bytes_max, [from, body](result<std::string> piece) {
    if (!piece) return refuse(from, 400, "the body did not come");
    if (piece->empty()) return body->done(body->bytes);
    body->bytes += *piece;
    if (body->bytes.size() > body_bytes_max) return refuse(from, 413, "the body is too large");
    read_on(from, body);
  });
}

}  // namespace

void respond(const http::exchange_ptr& to, int status, const std::string& type, std::string body) {
  http::response head;
  head.status = status;
  head.headers = {{"Content-Type", type}, {"X-Content-Type-Options", "nosniff"}};
  head.content_length = body.size();
  to->respond(std::move(head), std::make_shared<const std::string>(std::move(body)),
              [](result<void>) {});
}

void respond_json(const http::exchange_ptr& to, const std::string& body) {
  respond(to, 200, "application/json", body + "\n");
}

void refuse(const http::exchange_ptr& to, int status, const std::string& message) {
  respond(to, status, "application/json",
          boost::json::serialize(boost::json::object{{"error", message}}) + "\n");
}

void read_body(const http::exchange_ptr& from, std::function<void(const std::string&)> done) {
  read_on(from, std::make_shared<body_so_far>(body_so_far{{}, std::move(done)}));
}

}  // namespace dunlin::assembly
