#include "runtime/simulation/sim_network_inside.hpp"
#include "runtime/simulation/sim_stream.hpp"

namespace dunlin::simulation {

/// Hello and proof, in each direction of a wire.
static constexpr std::uint64_t greeting_frames = 2;

sim_network::sim_network(event_loop& loop, std::uint64_t seed, network_options options)
    : loop_{loop}, options_{options}, random_{seed}, seed_{seed} {}

// Streams go first: they stand on everything else.
sim_network::~sim_network() { end_streams(); }

void sim_network::end_streams() { streams_.reset(); }

sim_streams& sim_network::streams() {
  if (!streams_) streams_ = std::make_shared<sim_streams>(*this, loop_, seed_ * 6700417);
  return *streams_;
}

sim_network::node& sim_network::at(const node_id& name) {
  auto& slot = nodes_[name];
  if (!slot) slot = std::make_unique<node>(*this, name);
  return *slot;
}

links::wire_port& sim_network::wires(const node_id& name) { return at(name).wires; }
links::bulk_port& sim_network::bulk(const node_id& name) { return at(name).bulk; }

void sim_network::set_certificate(const node_id& name, std::string der) {
  at(name).certificate = std::move(der);
}

// ---- chance and delay ----

bool sim_network::happens(std::uint32_t per_million) {
  // Asked only where a fault is possible, so that histories without faults stay the same.
  return per_million > 0 && random_() % 1'000'000 < per_million;
}

event_loop::time sim_network::delay(const node_id& from, const node_id& to, std::size_t bytes) {
  const auto spread = static_cast<std::uint64_t>((faults_.delay_max - faults_.delay_min).count());
  event_loop::time total = faults_.delay_min + std::chrono::microseconds(random_() % (spread + 1));
  total += at(from).extra_delay + at(to).extra_delay;
  const auto speed =
      faults_.bytes_per_second > 0 ? faults_.bytes_per_second : options_.bytes_per_second;
  if (speed > 0) total += std::chrono::microseconds(bytes * 1'000'000 / speed);
  if (happens(faults_.lost_per_million)) {
    ++counts_.packets_lost;
    total += faults_.retransmit;
  }
  return total;
}

event_loop::time sim_network::overtake() {
  const auto most = static_cast<std::uint64_t>(faults_.overtake_max.count()) * 1000;
  return std::chrono::microseconds(random_() % (most + 1));
}

// ---- faults ----

void sim_network::pause(const node_id& name) { at(name).paused = true; }

void sim_network::resume(const node_id& name) {
  auto& own = at(name);
  if (!std::exchange(own.paused, false)) return;
  if (streams_) streams_->resumed(name);
  for (const auto& what : std::exchange(own.waiting, {}))
    loop_.after({}, what);
  for (const auto& line : lines())
    for (const int side : {0, 1})
      if (line->ends[side].name == name) wake(line, side);
}

void sim_network::when_awake(const node_id& name, std::function<void()> what) {
  auto& own = at(name);
  if (own.paused) return own.waiting.push_back(std::move(what));
  what();
}

bool sim_network::is_cut(const node_id& from, const node_id& to) const {
  return cuts_.contains({from, to});
}

void sim_network::slow(const node_id& name, std::chrono::microseconds extra) {
  at(name).extra_delay = extra;
}

void sim_network::cut(const node_id& from, const node_id& to) { cuts_.emplace(from, to); }

void sim_network::cut_both(const node_id& a, const node_id& b) {
  cut(a, b);
  cut(b, a);
}

void sim_network::split(const std::set<node_id>& side, const std::set<node_id>& other) {
  for (const auto& a : side)
    for (const auto& b : other)
      cut_both(a, b);
}

void sim_network::heal(const node_id& from, const node_id& to) {
  cuts_.erase({from, to});
  for (const auto& line : lines())
    for (const int side : {0, 1})
      if (line->ends[side].name == to && line->ends[1 - side].name == from) wake(line, side);
  if (streams_) streams_->wake_all();
}

void sim_network::heal_all() {
  cuts_.clear();
  for (const auto& line : lines())
    for (const int side : {0, 1})
      wake(line, side);
  if (streams_) streams_->wake_all();
}

void sim_network::break_wires(const node_id& a, const node_id& b) {
  if (streams_) streams_->break_streams(a, b);
  for (const auto& line : lines()) {
    const auto& [one, two] = line->ends;
    if ((one.name == a && two.name == b) || (one.name == b && two.name == a)) reset(line, true);
  }
}

void sim_network::crash(const node_id& name, bool silent) {
  auto& gone = at(name);
  ++gone.life;
  gone.down = true;
  gone.silent = silent;
  if (streams_ && gone.paused) streams_->resumed(name);
  gone.paused = false;
  gone.waiting.clear();
  gone.listener = nullptr;
  gone.handler = nullptr;
  for (const auto& line : lines()) {
    if (line->ends[0].name != name && line->ends[1].name != name) continue;
    for (auto& end : line->ends)
      if (end.name == name) end.handlers = {};
    if (!silent) reset(line, false);
  }
  const auto open = exchanges_;
  for (const auto& [id, one] : open)
    if (one->from == name || (one->to == name && !silent)) finish(one, ec::peer_lost);
  if (streams_) streams_->crashed(name, silent);
}

// ---- wires ----

std::vector<std::shared_ptr<sim_network::connection>> sim_network::lines() const {
  std::vector<std::shared_ptr<connection>> all;
  for (const auto& [id, weak] : connections_)
    if (auto line = weak.lock()) all.push_back(std::move(line));
  return all;
}

std::size_t sim_network::open_wires() const {
  const auto all = lines();
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const auto& line) {
    return line->ends[0].open && line->ends[1].open;
  }));
}

