#include "apps/assembly/admin.hpp"

#include "apps/assembly/admin_balance.hpp"
#include "apps/assembly/admin_cache.hpp"
#include "apps/assembly/admin_http.hpp"
#include "apps/assembly/cache_change_status.hpp"
#include "apps/assembly/fault_status.hpp"
#include "apps/assembly/nodes_status.hpp"
#include "apps/assembly/staleness_status.hpp"
#include "messages/error.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/observe/log.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <tuple>

namespace dunlin::assembly {

namespace {

constexpr auto answer_timeout = std::chrono::seconds(5);

bool authorised(const http::request& request, const std::string& token) {
  const auto* given = request.find("Authorization");
  if (!given) return false;
  // Compared as hashes, so that not even the token's length shows in the time it takes.
  return crypto::constant_time_equal(crypto::sha256::of(*given),
                                     crypto::sha256::of("Bearer " + token));
}

/// Asks the manager from an actor of its own: the HTTP thread must not wait.
template <class Answer>
void ask_manager(caf::actor_system& system, const node_manager_actor& manager, Answer answer,
                 std::function<void(const caf::error&)> failed) {
  system.spawn([manager, answer, failed](caf::event_based_actor* self) {
    self->request(manager, answer_timeout, v1::GetNodeStatus{})
        .then([answer](const v1::NodeStatus& status) { answer(status); }, failed);
  });
}

template <class Answer>
void ask_manager(caf::actor_system& system, const node_manager_actor& manager,
                 const http::exchange_ptr& exchange, Answer answer) {
  ask_manager(system, manager, answer, [exchange](const caf::error& error) {
    refuse(exchange, 503, dunlin::render(error));
  });
}

figures to_figures(const google::protobuf::RepeatedPtrField<v1::Figure>& from) {
  figures all;
  for (const auto& one : from)
    all[one.name()][one.label()] += one.value();
  return all;
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

coherence_status to_coherence(const v1::NodeStatus& from) {
  coherence_status status;
  status.name = from.name();
  if (from.has_queue()) {
    auto& queue = status.queue.emplace();
    queue.incarnation = from.queue().queue_incarnation();
    queue.count = to_figures(from.queue().figures());
    for (const auto& one : from.queue().backlogs())
      queue.backlogs.push_back(
          {one.node(), one.service(), one.rows(), one.in_flight(), one.silent_ms()});
  }
  for (const auto& one : from.subscribers())
    status.subscribers.push_back({one.service(),
                                  {one.subscribed().begin(), one.subscribed().end()},
                                  to_figures(one.figures())});
  for (const auto& one : from.caches())
    status.caches.push_back({one.service(), one.type(), one.mode(), to_figures(one.figures())});
  // They come in the order in which they answered.
  std::sort(status.caches.begin(), status.caches.end(), [](const auto& a, const auto& b) {
    return std::tie(a.service, a.type) < std::tie(b.service, b.type);
  });
  return status;
}

http::rendered render_admin_error(const http::refusal& why, const std::string&) {
  return {{{"Content-Type", "application/json"}},
          boost::json::serialize(boost::json::object{{"error", why.message}}) + "\n"};
}

namespace {

// ---- what is asked ----

/// What the manager says of near caches and queue, with what the sampler found about them.
template <class Answer>
void ask_coherence(caf::actor_system& system, metrics& counts, const admin_options& options,
                   Answer answer, std::function<void(const caf::error&)> failed) {
  const auto add = [&system, &counts, sampler = options.sampler,
                    answer](const v1::NodeStatus& node) {
    auto status = std::make_shared<coherence_status>(to_coherence(node));
    add_announcers(*status, node, counts);
    if (!sampler) return answer(*status);
    system.spawn([sampler, status, answer](caf::event_based_actor* self) {
      self->request(sampler, answer_timeout, get_staleness{})
          .then(
              [status, answer](const staleness_report& report) {
                add_staleness(*status, report);
                answer(*status);
              },
              [status, answer](const caf::error&) { answer(*status); });
    });
  };
  ask_manager(system, options.manager, add, std::move(failed));
}

/// What the node counts, and what its caches and its queue say; without them if they do not answer.
void show_metrics(caf::actor_system& system, metrics& counts, const admin_options& options,
                  const http::exchange_ptr& exchange) {
  const auto show = [exchange, &counts](const std::string& more) {
    respond(exchange, 200, "text/plain; version=0.0.4", counts.text() + more);
  };
  ask_coherence(
      system, counts, options, [show](const coherence_status& status) { show(to_metrics(status)); },
      [show](const caf::error&) { show({}); });
}

/// True: it was such a path, and is or will be answered.
bool show_health(caf::actor_system& system, const admin_options& options, const std::string& path,
                 const http::exchange_ptr& exchange) {
  if (path == "/health/live") {
    respond(exchange, 200, "text/plain", "live\n");
    return true;
  }
  if (path != "/health/ready") return false;
  ask_manager(system, options.manager, exchange, [exchange](const v1::NodeStatus& status) {
    if (status.state() == v1::NodeStatus::READY)
      return respond(exchange, 200, "text/plain", "ready\n");
    refuse(exchange, 503, "not ready");
  });
  return true;
}

void show_faults(const admin_options& options, const http::exchange_ptr& exchange) {
  const auto& loss = *options.loss;
  respond_json(exchange, to_json(fault_status{options.fixed.name, loss.fraction(), loss.batches(),
                                              loss.acks()}));
}

void show_nodes(const admin_options& options, const http::exchange_ptr& exchange) {
  respond_json(exchange,
               to_json(describe(options.fixed.name, options.topology.options, options.nodes())));
}

void show(caf::actor_system& system, metrics& counts, const admin_options& options,
          const std::string& path, const http::exchange_ptr& exchange) {
  if (path == "/faults") return show_faults(options, exchange);
  if (path == "/nodes") return show_nodes(options, exchange);
  if (path == "/balance")
    return show_balance(system, options.fixed.name, options.balance, exchange);
  if (path == "/metrics") return show_metrics(system, counts, options, exchange);
  if (path == "/coherence")
    return ask_coherence(
        system, counts, options,
        [exchange](const coherence_status& status) { respond_json(exchange, to_json(status)); },
        [exchange](const caf::error& error) { refuse(exchange, 503, dunlin::render(error)); });
  ask_manager(system, options.manager, exchange,
              [exchange, fixed = options.fixed](const v1::NodeStatus& status) {
                respond_json(exchange, to_json(to_status(status, fixed)));
              });
}

// ---- what is changed ----

void set_faults(const admin_options& options, const http::exchange_ptr& exchange,
                const std::string& body) {
  boost::system::error_code error;
  const auto wish = boost::json::parse(body, error);
  const auto* said = wish.is_object() ? wish.as_object().if_contains("cache_update_loss") : nullptr;
  const auto fraction = said ? said->to_number<double>(error) : 0;
  if (!said || error || !options.loss->set(fraction))
    return refuse(exchange, 400, "send {\"cache_update_loss\": x} with 0 <= x < 1");
  log::warn("node.message_loss_set", {{"fraction", fmt::format("{}", fraction)}});
  show_faults(options, exchange);
}

void join(const admin_options& options, const http::exchange_ptr& exchange,
          const std::string& body) {
  const auto node = parse_node(body);
  if (!node) return refuse(exchange, 400, "send a node as GET /nodes shows them");
  if (const auto done = options.join(*node); !done)
    return refuse(
        exchange, 409,
        "only nodes that have no other roles than access and balancer join a cluster that "
        "runs, each under a name of its own");
  show_nodes(options, exchange);
}

void change(caf::actor_system& system, const admin_options& options,
            const http::exchange_ptr& exchange, const std::string& body) {
  auto wish = read_cache_instruction(options.topology, body);
  if (const auto* no = std::get_if<std::string>(&wish)) return refuse(exchange, 400, *no);
  system.spawn([exchange, caches = options.caches, name = options.fixed.name,
                wish = std::get<change_caches>(wish)](caf::event_based_actor* self) {
    self->request(caches, answer_timeout, wish)
        .then(
            [exchange, name](const caches_changed& done) {
              cache_change_status status{name, {}};
              for (const auto& one : done.all)
                status.caches.push_back({one.service, one.type, one.error});
              respond_json(exchange, to_json(status));
            },
            [exchange](const caf::error& error) { refuse(exchange, 503, dunlin::render(error)); });
  });
}

bool is_shown(const std::string& path) {
  return path == "/status" || path == "/coherence" || path == "/metrics" || path == "/faults" ||
         path == "/balance" || path == "/nodes";
}

bool is_changed(const std::string& path) {
  return path == "/faults" || path == "/cache" || path == "/balance" || path == "/nodes";
}

void take(caf::actor_system& system, metrics& counts, const admin_options& options,
          const http::exchange_ptr& exchange) {
  const auto& request = exchange->request();
  const auto path = request.target.substr(0, request.target.find('?'));
  const auto gets = request.method == "GET";
  if (gets && show_health(system, options, path, exchange)) return;
  if (!gets && !(request.method == "POST" && is_changed(path)))
    return refuse(exchange, 405, "GET, or of some paths POST, is served here");
  if (gets && !is_shown(path)) return refuse(exchange, 404, "no such path");
  if (!authorised(request, options.token))
    return refuse(exchange, 401, "send the token of FOLDER/admin-token as a bearer token");
  if (gets) return show(system, counts, options, path, exchange);
  read_body(exchange, [&system, options, exchange, path](const std::string& body) {
    if (path == "/cache") return change(system, options, exchange, body);
    if (path == "/nodes") return join(options, exchange, body);
    if (path == "/balance")
      return change_balance(system, options.topology, options.fixed.name, options.balance, exchange,
                            body);
    set_faults(options, exchange, body);
  });
}

}  // namespace

http::acceptor admin_plane(caf::actor_system& system, metrics& counts, admin_options options) {
  return [&system, &counts, options = std::move(options)](const http::exchange_ptr& exchange) {
    take(system, counts, options, exchange);
  };
}

}  // namespace dunlin::assembly
