#include "runtime/http/server.hpp"

#include "runtime/http/connection.hpp"
#include "runtime/sockets/tls_context.hpp"

#include <condition_variable>
#include <map>
#include <mutex>

namespace dunlin::http {

using namespace sockets;

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
  host(server_options options, tls_context tls, random_source& random, metrics& counts)
      : options_(std::move(options)),
        tls_(std::move(tls)),
        random_(random),
        counts_(counts),
        requests_(counts.counter("dunlin_http_requests_total", "Requests handed to the verbs.")),
        open_gauge_(counts.gauge("dunlin_http_connections", "Open client connections.")),
        threads_(options_.threads) {}

  result<void> serve(acceptor requests) {
    requests_handler_ = std::move(requests);
    auto bound = bind_listener(threads_.context(), options_.listen, options_.wildcard);
    if (!bound) return bound.error();
    auto open = std::make_shared<listener>(std::move(*bound),
                                           [weak = weak_from_this()](tcp::socket socket) {
                                             if (auto self = weak.lock())
                                               self->add(std::move(socket));
                                           });
    port_ = open->port();
    open->start();
    threads_.track(open);
    listener_ = std::move(open);
    return {};
  }

  void drain(std::chrono::seconds time) {
    draining_ = true;
    if (listener_) listener_->close_soon();
    for (const auto& each : all())
      each->close_if_idle();
    auto lock = std::unique_lock{guard_};
    emptied_.wait_for(lock, time, [this] { return open_.empty(); });
    lock.unlock();
    for (const auto& each : all())
      each->close_soon();
  }

  void stop() {
    draining_ = true;
    stopping_ = true;
    threads_.stop();
  }

  std::uint16_t port() const { return port_; }

  const server_options& options() const override { return options_; }
  void accept(exchange_ptr request) override { requests_handler_(std::move(request)); }
  bool draining() const override { return draining_; }
  bool stopping() const override { return stopping_; }
  std::string request_id() override { return hex16(random_.next()); }
  void count_request() override { requests_.add(); }

  void count_refused(const std::string& reason) override {
    counts_
        .counter("dunlin_http_refused_total", "Requests and connections refused by the entry.",
                 {{"reason", reason}})
        .add();
  }

  void gone(connection* closed) override {
    const auto lock = std::scoped_lock{guard_};
    open_.erase(closed);
    open_gauge_.set(static_cast<double>(open_.size()));
    if (open_.empty()) emptied_.notify_all();
  }

private:
  void add(tcp::socket socket) {
    auto stream = std::make_shared<byte_stream>(std::move(socket), tls_);
    threads_.track(stream);
    auto made = std::make_shared<connection>(shared_from_this(), stream);
    if (!make_room()) return made->start_refused();
    {
      const auto lock = std::scoped_lock{guard_};
      open_[made.get()] = made;
      open_gauge_.set(static_cast<double>(open_.size()));
    }
    made->start();
  }

  // At the bound the longest idle connection gives way, so that idlers cannot shut others out.
  bool make_room() {
    {
      const auto lock = std::scoped_lock{guard_};
      if (open_.size() < options_.connections_max) return true;
    }
    std::shared_ptr<connection> idlest;
    for (const auto& each : all())
      if (each->idle_since() && (!idlest || *each->idle_since() < idle_of(*idlest))) idlest = each;
    if (!idlest) return false;
    count_refused("idle");
    idlest->close_if_idle();
    return true;
  }

  static std::chrono::steady_clock::time_point idle_of(const connection& of) {
    return of.idle_since().value_or(std::chrono::steady_clock::time_point::max());
  }

  std::vector<std::shared_ptr<connection>> all() const {
    std::vector<std::shared_ptr<connection>> alive;
    const auto lock = std::scoped_lock{guard_};
    for (const auto& [key, each] : open_)
      if (auto one = each.lock()) alive.push_back(std::move(one));
    return alive;
  }

  const server_options options_;
  const tls_context tls_;
  random_source& random_;
  metrics& counts_;
  counter& requests_;
  gauge& open_gauge_;
  acceptor requests_handler_;
  std::atomic<bool> draining_ = false;
  std::atomic<bool> stopping_ = false;
  std::uint16_t port_ = 0;
  std::shared_ptr<listener> listener_;
  mutable std::mutex guard_;
  std::condition_variable emptied_;
  std::map<connection*, std::weak_ptr<connection>> open_;
  io_threads threads_;  // last: stopped before anything its handlers use goes
};

class beast_server final : public server {
public:
  explicit beast_server(std::shared_ptr<host> of) : host_(std::move(of)) {}
  ~beast_server() override { host_->stop(); }
  result<void> serve(acceptor requests) override { return host_->serve(std::move(requests)); }
  void drain(int seconds) override { host_->drain(std::chrono::seconds(seconds)); }
  void stop() override { host_->stop(); }
  std::uint16_t port() const override { return host_->port(); }

private:
  const std::shared_ptr<host> host_;
};

}  // namespace

result<std::unique_ptr<server>> make_server(server_options options, random_source& random,
                                            metrics& counts) {
  tls_context tls;
  if (options.tls) {
    auto made = server_context(options.tls->certificate, options.tls->key);
    if (!made) return made.error();
    tls = std::move(*made);
  }
  return std::unique_ptr<server>(std::make_unique<beast_server>(
      std::make_shared<host>(std::move(options), std::move(tls), random, counts)));
}

}  // namespace dunlin::http