void sim_network::dial(const node_id& from, const node_id& to,
                       std::function<void(result<links::wire_ptr>)> done) {
  if (at(from).down) return;  // a ghost of the life that crashed
  ++counts_.dials;
  const auto life = at(from).life;
  // One that stands still does not get through the handshake of TLS.
  const auto unheard =
      is_cut(from, to) || is_cut(to, from) || at(to).paused || (at(to).down && at(to).silent);
  const auto wait = unheard ? event_loop::time{options_.connect_timeout}
                            : delay(from, to, 0) + delay(to, from, 0);
  loop_.after(wait, [this, from, to, life, unheard, done = std::move(done)] {
    when_awake(from, [this, from, to, life, unheard, done] {
      if (at(from).life != life) return;
      if (!unheard) return connect(from, to, life, done);
      ++counts_.dials_failed;
      done(ec::timed_out);
    });
  });
}

void sim_network::connect(const node_id& from, const node_id& to, std::uint64_t from_life,
                          std::function<void(result<links::wire_ptr>)> done) {
  if (!at(to).listener) {
    ++counts_.dials_failed;
    return done(ec::unavailable);
  }
  auto line = std::make_shared<connection>();
  line->ends[0].name = from;
  line->ends[0].life = from_life;
  line->ends[1].name = to;
  line->ends[1].life = at(to).life;
  std::erase_if(connections_, [](const auto& entry) { return entry.second.expired(); });
  connections_[++last_connection_] = line;
  const auto listener = at(to).listener;  // it may be replaced while it runs
  listener(std::make_shared<sim_wire>(*this, line, 1));
  done(links::wire_ptr{std::make_shared<sim_wire>(*this, line, 0)});
}

bool sim_network::send(const std::shared_ptr<connection>& line, int side, buffer frame) {
  auto& mine = line->ends[side];
  auto& theirs = line->ends[1 - side];
  const auto alive = mine.open && at(mine.name).life == mine.life;
  if (!alive || frame->size() > links::frame_bytes_max ||
      theirs.unsent + frame->size() > options_.unsent_bytes_max) {
    ++counts_.frames_refused;
    return false;
  }
  ++counts_.frames_sent;
  if (happens(faults_.broken_per_million)) {
    reset(line, true);
    return true;  // the sender cannot know yet
  }
  if (++theirs.sent > greeting_frames && disturb(line, 1 - side, frame)) return true;
  const auto size = frame->size();
  theirs.unsent += size;
  theirs.arriving.push_back(std::move(frame));
  schedule(line, 1 - side, size);
  return true;
}

void sim_network::close(const std::shared_ptr<connection>& line, int side) {
  auto& mine = line->ends[side];
  if (!mine.open) return;
  mine.open = false;
  mine.handlers = {};
  if (at(mine.name).life != mine.life) return;  // the dead do not say goodbye
  line->ends[1 - side].arriving.push_back(nullptr);
  schedule(line, 1 - side, 0);
}

void sim_network::schedule(const std::shared_ptr<connection>& line, int side, std::size_t bytes) {
  auto& end = line->ends[side];
  end.last_due =
      std::max(end.last_due, loop_.now() + delay(line->ends[1 - side].name, end.name, bytes));
  loop_.at(end.last_due, [this, line, side] { deliver(line, side); });
}

