/// A connection that came through a balancer: how it is let in, and how it is given back (B7, B11,
/// docs/decisions/0015).
#include "runtime/http/connection.hpp"
#include "runtime/proxy/proxy_header.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace dunlin::http {

namespace asio = boost::asio;

namespace {

// What one HandOver may carry (docs/decisions/0015).
constexpr std::size_t unread_bytes_max = 64u << 10;

// Longer, and clients would take it for dead.
constexpr auto pause_max = std::chrono::milliseconds(2000);

/// Nullopt: absurd. Infinities and what is no number at all are not load.
std::optional<double> load_of(const std::string& text) {
  double load = 0;
  const auto* last = text.data() + text.size();
  const auto [end, wrong] = std::from_chars(text.data(), last, load);
  if (wrong != std::errc{} || end != last || !std::isfinite(load) || load < 0) return std::nullopt;
  return load;
}

}  // namespace

// ---- in ----

/// One deadline for all of it: a header that dribbles in has no more time than one that does not.
asio::awaitable<bool> connection::open_leg() {
  stream_->expires_after(options_.legs->header_timeout);
  const auto shaken = co_await stream_->handshake(true);
  auto header = proxy::parsed{};
  while (shaken && header.is == proxy::parsed::state::needs_more) {
    const auto room = received_.free();
    const auto more = co_await stream_->read_some(asio::buffer(room.data, room.size));
    if (!more) break;
    received_.filled(more.bytes);
    header = proxy::parse(received_.view());
  }
  if (header.is != proxy::parsed::state::whole || !redeem(header.what)) {
    host_->count_refused("stranger");
    options_.legs->book->turned_away();
    close();
    co_return false;
  }
  stream_->expires_never();
  received_.consume(header.size);
  count_in(received_.view().size());
  if (!header.what.source.empty()) peer_ = header.what.source;
  secure_ = header.what.secure;
  if (!host_->admit(number_)) {
    host_->count_refused("connections_max");
    close();
    co_return false;
  }
  options_.legs->book->opened(*leg_, weak_from_this(), peer_);
  co_return true;
}

bool connection::redeem(const proxy::header& header) {
  if (header.local || header.token.empty() || !header.connection) return false;
  leg_ = options_.legs->book->redeem(header.token);
  return leg_ == header.connection;  // else close() gives back what the token stood for
}

void connection::add_declared_load(const request& of) {
  if (!leg_ || !options_.legs->book->honours_declared_load()) return;
  const auto* said = of.find("x-dunlin-load");
  if (said == nullptr) return;
  const auto load = load_of(*said);
  const auto sum = load ? tallies_.declared.load() + *load : 0;
  if (!load || !std::isfinite(sum)) return host_->count_absurd_load();
  tallies_.declared = sum;
}

leg_counts connection::counts() const {
  return {tallies_.requests.value(), tallies_.in.value(), tallies_.out.value(),
          tallies_.drops.value(),    tallies_.declared,   in_request_};
}

// ---- out ----

void connection::hand_over(std::uint64_t forwarded, std::chrono::milliseconds within,
                           std::function<void(result<std::string>)> done) {
  if (host_->stopping()) return done(ec::closed);
  asio::post(stream_->executor(),
             [self = shared_from_this(), forwarded, within, done = std::move(done)] {
               self->begin_hand_over(forwarded, within, done);
             });
}

void connection::begin_hand_over(std::uint64_t forwarded, std::chrono::milliseconds within,
                                 std::function<void(result<std::string>)> done) {
  if (closed_ || !leg_) return done(ec::closed);
  if (handing_ || lingers_ || cannot_hand_over(forwarded)) return done(ec::refused);
  handing_ = handing{forwarded, std::move(done)};
  stream_->call_after(within, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->settle(ec::timed_out);
    if (self->waits_ == waiting::unread) self->stream_->interrupt();
  });
  if (waits_ == waiting::head) stream_->interrupt();
  end_pause();
}

