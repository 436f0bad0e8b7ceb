#include "runtime/simulation/sim_stream_inside.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace dunlin::simulation {

using sockets::stream_ptr;

sim_streams::sim_streams(sim_network& network, event_loop& loop, std::uint64_t seed)
    : network_{network}, loop_{loop}, random_{seed}, turns_{sim_turns::make()} {
  loop_.set_ready_work([this] { return run_one_handler(); });
}

sim_streams::~sim_streams() {
  loop_.set_ready_work(nullptr);
  *over_ = true;
  const auto all = lines();
  for (auto& [name, one] : places_)
    turns_->end(one->turns);
  for (const auto& of : all)
    for (auto& end : of->ends) {
      const auto reader = std::exchange(end.reader, nullptr);
      const auto writer = std::exchange(end.writer, nullptr);
    }
}

sim_streams::place& sim_streams::at(const node_id& name) {
  auto& slot = places_[name];
  if (!slot) slot = std::make_unique<place>(*this, name, places_.size());
  return *slot;
}

std::shared_ptr<sockets::stream_port> sim_streams::port(const node_id& name) {
  return std::make_shared<node_port>(*this, at(name).name);
}

asio::any_io_executor sim_streams::executor(const node_id& name) {
  return sim_turns::executor{turns_, at(name).turns};
}

void sim_streams::set_address(const node_id& name, std::string address) {
  at(name).address = std::move(address);
}

bool sim_streams::run_one_handler() {
  const auto name_of = [this](const sim_turns::queue& whose) -> const node_id& {
    return in_order_[whose.number - 1]->name;
  };
  return turns_->run_one([&](const auto& whose) { return !network_.at(name_of(whose)).paused; },
                         [&](const auto& whose, const auto& turn) {
                           if (around_) return around_(name_of(whose), turn);
                           turn();
                         });
}

void sim_streams::resumed(const node_id& name) { turns_->resume(at(name).turns); }

std::vector<sim_streams::line_ptr> sim_streams::lines() const {
  std::vector<line_ptr> all;
  for (const auto& [id, weak] : lines_)
    if (auto one = weak.lock()) all.push_back(std::move(one));
  return all;
}

std::size_t sim_streams::open_streams() const {
  const auto all = lines();
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const auto& one) {
    return one->ends[0].open && one->ends[1].open;
  }));
}

std::size_t sim_streams::open_streams(const node_id& node) const {
  const auto all = lines();
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& one) {
    return one->ends[0].open && one->ends[1].open &&
           (one->ends[0].name == node || one->ends[1].name == node);
  }));
}

/// Tiny pieces are where parsers stumble: half of those that are cut have at most 16 bytes.
std::size_t sim_streams::cut_smaller(std::size_t bytes) {
  if (bytes < 2 || options_.cut_per_million == 0) return bytes;
  if (random_() % 1'000'000 >= options_.cut_per_million) return bytes;
  const auto most = random_() % 2 == 0 ? std::min<std::size_t>(bytes, 16) : bytes;
  return 1 + random_() % most;
}

asio::awaitable<void> sim_streams::sleep(asio::any_io_executor on, event_loop::time span) {
  const auto woken = co_await initiate<bool>(on, [this, span](std::function<void(bool)> done) {
    loop_.after(span, [done = std::move(done)] { done(true); });
  });
  DUNLIN_ASSERT(woken);
}

// ---- dialling ----

void sim_streams::dial(const node_id& from, const asio::any_io_executor& on,
                       const sockets::endpoint& where, std::chrono::milliseconds within,
                       dialled done) {
  ++counts_.dials;
  const auto life = network_.at(from).life;
  const auto finish = [this, from, life, done = std::move(done)](result<stream_ptr> outcome) {
    if (network_.at(from).life != life) outcome = ec::closed;
    if (!outcome) ++counts_.dials_failed;
    done(std::move(outcome));
  };
  const auto fail = [&](event_loop::time when, ec why) {
    loop_.after(when, [finish, why] { finish(why); });
  };
  if (network_.at(from).down) return fail({}, ec::closed);  // a ghost of the life that crashed
  const auto found = listeners_.find({where.host, where.port});
  if (found == listeners_.end()) return fail(network_.delay(from, from, 0), ec::unavailable);
  const auto& to = found->second;
  const auto& there = network_.at(to);
  const auto way = network_.delay(from, to, 0) + network_.delay(to, from, 0);
  // One that stands still is connected by its kernel all the same, and then says nothing.
  const auto unheard = network_.is_cut(from, to) || network_.is_cut(to, from) ||
                       (there.down && there.silent) || way > event_loop::time{within};
  if (unheard) return fail(within, ec::timed_out);
  loop_.after(way, [this, from, on, where, finish, life] {
    if (network_.at(from).life != life) return finish(ec::closed);
    finish(connect(from, on, where));
  });
}

