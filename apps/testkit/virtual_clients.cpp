#include "apps/testkit/virtual_clients.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dunlin::testkit {

using simulation::sim_http_client;

virtual_clients::virtual_clients(simulation::sim_streams& streams, std::uint64_t seed,
                                 clients_options options)
    : streams_(streams), options_(std::move(options)), random_(seed) {}

virtual_clients::~virtual_clients() { abort(); }

void virtual_clients::send(const doors& to, simulation::client_request request,
                           sim_http_client::on_answer done) {
  const auto one = idle_one(to);
  const auto leaves = random_() % 1000 < options_.leave_per_thousand;
  one->send(std::move(request), std::move(done));
  if (leaves) one->close_when_idle();
}

virtual_clients::session virtual_clients::idle_one(const doors& to) {
  std::string key;
  for (const auto& each : to)
    key += fmt::format("{}:{} ", each.host, each.port);
  auto& all = sessions_[key];
  for (const auto& each : all)
    if (each->idle() && each->stays()) return each;
  sweep();
  simulation::client_options options;
  options.servers = to;
  options.tries = options_.tries;
  options.refusals = options_.refusals;
  options.answer_timeout = options_.answer_timeout;
  options.mark = [this](const auto&, int) { return http::header{mark, std::to_string(++marks_)}; };
  const auto name = fmt::format("client-{}", ++names_);
  streams_.set_address(name, options_.address);
  return all.emplace_back(sim_http_client::make(streams_, name, options, random_()));
}

void virtual_clients::sweep() {
  for (auto& [key, all] : sessions_)
    std::erase_if(all, [this](const session& one) {
      if (one->stays() || !one->idle()) return false;
      add(past_, one->counts());
      ++past_.sessions;
      return true;
    });
}

void virtual_clients::leave() {
  for (const auto& [key, all] : sessions_)
    for (const auto& one : all)
      one->close_when_idle();
}

void virtual_clients::abort() {
  for (const auto& [key, all] : sessions_)
    for (const auto& one : all)
      one->abort();
}

std::size_t virtual_clients::connected() const {
  std::size_t count = 0;
  for (const auto& [key, all] : sessions_)
    count += static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& one) {
      return one->connected() && streams_.open_streams(one->name()) > 0;
    }));
  return count;
}

void virtual_clients::add(clients_counts& to, const simulation::client_counts& of) {
  to.dials += of.dials;
  to.retries += of.retries;
  to.resets += of.resets;
  to.garbled += of.garbled;
  to.refused += of.refused;
}

clients_counts virtual_clients::counts() const {
  auto sum = past_;
  for (const auto& [key, all] : sessions_)
    for (const auto& one : all) {
      add(sum, one->counts());
      ++sum.sessions;
    }
  return sum;
}

}  // namespace dunlin::testkit