/// What can be known at once; the rest shows when the boundary comes near.
bool connection::cannot_hand_over(std::uint64_t forwarded) const {
  const auto in = tallies_.in.value();
  if (forwarded < in) return true;  // it has been told lies, or we have
  // A body that is read, or drained behind its answer, and of which no more is on its way.
  if (waits_ == waiting::body && forwarded == in) return true;
  const auto open = forwarded - parsed_bytes();
  if (!in_request_) return open > unread_bytes_max && waits_ == waiting::head;
  if (closes_ || expects_continue_) return true;
  if (body_->done()) return open > unread_bytes_max;
  const auto left = body_->left();
  return left && (*left > open || open - *left > unread_bytes_max);
}

/// Of what the client has sent: heads and bodies that were taken.
std::uint64_t connection::parsed_bytes() const {
  return tallies_.in.value() - received_.view().size() - put_back_.size();
}

void connection::settle(result<std::string> how) {
  if (!handing_) return;
  const auto done = std::move(handing_->done);
  handing_.reset();
  stream_->call_after({}, nullptr);
  done(std::move(how));
}

/// Bytes of a request that has begun are missing, and the balancer sends no more.
void connection::decline_if_starved() {
  if (handing_ && tallies_.in.value() >= handing_->forwarded) settle(ec::refused);
}

/// At a boundary: reads what is still on its way, and gives it back. False: it stays here.
asio::awaitable<bool> connection::give_back() {
  rest(0);
  const auto forwarded = handing_->forwarded;
  if (forwarded < tallies_.in.value() || forwarded - parsed_bytes() > unread_bytes_max) {
    settle(ec::refused);
    co_return false;
  }
  stream_->expires_after(options_.body_timeout);  // call_after ends it sooner
  std::string unread{received_.view()};
  unread += put_back_;
  while (handing_ && tallies_.in.value() < forwarded) {
    const auto before = unread.size();
    unread.resize(before + static_cast<std::size_t>(forwarded - tallies_.in.value()));
    waits_ = waiting::unread;
    const auto more = co_await stream_->read_some(asio::buffer(unread) + before);
    waits_ = waiting::nothing;
    unread.resize(before + more.bytes);
    count_in(more.bytes);
    if (!more && handing_) {
      close();
      co_return true;
    }
  }
  if (!handing_) {  // timed out: parsed here after all
    put_back_ = unread.substr(received_.view().size());
    co_return false;
  }
  lingers_ = true;
  stream_->shutdown_send();  // so that the balancer knows where the last answer ends
  settle(std::move(unread));
  co_await linger();
  co_return true;
}

// ---- slower ----

std::chrono::nanoseconds connection::now() const {
  return options_.now ? options_.now() : std::chrono::steady_clock::now().time_since_epoch();
}

/// After an answer of a throttled leg; true: end_pause() goes on with the next request.
bool connection::pause() {
  const double part = throttle_;
  if (part <= 0 || !began_ || handing_ || host_->draining()) return false;
  if (!stream_->open()) return false;  // its timer would never come, and it would keep itself
  const auto busy = std::chrono::duration<double>(now() - *began_).count();
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(busy * part / (1 - part)));
  if (wait.count() <= 0) return false;
  pausing_ = shared_from_this();  // no coroutine keeps it alive now
  stream_->call_after(std::min(wait, pause_max), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->end_pause();
  });
  return true;
}

void connection::end_pause() {
  if (const auto self = std::exchange(pausing_, nullptr)) self->spawn(&connection::serve);
}

/// As read_some of the stream, from what came back; only if there is something.
std::size_t connection::take_put_back(receive_buffer::room room) {
  const auto size = std::min(room.size, put_back_.size());
  std::copy_n(put_back_.data(), size, room.data);
  put_back_.erase(0, size);
  return size;
}

}  // namespace dunlin::http