result<stream_ptr> sim_streams::connect(const node_id& from, const asio::any_io_executor& on,
                                        const sockets::endpoint& where) {
  const auto& to = listeners_.at({where.host, where.port});
  const auto& listeners = at(to).listeners;
  const auto found = listeners.find({where.host, where.port});
  if (found == listeners.end()) return ec::unavailable;
  last_port_ = last_port_ == 60'999 ? 32'768 : last_port_ + 1;
  const auto of = std::make_shared<line>();
  of->ends[0] = {from, network_.at(from).life, at(from).address + ":" + std::to_string(last_port_)};
  of->ends[1] = {to, network_.at(to).life, where.host + ":" + std::to_string(where.port)};
  std::erase_if(lines_, [](const auto& entry) { return entry.second.expired(); });
  lines_[++last_line_] = of;
  const auto accepted = std::make_shared<end_stream>(*this, of, 1, executor(to));
  // The listener may be replaced before its turn comes, or its node gone.
  asio::post(executor(to), [this, handler = found->second.handler, accepted, of] {
    if (lives(of, 1)) handler(accepted);
  });
  return stream_ptr{std::make_shared<end_stream>(*this, of, 0, on)};
}

result<std::uint16_t> sim_streams::node_port::listen(const sockets::endpoint& where, bool wildcard,
                                                     std::function<void(stream_ptr)> handler) {
  const auto everywhere = where.host == "0.0.0.0" || where.host == "::";
  if (everywhere && !wildcard) return ec::invalid_argument;
  auto key = address{everywhere ? streams_.at(name_).address : where.host, where.port};
  if (key.second == 0)
    for (key.second = 20'000; streams_.listeners_.contains(key);)
      ++key.second;
  const auto found = streams_.listeners_.find(key);
  if (found != streams_.listeners_.end() && streams_.at(found->second).listeners.contains(key))
    return ec::unavailable;
  streams_.listeners_[key] = name_;
  const auto number = ++streams_.last_listener_;
  streams_.at(name_).listeners[key] = {number, std::move(handler)};
  streams_.network_.at(name_).down = false;
  mine_.emplace_back(key, number);
  return key.second;
}

/// Whoever has listened there since, in another life of the node, goes on.
void sim_streams::node_port::stop_listening() {
  if (*over_) return;
  auto& all = streams_.at(name_).listeners;
  for (const auto& [key, number] : std::exchange(mine_, {}))
    if (const auto found = all.find(key); found != all.end() && found->second.number == number)
      all.erase(found);
}

asio::awaitable<result<stream_ptr>> sim_streams::node_port::dial(asio::any_io_executor on,
                                                                 sockets::endpoint where,
                                                                 std::chrono::milliseconds within) {
  return initiate<result<stream_ptr>>(
      on, [&streams = streams_, name = name_, on, where, within](dialled done) {
        streams.dial(name, on, where, within, std::move(done));
      });
}

// ---- faults ----

void sim_streams::crashed(const node_id& node, bool silent) {
  at(node).listeners.clear();
  for (const auto& of : lines())
    for (const int side : {0, 1}) {
      auto& end = of->ends[side];
      if (end.name != node || !std::exchange(end.open, false)) continue;
      end.unread.clear();
      fail_waiting(of, side, ec::closed);
      if (!silent)
        send(of, 1 - side, {piece::reset, {}});
      else
        loop_.after(options_.lost_after, [this, of, side] { take_reset(of, 1 - side); });
    }
}

void sim_streams::break_streams(const node_id& a, const node_id& b) {
  for (const auto& of : lines()) {
    const auto& [one, two] = of->ends;
    if ((one.name == a && two.name == b) || (one.name == b && two.name == a)) break_line(of);
  }
}

void sim_streams::break_line(const line_ptr& of) {
  for (const int side : {0, 1})
    send(of, side, {piece::reset, {}});
}

void sim_streams::wake_all() {
  for (const auto& of : lines())
    for (const int side : {0, 1})
      wake(of, side);
}

void sim_streams::wake(const line_ptr& of, int to) {
  auto& end = of->ends[to];
  if (network_.is_cut(of->ends[1 - to].name, end.name)) return;
  for (auto waiting = std::exchange(end.stalled, 0); waiting > 0; --waiting)
    schedule(of, to, 0);
  pump(of, 1 - to);
}

bool sim_streams::lives(const line_ptr& of, int side) const {
  return network_.at(of->ends[side].name).life == of->ends[side].life;
}

}  // namespace dunlin::simulation
