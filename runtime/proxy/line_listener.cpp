#include "runtime/proxy/line_listener.hpp"

#include <utility>
#include <vector>

namespace dunlin::proxy {

using std::chrono::milliseconds;

/// Shared with the port's handler and the lines, which may outlive the listener for a moment.
class line_listener::inside : public std::enable_shared_from_this<inside> {
public:
  inside(sockets::stream_port& from, sockets::stream_port& legs, line_number before)
      : clients(from), host(std::make_shared<line_host>(legs)), numbers_(before) {}

  void serve(line_events owner) {
    auto ended = std::move(owner.ended);
    owner.ended = [weak = weak_from_this(), ended](line_number number) {
      if (const auto self = weak.lock()) self->forget(number);
      ended(number);
    };
    host->events = std::move(owner);
  }

  void add(sockets::stream_ptr client) {
    std::shared_ptr<line> oldest;
    auto made = std::make_shared<line>(host, ++numbers_, std::move(client));
    const auto fits = make_room(oldest, made);
    if (oldest) oldest->close();
    if (fits)
      made->start();
    else
      made->start_refused();
  }

  std::vector<std::shared_ptr<line>> all() const {
    std::vector<std::shared_ptr<line>> out;
    const auto lock = std::scoped_lock{guard};
    out.reserve(lines.size());
    for (const auto& [number, one] : lines)
      out.push_back(one.of);
    return out;
  }

  void sweep(milliseconds now) {
    std::vector<std::shared_ptr<line>> idle;
    {
      const auto lock = std::scoped_lock{guard};
      for (auto& [number, one] : lines) {
        const auto counts = one.of->counts();
        const auto moved = counts.from_client + counts.to_client;
        if (moved != one.moved || one.of->fresh()) {
          one.moved = moved;
          one.since = now;
        } else if (now - one.since > milliseconds{host->limits.idle_ms}) {
          idle.push_back(one.of);
        }
      }
    }
    for (const auto& each : idle)
      each->close();
  }

  struct entry {
    std::shared_ptr<line> of;
    std::uint64_t moved = 0;
    milliseconds since{0};
  };
  sockets::stream_port& clients;
  const std::shared_ptr<line_host> host;
  mutable std::mutex guard;
  std::map<line_number, entry> lines;
  line_counts gone;
  std::uint64_t given_way = 0;
  std::uint64_t turned_away = 0;

private:
  /// In the order of their coming: the first fresh one is the oldest. It is looked for only where
  /// the bound is reached, among those that have not spoken for long.
  bool make_room(std::shared_ptr<line>& oldest, const std::shared_ptr<line>& made) {
    const auto lock = std::scoped_lock{guard};
    while (!fresh_.empty()) {
      const auto found = lines.find(*fresh_.begin());
      if (found != lines.end() && found->second.of->fresh()) break;
      fresh_.erase(fresh_.begin());
    }
    if (lines.size() >= host->limits.lines_max) {
      if (fresh_.empty()) {
        ++turned_away;
        return false;
      }
      const auto found = lines.find(*fresh_.begin());
      oldest = found->second.of;
      // It counts no longer, whenever its strand gets to closing it.
      lines.erase(found);
      fresh_.erase(fresh_.begin());
      ++given_way;
    }
    lines[made->number()] = {made, 0, {}};
    fresh_.insert(made->number());
    return true;
  }

  void forget(line_number number) {
    std::shared_ptr<line> last;  // goes outside of the lock
    const auto lock = std::scoped_lock{guard};
    fresh_.erase(number);
    const auto found = lines.find(number);
    if (found == lines.end()) return;
    const auto counts = found->second.of->counts();
    gone.from_client += counts.from_client;
    gone.to_client += counts.to_client;
    last = std::move(found->second.of);
    lines.erase(found);
  }

  std::atomic<line_number> numbers_;
  std::set<line_number> fresh_;
};

line_listener::line_listener(sockets::stream_port& clients, sockets::stream_port& legs,
                             line_number before)
    : inside_(std::make_shared<inside>(clients, legs, before)) {}

line_listener::~line_listener() {
  inside_->clients.stop_listening();
  for (const auto& each : inside_->all())
    each->close();
}

void line_listener::serve(line_events owner) { inside_->serve(std::move(owner)); }

result<std::uint16_t> line_listener::listen(const sockets::endpoint& where, bool wildcard) {
  return inside_->clients.listen(where, wildcard,
                                 [weak = inside_->weak_from_this()](sockets::stream_ptr client) {
                                   if (const auto self = weak.lock()) self->add(std::move(client));
                                 });
}

void line_listener::drain() {
  inside_->clients.stop_listening();
  for (const auto& each : inside_->all())
    each->close_if_idle();
}

line_limits& line_listener::limits() { return inside_->host->limits; }

std::shared_ptr<line> line_listener::find(line_number number) const {
  const auto lock = std::scoped_lock{inside_->guard};
  const auto found = inside_->lines.find(number);
  return found == inside_->lines.end() ? nullptr : found->second.of;
}

std::size_t line_listener::size() const {
  const auto lock = std::scoped_lock{inside_->guard};
  return inside_->lines.size();
}

line_counts line_listener::counts() const {
  const auto lock = std::scoped_lock{inside_->guard};
  auto all = inside_->gone;
  for (const auto& [number, one] : inside_->lines) {
    const auto counts = one.of->counts();
    all.from_client += counts.from_client;
    all.to_client += counts.to_client;
  }
  return all;
}

std::uint64_t line_listener::given_way() const {
  const auto lock = std::scoped_lock{inside_->guard};
  return inside_->given_way;
}

std::uint64_t line_listener::turned_away() const {
  const auto lock = std::scoped_lock{inside_->guard};
  return inside_->turned_away;
}

void line_listener::sweep(std::chrono::milliseconds now) { inside_->sweep(now); }

}  // namespace dunlin::proxy
