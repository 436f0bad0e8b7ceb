// What clients ask of a virtual cluster: requests in all manners of coming, and commands past S3.
#include "apps/testkit/virtual_cluster.hpp"
#include "messages/error.hpp"

#include <caf/event_based_actor.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <deque>

namespace dunlin::testkit {

namespace {

std::deque<std::string> in_chunks(std::string_view body) {
  constexpr std::size_t chunk = 256u << 10;
  std::deque<std::string> all;
  for (std::size_t at = 0; at < body.size(); at += chunk)
    all.emplace_back(body.substr(at, chunk));
  return all;
}

}  // namespace

void virtual_cluster::send(const node_id& through, const std::string& method,
                           const std::string& path, const std::string& query,
                           const std::string& body, on_answer done,
                           std::vector<http::header> headers) {
  send_as(root_, through, method, path, query, body, std::move(done), std::move(headers));
}

void virtual_cluster::send_as(const credentials& who, const node_id& through,
                              const std::string& method, const std::string& path,
                              const std::string& query, const std::string& body, on_answer done,
                              std::vector<http::header> headers) {
  simulation::sim_request request;
  request.head = signed_request(who, method, path, query, std::move(headers), body, wall_ms());
  request.head.id = "virtual-" + std::to_string(++requests_);
  request.body = in_chunks(body);
  tell(fmt::format("{} {} {}{}{}{} through {}, {} bytes", request.head.id, method, path,
                   query.empty() ? "" : "?", query,
                   who.access_key == root_.access_key ? "" : " with " + who.access_key, through,
                   body.size()));
  submit(through, std::move(request), std::move(done));
}

void virtual_cluster::execute(const node_id& through, partition_id partition, v1::Command command,
                              on_reply done) {
  tell(fmt::format("command {} through {}", command.ShortDebugString(), through));
  const auto router = parts(through).router;
  if (!router) return time_.events().after({}, [done] { done(ec::unavailable); });
  v1::RoutedCommand message;
  message.mutable_route()->set_partition(partition);
  *message.mutable_command() = std::move(command);
  message.set_timeout_ms(10'000);
  time_.system().spawn([this, router, message, done](caf::event_based_actor* self) {
    const auto finish = [this, done](const result<v1::CommandReply>& reply) {
      tell(reply ? "answered " + reply->ShortDebugString()
                 : fmt::format("answered {}", to_string(reply.error())));
      done(reply);
    };
    self->request(router, std::chrono::seconds(20), message)
        .then([finish](const v1::CommandReply& reply) { finish(reply); },
              [finish](const caf::error& why) { finish(code_of(why)); });
  });
}

void virtual_cluster::send_slowly(const node_id& through, const std::string& path,
                                  const std::string& body, std::size_t first,
                                  std::chrono::milliseconds pause, on_answer done,
                                  std::vector<http::header> headers) {
  simulation::sim_request request;
  request.head = signed_request(root_, "PUT", path, "", std::move(headers), body, wall_ms());
  request.head.id = "virtual-" + std::to_string(++requests_);
  request.body = {body.substr(0, first), body.substr(first)};
  request.pause = [this, pause](std::function<void()> what) {
    time_.events().after(pause, std::move(what));
  };
  tell(fmt::format("{} PUT {} through {}, {} bytes and {} ms later {} more", request.head.id, path,
                   through, first, pause.count(), body.size() - first));
  submit(through, std::move(request), std::move(done), pause);
}

void virtual_cluster::send_broken(const node_id& through, const std::string& path,
                                  const std::string& body, std::size_t sent, ec failure,
                                  on_answer done) {
  simulation::sim_request request;
  request.head = signed_request(root_, "PUT", path, "", {}, body, wall_ms());
  request.head.id = "virtual-" + std::to_string(++requests_);
  request.body = in_chunks(std::string_view(body).substr(0, sent));
  request.body_failure = failure;
  tell(fmt::format("{} PUT {} through {}, breaks off after {} bytes of {}", request.head.id, path,
                   through, sent, body.size()));
  submit(through, std::move(request), std::move(done));
}

void virtual_cluster::submit(const node_id& through, simulation::sim_request request,
                             on_answer done, std::chrono::milliseconds begins) {
  ++open_requests_;
  // A node answers later by as long as it stands still; a session does not wait for that.
  const auto still = [this, through] {
    return clients_ ? std::chrono::nanoseconds{0} : stood_still(through);
  };
  const auto heard = [this, done = std::move(done), begun = time_.now() + begins - still(), still,
                      id = request.head.id](const answer& one) {
    answered(id, begun + still(), one, done);
  };
  if (clients_)
    return submit_over_stream(
        through, std::move(request),
        [heard](const simulation::client_answer& came) {
          heard({came.status, came.body, came.headers, came.took});
        },
        begins);
  auto soon = [this](std::function<void()> what) { time_.events().after({}, std::move(what)); };
  auto finished = [heard](const simulation::sim_response& response) {
    answer one;
    if (response.finished && !response.cut && response.head)
      one = {response.head->status, response.body, response.head->headers};
    heard(one);
  };
  // Refused: the exchange goes, which cuts it.
  machines_.at(through).s3.submit(
      simulation::sim_exchange::make(std::move(request), soon, finished));
}

void virtual_cluster::answered(const std::string& id, std::chrono::nanoseconds begun,
                               const answer& heard, const on_answer& done) {
  note(heard.body);
  note(static_cast<std::uint64_t>(heard.status));
  tell(fmt::format("{} answered {}, {} bytes", id, heard.status, heard.body.size()));
  --open_requests_;
  const auto waited =
      std::min(time_.now() - begun, heard.status == 0 ? time_.now() : heard.last_try);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(waited);
  auto& longest = heard.status == 0 ? longest_silence_ : longest_answer_;
  if (took > longest.took) longest = {took, id};
  done(heard);
}

virtual_cluster::answer virtual_cluster::call(const node_id& through, const std::string& method,
                                              const std::string& path, const std::string& query,
                                              const std::string& body,
                                              std::vector<http::header> headers) {
  auto heard = std::make_shared<std::optional<answer>>();
  send(
      through, method, path, query, body, [heard](const answer& it) { *heard = it; },
      std::move(headers));
  time_.run_until([&] { return heard->has_value(); }, std::chrono::seconds(120));
  return heard->value_or(answer{});
}

}  // namespace dunlin::testkit
