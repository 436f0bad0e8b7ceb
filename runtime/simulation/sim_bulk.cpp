// The bulk half of the simulated network: exchanges of a head and a body.
#include "runtime/simulation/sim_network_inside.hpp"

namespace dunlin::simulation {

static std::size_t size_of(const links::bulk_message& message) {
  return message.head.size() + (message.body ? message.body->size() : 0);
}

static bool fits(const links::bulk_message& message) {
  return message.head.size() <= links::bulk_head_bytes_max &&
         (!message.body || message.body->size() <= links::bulk_body_bytes_max);
}

void sim_network::exchange(const node_id& from, const node_id& to, links::bulk_message request,
                           std::chrono::milliseconds timeout,
                           std::function<void(result<links::bulk_message>)> done) {
  if (at(from).down) return;  // a ghost of the life that crashed
  ++counts_.exchanges;
  auto open = std::make_shared<exchange_state>();
  open->id = ++last_exchange_;
  open->from = from;
  open->to = to;
  open->from_life = at(from).life;
  open->request = std::move(request);
  open->done = std::move(done);
  const auto others = std::count_if(exchanges_.begin(), exchanges_.end(), [&](const auto& one) {
    return one.second->from == from && one.second->to == to;
  });
  exchanges_[open->id] = open;
  const auto fail_soon = [&](ec why, event_loop::time when) {
    loop_.after(when, [this, open, why] { finish(open, why); });
  };
  if (!fits(open->request)) return fail_soon(ec::invalid_argument, {});
  if (static_cast<std::size_t>(others) >= options_.exchanges_max)
    return fail_soon(ec::overloaded, {});
  fail_soon(ec::timed_out, timeout);
  if (happens(faults_.broken_per_million))
    return fail_soon(ec::peer_lost, delay(from, to, size_of(open->request)));
  send(open);
}

/// The way there. What the adversary repeats has left once and is served twice.
void sim_network::send(const std::shared_ptr<exchange_state>& open) {
  const auto way = delay(open->from, open->to, size_of(open->request));
  if (is_cut(open->from, open->to)) return;
  if (happens(faults_.dropped_per_million)) {
    ++counts_.dropped;
    return;
  }
  if (happens(faults_.repeated_per_million)) {
    ++counts_.repeated;
    loop_.after(way + overtake(), [this, open, copy = open->request] { arrive(open, copy); });
  }
  auto late = event_loop::time{0};
  if (happens(faults_.overtaken_per_million)) {
    ++counts_.overtaken;
    late = overtake();
  }
  loop_.after(way + late, [this, open] { arrive(open, std::move(open->request)); });
}

void sim_network::arrive(const std::shared_ptr<exchange_state>& open, links::bulk_message request) {
  auto& there = at(open->to);
  if (is_cut(open->from, open->to) || (there.down && there.silent)) return;
  if (there.paused)
    return there.waiting.push_back(
        [this, open, request = std::move(request)] { arrive(open, request); });
  if (!there.handler) return finish(open, ec::unavailable);
  if (trace_)
    trace_(open->to,
           "exchange of " + std::to_string(size_of(request)) + " bytes from " + open->from);
  open->to_life = there.life;
  const auto handler = there.handler;  // it may be replaced while it runs
  // Also when the caller has given up: what it sent arrives all the same.
  handler(open->from, std::move(request), [this, open](links::bulk_message reply) {
    if (!std::exchange(open->answered, true)) answer(open, std::move(reply));
  });
}

void sim_network::answer(const std::shared_ptr<exchange_state>& open, links::bulk_message reply) {
  if (at(open->to).life != open->to_life || is_cut(open->to, open->from)) return;
  auto way = delay(open->to, open->from, size_of(reply));
  const auto broken = !fits(reply) || happens(faults_.broken_per_million);
  if (happens(faults_.dropped_per_million)) {
    ++counts_.dropped;
    return;
  }
  if (happens(faults_.overtaken_per_million)) {
    ++counts_.overtaken;
    way += overtake();
  }
  loop_.after(way, [this, open, broken, reply = std::move(reply)]() mutable {
    if (broken)
      finish(open, ec::peer_lost);
    else if (!is_cut(open->to, open->from))
      finish(open, std::move(reply));
  });
}

void sim_network::finish(const std::shared_ptr<exchange_state>& open,
                         result<links::bulk_message> outcome) {
  if (at(open->from).paused)
    return at(open->from).waiting.push_back([this, open, outcome] { finish(open, outcome); });
  exchanges_.erase(open->id);
  const auto done = std::exchange(open->done, nullptr);
  if (!done || at(open->from).life != open->from_life) return;
  if (!outcome) ++counts_.exchanges_failed;
  done(std::move(outcome));
}

result<void> sim_network::node_bulk::serve(handler requests) {
  auto& own = network_.at(name_);
  own.handler = std::move(requests);
  own.down = false;
  return {};
}

void sim_network::node_bulk::exchange(const node_id& peer, links::bulk_message request,
                                      std::chrono::milliseconds timeout,
                                      std::function<void(result<links::bulk_message>)> done) {
  network_.exchange(name_, peer, std::move(request), timeout, std::move(done));
}

void sim_network::node_bulk::stop() {
  network_.at(name_).handler = nullptr;
  const auto open = network_.exchanges_;
  for (const auto& [id, one] : open)
    if (one->from == name_)
      network_.loop_.after({},
                           [&network = network_, one = one] { network.finish(one, ec::stopping); });
}

}  // namespace dunlin::simulation
