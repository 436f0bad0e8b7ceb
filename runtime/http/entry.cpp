#include "runtime/http/entry.hpp"

#include "runtime/http/connection.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

namespace dunlin::http {

namespace {

std::string hex16(std::uint64_t number) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string text(16, '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, number >>= 4)
    *at = digits[number & 15];
  return text;
}

class host final : public connection_host, public std::enable_shared_from_this<host> {
public:
  host(server_options options, entry_ports ports, random_source& random, metrics& counts)
      : options_(std::move(options)),
        ports_(std::move(ports)),
        random_(random),
        counts_(counts),
        requests_(counts.counter("dunlin_http_requests_total", "Requests handed to the verbs.")),
        open_gauge_(counts.gauge("dunlin_http_connections", "Open client connections.")) {}

  result<void> serve(acceptor requests) {
    requests_handler_ = std::move(requests);
    if (auto bound = listen(ports_.clients, options_.listen, options_.wildcard, &host::add, port_);
        !bound)
      return bound;
    if (!options_.legs) return {};
    auto bound = listen(ports_.legs, options_.legs->listen, options_.legs->wildcard, &host::add_leg,
                        leg_port_);
    if (!bound) stop_listening();
    return bound;
  }

  void begin_drain() {
    draining_ = true;
    stop_listening();
    for (const auto& each : alive(arriving_))
      each->close_soon();
    for (const auto& each : alive(open_))
      each->close_if_idle();
  }

  void await_end(std::chrono::seconds time) {
    auto lock = std::unique_lock{guard_};
    emptied_.wait_for(lock, time, [this] { return open_.empty(); });
  }

  void cut_all() {
    for (const auto* all : {&arriving_, &open_})
      for (const auto& each : alive(*all))
        each->close_soon();
  }

  void stop() {
    draining_ = true;
    stopping_ = true;
    stop_listening();
    cut_all();
  }

  std::uint16_t port() const { return port_; }
  std::uint16_t leg_port() const { return leg_port_; }

  std::size_t connections() const {
    const auto lock = std::scoped_lock{guard_};
    return open_.size();
  }

  const server_options& options() const override { return options_; }
  void accept(exchange_ptr request) override { requests_handler_(std::move(request)); }
  bool draining() const override { return draining_; }
  bool stopping() const override { return stopping_; }
  std::string request_id() override { return hex16(random_.next()); }
  std::uint64_t next_rest() override { return ++rests_; }
  void count_request() override { requests_.add(); }

  void count_refused(const std::string& reason) override {
    counts_
        .counter("dunlin_http_refused_total", "Requests and connections refused by the entry.",
                 {{"reason", reason}})
        .add();
  }

  void count_absurd_load() override {
    counts_
        .counter("dunlin_http_absurd_loads_total",
                 "Values of x-dunlin-load that were no load, and ignored.")
        .add();
  }

  bool admit(std::uint64_t leg) override {
    if (draining_) return false;
    std::shared_ptr<connection> one;
    {
      const auto lock = std::scoped_lock{guard_};
      const auto shown = arriving_.extract(leg);
      if (shown) one = shown.mapped().lock();
    }
    return one && seat(leg, one);  // else it has just given way to another
  }

  void gone(std::uint64_t connection) override {
    const auto lock = std::scoped_lock{guard_};
    arriving_.erase(connection);
    open_.erase(connection);
    leaving_.erase(connection);
    open_gauge_.set(static_cast<double>(open_.size()));
    if (open_.empty()) emptied_.notify_all();
  }

private:
  using connections_by_number = std::map<std::uint64_t, std::weak_ptr<connection>>;
  using origin = connection::origin;

  result<void> listen(const std::shared_ptr<sockets::stream_port>& on, const sockets::endpoint& at,
                      bool wildcard, void (host::*come)(sockets::stream_ptr), std::uint16_t& port) {
    if (!on) return {};
    const auto bound = on->listen(at, wildcard, [weak = weak_from_this(), come](auto made) {
      if (auto self = weak.lock()) (self.get()->*come)(std::move(made));
    });
    if (!bound) return bound.error();
    port = *bound;
    return {};
  }

  void add(sockets::stream_ptr stream) {
    const auto number = ++numbers_;
    auto made =
        std::make_shared<connection>(shared_from_this(), std::move(stream), number, origin::client);
    if (!seat(number, made)) return made->start_refused();
    made->start();
  }

