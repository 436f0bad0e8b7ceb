#include "runtime/simulation/sim_http.hpp"

#include "runtime/http/text.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::simulation {

std::optional<std::string> sim_response::header(std::string_view name) const {
  if (!head) return std::nullopt;
  for (const auto& each : head->headers)
    if (http::same_name(each.name, name)) return each.value;
  return std::nullopt;
}

sim_exchange::sim_exchange(sim_request request, executor run,
                           std::function<void(const sim_response&)> changed)
    : request_(std::move(request)),
      run_(std::move(run)),
      changed_(std::move(changed)),
      seen_(std::make_shared<sim_response>()) {}

std::shared_ptr<sim_exchange> sim_exchange::make(sim_request request, executor run,
                                                 std::function<void(const sim_response&)> changed) {
  return std::shared_ptr<sim_exchange>(
      new sim_exchange(std::move(request), std::move(run), std::move(changed)));
}

sim_exchange::~sim_exchange() { cut(); }

const http::request& sim_exchange::request() const { return request_.head; }

void sim_exchange::read(std::size_t size, std::function<void(result<std::string>)> done) {
  if (read_ == 0 || !request_.pause)
    return run_([done = std::move(done), got = take(size)] { done(got); });
  const auto pause = std::exchange(request_.pause, nullptr);
  pause([done = std::move(done), alive = weak_from_this(), size] {
    const auto it = alive.lock();
    done(it ? it->take(size) : ec::closed);
  });
}

result<std::string> sim_exchange::take(std::size_t size) {
  if (gone_ || ended_ || size == 0) return ec::closed;
  while (!request_.body.empty() && request_.body.front().empty())
    request_.body.pop_front();
  if (request_.body.empty()) {
    if (request_.body_failure) return *request_.body_failure;
    return std::string{};
  }
  auto& chunk = request_.body.front();
  auto part = chunk.substr(0, size);
  chunk.erase(0, part.size());
  read_ += part.size();
  return part;
}

void sim_exchange::respond(http::response head, buffer body,
                           std::function<void(result<void>)> done) {
  result<void> outcome;
  if (gone_ || ended_ || seen_->head) {
    outcome = ec::closed;
  } else {
    const auto silent = request_.head.method == "HEAD" || head.status == 204 || head.status == 304;
    if (silent) {
      seen_->head = std::move(head);
      seen_->finished = true;
      end();
    } else {
      seen_->head = std::move(head);
      outcome = append(body);
    }
  }
  run_([done = std::move(done), outcome] { done(outcome); });
}

void sim_exchange::write(buffer body, std::function<void(result<void>)> done) {
  const auto outcome = gone_ || ended_ || !seen_->head ? result<void>(ec::closed) : append(body);
  run_([done = std::move(done), outcome] { done(outcome); });
}

result<void> sim_exchange::append(const buffer& body) {
  if (body) seen_->body += *body;
  if (seen_->body.size() > seen_->head->content_length) {
    cut();
    return ec::invalid_argument;
  }
  if (seen_->body.size() == seen_->head->content_length) {
    seen_->finished = true;
    end();
  }
  return {};
}

void sim_exchange::cut() {
  if (ended_) return;
  seen_->cut = true;
  end();
}

void sim_exchange::end() {
  ended_ = true;
  if (auto changed = std::exchange(changed_, nullptr))
    run_([changed = std::move(changed), seen = seen_] { changed(*seen); });
}

void sim_exchange::hang_up() {
  gone_ = true;
  cut();
}

std::shared_ptr<const sim_response> sim_exchange::seen() const { return seen_; }

std::size_t sim_exchange::body_bytes_read() const { return read_; }

}  // namespace dunlin::simulation