void sim_network::deliver(const std::shared_ptr<connection>& line, int side) {
  auto& end = line->ends[side];
  if (end.arriving.empty()) return;  // reset since
  if (waits(*line, side)) {
    ++end.stalled;
    return;
  }
  const auto frame = std::move(end.arriving.front());
  end.arriving.pop_front();
  if (!end.open) return;
  if (frame) {
    end.unsent -= frame->size();
    return hand_over(line, side, *frame);
  }
  const auto handlers = std::exchange(end.handlers, {});
  end.open = false;
  handlers.closed(ec::closed);
}

bool sim_network::waits(const connection& line, int side) {
  const auto& end = line.ends[side];
  const auto& here = at(end.name);
  return is_cut(line.ends[1 - side].name, end.name) || !end.started || here.life != end.life ||
         here.paused;
}

void sim_network::hand_over(const std::shared_ptr<connection>& line, int side,
                            const std::string& frame) {
  auto& end = line->ends[side];
  ++counts_.frames_delivered;
  if (trace_)
    trace_(end.name,
           "frame of " + std::to_string(frame.size()) + " bytes from " + line->ends[1 - side].name);
  // Copied: the handler may close the wire, which drops them.
  const auto handlers = end.handlers;
  handlers.frame(frame);
}

bool sim_network::disturb(const std::shared_ptr<connection>& line, int side, const buffer& frame) {
  if (happens(faults_.dropped_per_million)) {
    ++counts_.dropped;
    return true;
  }
  const auto repeated = happens(faults_.repeated_per_million);
  const auto overtaken = !repeated && happens(faults_.overtaken_per_million);
  if (!repeated && !overtaken) return false;
  ++(repeated ? counts_.repeated : counts_.overtaken);
  const auto way = delay(line->ends[1 - side].name, line->ends[side].name, frame->size());
  loop_.after(way + overtake(), [this, line, side, frame] { deliver_late(line, side, frame); });
  return overtaken;
}

/// Out of the stream's order.
void sim_network::deliver_late(const std::shared_ptr<connection>& line, int side,
                               const buffer& frame) {
  auto& end = line->ends[side];
  if (!end.open) return;
  if (!waits(*line, side)) return hand_over(line, side, *frame);
  // It waits with the others, and then goes with them.
  end.unsent += frame->size();
  end.arriving.push_back(frame);
  ++end.stalled;
}

void sim_network::wake(const std::shared_ptr<connection>& line, int side) {
  auto& end = line->ends[side];
  if (waits(*line, side)) return;
  for (auto waiting = std::exchange(end.stalled, 0); waiting > 0; --waiting)
    schedule(line, side, 0);
}

void sim_network::reset(const std::shared_ptr<connection>& line, bool tell_dead_side) {
  if (line->ends[0].open || line->ends[1].open) ++counts_.wires_broken;
  for (const int side : {0, 1}) {
    auto& end = line->ends[side];
    end.arriving.clear();
    end.unsent = end.stalled = 0;
    if (!std::exchange(end.open, false)) continue;
    const auto alive = at(end.name).life == end.life;
    if (!alive && !tell_dead_side) continue;
    loop_.after(delay(line->ends[1 - side].name, end.name, 0), [this, line, side] {
      when_awake(line->ends[side].name, [this, line, side] {
        auto& late = line->ends[side];
        const auto handlers = std::exchange(late.handlers, {});
        if (handlers.closed && at(late.name).life == late.life) handlers.closed(ec::peer_lost);
      });
    });
  }
}

void sim_network::sim_wire::start(events handlers) {
  auto& end = line_->ends[side_];
  DUNLIN_ASSERT(!end.started);
  end.started = true;
  end.handlers = std::move(handlers);
  if (!end.open) end.handlers = {};
  network_.wake(line_, side_);
}

std::string sim_network::sim_wire::peer_certificate() const {
  return network_.at(line_->ends[1 - side_].name).certificate;
}

result<void> sim_network::node_wires::listen(std::function<void(links::wire_ptr)> accepted) {
  auto& own = network_.at(name_);
  own.listener = std::move(accepted);
  own.down = false;
  return {};
}

void sim_network::node_wires::dial(const node_id& peer,
                                   std::function<void(result<links::wire_ptr>)> done) {
  network_.dial(name_, peer, std::move(done));
}

void sim_network::node_wires::stop() {
  network_.at(name_).listener = nullptr;
  for (const auto& line : network_.lines())
    for (const int side : {0, 1})
      if (line->ends[side].name == name_) network_.close(line, side);
}

}  // namespace dunlin::simulation