  // Until it shows its token, a leg costs nobody a place but another one that shows none.
  void add_leg(sockets::stream_ptr stream) {
    const auto number = ++numbers_;
    auto made = std::make_shared<connection>(shared_from_this(), std::move(stream), number,
                                             origin::balancer);
    std::shared_ptr<connection> oldest;
    {
      const auto lock = std::scoped_lock{guard_};
      if (arriving_.size() >= options_.connections_max) {
        oldest = arriving_.begin()->second.lock();
        arriving_.erase(arriving_.begin());
      }
      arriving_[number] = made;
    }
    if (oldest) oldest->close_soon();
    made->start();
  }

  // At the bound the longest idle connection gives way, so that idlers cannot shut others out. Each
  // to one: those that have not closed yet hold no place, and are not chosen again.
  bool seat(std::uint64_t number, const std::shared_ptr<connection>& made) {
    std::vector<std::shared_ptr<connection>> seen;  // ends after the lock: the last may end them
    const auto lock = std::scoped_lock{guard_};
    if (open_.size() - leaving_.size() >= options_.connections_max) {
      const auto gone = send_idlest_away(seen);
      if (!gone) return false;
      leaving_.insert(*gone);
      count_refused("idle");
    }
    open_[number] = made;
    open_gauge_.set(static_cast<double>(open_.size()));
    return true;
  }

  std::optional<std::uint64_t> send_idlest_away(std::vector<std::shared_ptr<connection>>& seen) {
    for (;;) {  // one that has become busy meanwhile is none next time
      connection* idlest = nullptr;
      std::uint64_t which = 0, first = 0;
      for (const auto& [number, each] : open_) {
        auto one = each.lock();
        if (!one) continue;
        const auto since = one->resting_since();
        if (since && (!idlest || *since < first)) {
          idlest = one.get();
          first = *since;
          which = number;
        }
        seen.push_back(std::move(one));
      }
      if (!idlest) return std::nullopt;
      if (idlest->give_way(first)) return which;
    }
  }

  void stop_listening() {
    if (ports_.clients) ports_.clients->stop_listening();
    if (ports_.legs) ports_.legs->stop_listening();
  }

  std::vector<std::shared_ptr<connection>> alive(const connections_by_number& of) const {
    std::vector<std::shared_ptr<connection>> alive;
    const auto lock = std::scoped_lock{guard_};
    for (const auto& [number, each] : of)
      if (auto one = each.lock()) alive.push_back(std::move(one));
    return alive;
  }

  const server_options options_;
  const entry_ports ports_;
  random_source& random_;
  metrics& counts_;
  counter& requests_;
  gauge& open_gauge_;
  acceptor requests_handler_;
  std::atomic<bool> draining_ = false;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> rests_ = 0;
  std::atomic<std::uint64_t> numbers_ = 0;
  std::uint16_t port_ = 0;
  std::uint16_t leg_port_ = 0;
  mutable std::mutex guard_;
  std::condition_variable emptied_;
  connections_by_number open_;       // in the order in which they came
  connections_by_number arriving_;   // legs that have not shown their token
  std::set<std::uint64_t> leaving_;  // of the open ones: they have given way
};

class entry_over_ports final : public stream_entry {
public:
  explicit entry_over_ports(std::shared_ptr<host> of) : host_(std::move(of)) {}
  ~entry_over_ports() override { host_->stop(); }
  result<void> serve(acceptor requests) override { return host_->serve(std::move(requests)); }
  void begin_drain() override { host_->begin_drain(); }
  void cut_all() override { host_->cut_all(); }
  void drain(int seconds) override {
    host_->begin_drain();
    host_->await_end(std::chrono::seconds(seconds));
    host_->cut_all();
  }
  void stop() override { host_->stop(); }
  std::uint16_t port() const override { return host_->port(); }
  std::uint16_t leg_port() const override { return host_->leg_port(); }
  std::size_t connections() const override { return host_->connections(); }

private:
  const std::shared_ptr<host> host_;
};

}  // namespace

std::unique_ptr<stream_entry> make_entry(server_options options, entry_ports ports,
                                         random_source& random, metrics& counts) {
  return std::make_unique<entry_over_ports>(
      std::make_shared<host>(std::move(options), std::move(ports), random, counts));
}

}  // namespace dunlin::http
