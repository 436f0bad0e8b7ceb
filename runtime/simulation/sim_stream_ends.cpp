// The way of bytes from one end of a simulated stream to the other.
#include "runtime/simulation/sim_stream_inside.hpp"

#include <algorithm>
#include <cstring>

namespace dunlin::simulation {

// ---- on the way ----

void sim_streams::send(const line_ptr& of, int to, piece what) {
  auto& end = of->ends[to];
  const auto bytes = what.data.size();
  end.held += bytes;
  end.arriving.push_back(std::move(what));
  schedule(of, to, bytes);
}

void sim_streams::schedule(const line_ptr& of, int to, std::size_t bytes) {
  auto& end = of->ends[to];
  const auto way = network_.delay(of->ends[1 - to].name, end.name, bytes);
  end.last_due = std::max(end.last_due, loop_.now() + way);
  loop_.at(end.last_due, [this, of, to] { arrive(of, to); });
}

void sim_streams::arrive(const line_ptr& of, int to) {
  auto& end = of->ends[to];
  if (end.arriving.empty()) return;  // reset since
  if (network_.is_cut(of->ends[1 - to].name, end.name)) {
    ++end.stalled;
    return;
  }
  auto what = std::move(end.arriving.front());
  end.arriving.pop_front();
  if (what.what == piece::reset) return take_reset(of, to);
  if (!end.open) {
    const auto& here = network_.at(end.name);
    const auto vanished = !lives(of, to) && here.down && here.silent;
    // Nobody is there for it: its sender learns, but for a mere end.
    if (!vanished && what.what == piece::bytes && of->ends[1 - to].open)
      send(of, 1 - to, {piece::reset, {}});
    return;
  }
  if (what.what == piece::end) {
    end.ended = true;
  } else {
    ++counts_.segments;
    counts_.bytes += what.data.size();
    end.unread.push_back(std::move(what.data));
  }
  serve_reader(of, to);
}

void sim_streams::take_reset(const line_ptr& of, int to) {
  auto& end = of->ends[to];
  end.arriving.clear();
  end.unread.clear();
  end.held = end.stalled = 0;
  if (!std::exchange(end.open, false)) return;
  ++counts_.resets;
  fail_waiting(of, to, ec::closed);
}

void sim_streams::fail_waiting(const line_ptr& of, int side, ec why) {
  auto& end = of->ends[side];
  if (const auto reader = std::exchange(end.reader, nullptr)) reader({why, 0});
  if (const auto writer = std::exchange(end.writer, nullptr)) writer({why, end.written});
}

// ---- reading and writing ----

void sim_streams::serve_reader(const line_ptr& of, int side) {
  auto& end = of->ends[side];
  if (!end.reader) return;
  if (end.unread.empty()) {
    if (!end.ended) return;
    end.read_end = true;
    std::exchange(end.reader, nullptr)({ec::closed, 0});
    return;
  }
  auto left = cut_smaller(std::min(end.into.size(), end.held));
  std::size_t bytes = 0;
  while (left > 0 && !end.unread.empty()) {
    const auto& front = end.unread.front();
    const auto size = std::min(left, front.size() - end.read_at);
    std::memcpy(static_cast<char*>(end.into.data()) + bytes, front.data() + end.read_at, size);
    bytes += size;
    left -= size;
    end.read_at += size;
    if (end.read_at < front.size()) continue;
    end.unread.pop_front();
    end.read_at = 0;
  }
  end.held -= bytes;
  std::exchange(end.reader, nullptr)({std::nullopt, bytes});
  if (!of->ends[1 - side].writer) return;
  // The sender hears of the room.
  const auto& from = of->ends[1 - side].name;
  loop_.after(network_.delay(end.name, from, 0), [this, of, side] {
    if (!network_.is_cut(of->ends[side].name, of->ends[1 - side].name)) pump(of, 1 - side);
  });
}

/// The next bytes of both buffers.
static std::string take(asio::const_buffer& first, asio::const_buffer& second, std::size_t size) {
  std::string bytes;
  bytes.reserve(size);
  for (auto* from : {&first, &second}) {
    const auto part = std::min(size - bytes.size(), from->size());
    if (part > 0) bytes.append(static_cast<const char*>(from->data()), part);
    *from += part;
  }
  return bytes;
}

void sim_streams::pump(const line_ptr& of, int side) {
  auto& mine = of->ends[side];
  auto& theirs = of->ends[1 - side];
  while (mine.writer) {
    const auto left = mine.first.size() + mine.second.size();
    if (left == 0) {
      std::exchange(mine.writer, nullptr)({std::nullopt, mine.written});
      return;
    }
    if (theirs.held >= options_.buffer_bytes) return;
    if (network_.happens(network_.faults_.broken_per_million)) return break_line(of);
    const auto size =
        cut_smaller(std::min({left, options_.buffer_bytes - theirs.held, options_.segment_bytes}));
    mine.written += size;
    send(of, 1 - side, {piece::bytes, take(mine.first, mine.second, size)});
  }
}

// ---- what the holder of an end does ----

void sim_streams::read(const line_ptr& of, int side, asio::mutable_buffer into,
                       std::function<void(outcome)> done) {
  auto& end = of->ends[side];
  DUNLIN_ASSERT(!end.reader);
  end.read_end = false;
  if (!end.open) return done({ec::closed, 0});
  if (into.size() == 0) return done({});
  end.into = into;
  end.reader = std::move(done);
  serve_reader(of, side);
}

void sim_streams::write(const line_ptr& of, int side, asio::const_buffer first,
                        asio::const_buffer second, std::function<void(outcome)> done) {
  auto& end = of->ends[side];
  DUNLIN_ASSERT(!end.writer);
  if (!end.open || !end.sending) return done({ec::closed, 0});
  end.first = first;
  end.second = second;
  end.written = 0;
  end.writer = std::move(done);
  pump(of, side);
}

void sim_streams::shutdown(const line_ptr& of, int side) {
  auto& end = of->ends[side];
  if (end.open && std::exchange(end.sending, false)) send(of, 1 - side, {piece::end, {}});
}

/// As a kernel does: a reset if there is something that nobody will read, else an orderly end.
void sim_streams::close(const line_ptr& of, int side, ec why) {
  auto& end = of->ends[side];
  if (!std::exchange(end.open, false)) return;
  const auto unread = !end.unread.empty();
  end.unread.clear();
  const auto half_written = end.writer != nullptr;
  fail_waiting(of, side, why);
  if (!lives(of, side)) return;  // the dead do not say goodbye
  if (unread)
    send(of, 1 - side, {piece::reset, {}});
  else if (std::exchange(end.sending, false))
    send(of, 1 - side, {half_written ? piece::reset : piece::end, {}});
}

sim_streams::end_stream::~end_stream() { close(); }

void sim_streams::end_stream::close() {
  due_.reset();
  if (!std::exchange(open_, false) || *over_) return;
  streams_.close(line_, side_, timed_out_ ? ec::timed_out : ec::closed);
}

void sim_streams::end_stream::close_soon() {
  asio::post(executor_, [self = shared_from_this()] { self->close(); });
}

void sim_streams::end_stream::shutdown_send() {
  if (open_ && !*over_) streams_.shutdown(line_, side_);
}

asio::awaitable<sim_streams::outcome> sim_streams::end_stream::handshake(bool) {
  return initiate<outcome>(executor_, [self = shared_from_this()](auto done) {
    done(self->mine().open ? outcome{} : outcome{ec::closed, 0});
  });
}

asio::awaitable<sim_streams::outcome> sim_streams::end_stream::read_some(
    asio::mutable_buffer into) {
  return initiate<outcome>(executor_, [self = shared_from_this(), into](auto done) {
    if (self->timed_out_) return done({ec::timed_out, 0});
    if (*self->over_) return done({ec::closed, 0});
    self->streams_.read(self->line_, self->side_, into, std::move(done));
  });
}

asio::awaitable<sim_streams::outcome> sim_streams::end_stream::write(asio::const_buffer first,
                                                                     asio::const_buffer second) {
  return initiate<outcome>(executor_, [self = shared_from_this(), first, second](auto done) {
    if (self->timed_out_) return done({ec::timed_out, 0});
    if (*self->over_) return done({ec::closed, 0});
    self->streams_.write(self->line_, self->side_, first, second, std::move(done));
  });
}

void sim_streams::end_stream::interrupt() {
  if (const auto reader = std::exchange(mine().reader, nullptr)) reader({ec::timed_out, 0});
}

void sim_streams::end_stream::call_after(std::chrono::milliseconds time,
                                         std::function<void()> what) {
  const auto mine = ++calls_;
  if (!what || !open_ || *over_) return;
  streams_.loop_.after(time, [weak = weak_from_this(), mine, what = std::move(what)] {
    const auto self = weak.lock();
    if (!self || *self->over_ || self->calls_ != mine) return;
    asio::post(self->executor_, [self, mine, what] {
      if (self->open_ && self->calls_ == mine) what();
    });
  });
}

// ---- deadlines ----

void sim_streams::end_stream::arm(std::chrono::milliseconds time, bool closes) {
  if (*over_) return;
  // An interruption is over once there is a new deadline.
  if (open_) timed_out_ = false;
  due_ = streams_.loop_.now() + time;
  closes_ = closes;
  if (!alarm_ || *alarm_ > *due_) set_alarm(*due_);
}

/// Deadlines are moved all the time: an event looks whether its own still holds, or waits on.
void sim_streams::end_stream::set_alarm(event_loop::time when) {
  alarm_ = when;
  streams_.loop_.at(when, [weak = weak_from_this(), when] {
    const auto self = weak.lock();
    if (!self || *self->over_ || self->alarm_ != when) return;
    self->alarm_.reset();
    if (!self->due_) return;
    if (*self->due_ > when) return self->set_alarm(*self->due_);
    // On its own executor: one that stands still hears of it when it goes on.
    asio::post(self->executor_, [self] { self->check_deadline(); });
  });
}

void sim_streams::end_stream::check_deadline() {
  if (*over_ || !due_ || *due_ > streams_.loop_.now()) return;
  due_.reset();
  timed_out_ = true;
  if (closes_) return close();
  streams_.fail_waiting(line_, side_, ec::timed_out);
}

}  // namespace dunlin::simulation
