#include "apps/assembly/admin.hpp"

#include "messages/error.hpp"
#include "runtime/crypto/hash.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

namespace dunlin::assembly {

namespace {

constexpr auto answer_timeout = std::chrono::seconds(5);

void respond(const http::exchange_ptr& to, int status, const std::string& type, std::string body) {
  http::response head;
  head.status = status;
  head.headers = {{"Content-Type", type}, {"X-Content-Type-Options", "nosniff"}};
  head.content_length = body.size();
  to->respond(std::move(head), std::make_shared<const std::string>(std::move(body)),
              [](result<void>) {});
}

void refuse(const http::exchange_ptr& to, int status, const std::string& message) {
  respond(to, status, "application/json",
          boost::json::serialize(boost::json::object{{"error", message}}) + "\n");
}

bool authorised(const http::request& request, const std::string& token) {
  const auto* given = request.find("Authorization");
  if (!given) return false;
  // Compared as hashes, so that not even the token's length shows in the time it takes.
  return crypto::constant_time_equal(crypto::sha256::of(*given),
                                     crypto::sha256::of("Bearer " + token));
}

/// Asks the manager from an actor of its own: the HTTP thread must not wait.
template <class Answer>
void ask_manager(caf::actor_system& system, const node_manager_actor& manager,
                 const http::exchange_ptr& exchange, Answer answer) {
  system.spawn([manager, exchange, answer](caf::event_based_actor* self) {
    self->request(manager, answer_timeout, v1::GetNodeStatus{})
        .then([answer](const v1::NodeStatus& status) { answer(status); },
              [exchange](const caf::error& error) { refuse(exchange, 503, render(error)); });
  });
}

}  // namespace

node_status to_status(const v1::NodeStatus& from, node_status fixed) {
  static constexpr const char* states[] = {"starting", "ready", "draining"};
  auto status = std::move(fixed);
  status.name = from.name();
  status.state = states[from.state()];
  status.incarnation = from.incarnation();
  status.uptime_s = from.uptime_s();
  for (const auto& peer : from.peers())
    status.peers.push_back({peer.node(), peer.connected(), peer.error()});
  for (const auto& replica : from.replicas()) {
    auto& one = status.partitions.emplace_back();
    one.id = replica.partition();
    one.role = replica.role();
    one.leader = replica.leader();
    one.term = replica.term();
    one.commit = replica.commit();
    one.applied = replica.applied();
    one.members.assign(replica.members().begin(), replica.members().end());
    if (replica.partition() == 0) continue;  // root owns no range
    one.first_hash = fmt::format("{:#018x}", replica.first_hash());
    one.last_hash = fmt::format("{:#018x}", replica.last_hash());
  }
  if (from.has_storage()) {
    const auto& storage = from.storage();
    status.storage = {{"pages", storage.pages()},
                      {"bytes", storage.bytes()},
                      {"free_bytes", storage.free_bytes()},
                      {"full", storage.full() ? 1 : 0},
                      {"repairs_total", storage.repairs_total()},
                      {"damaged_total", storage.damaged_total()}};
    if (storage.full())
      status.warnings.push_back("the data folder is full: no new pages are stored here");
  }
  status.warnings.insert(status.warnings.end(), from.warnings().begin(), from.warnings().end());
  return status;
}

http::rendered render_admin_error(const http::refusal& why, const std::string&) {
  return {{{"Content-Type", "application/json"}},
          boost::json::serialize(boost::json::object{{"error", why.message}}) + "\n"};
}

http::acceptor admin_plane(caf::actor_system& system, metrics& counts, admin_options options) {
  return [&system, &counts, options = std::move(options)](http::exchange_ptr exchange) {
    const auto& request = exchange->request();
    const auto path = request.target.substr(0, request.target.find('?'));
    if (request.method != "GET") return refuse(exchange, 405, "only GET is served here");
    if (path == "/health/live") return respond(exchange, 200, "text/plain", "live\n");
    if (path == "/health/ready")
      return ask_manager(system, options.manager, exchange,
                         [exchange](const v1::NodeStatus& status) {
                           if (status.state() == v1::NodeStatus::READY)
                             return respond(exchange, 200, "text/plain", "ready\n");
                           refuse(exchange, 503, "not ready");
                         });
    if (path != "/status" && path != "/metrics") return refuse(exchange, 404, "no such path");
    if (!authorised(request, options.token))
      return refuse(exchange, 401, "send the token of FOLDER/admin-token as a bearer token");
    if (path == "/metrics")
      return respond(exchange, 200, "text/plain; version=0.0.4", counts.text());
    ask_manager(system, options.manager, exchange,
                [exchange, fixed = options.fixed](const v1::NodeStatus& status) {
                  respond(exchange, 200, "application/json",
                          to_json(to_status(status, fixed)) + "\n");
                });
  };
}

}  // namespace dunlin::assembly
