#include "actors/s3_gateway/s3_request.hpp"

#include "messages/error.hpp"
#include "messages/query_type.hpp"
#include "runtime/ask.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/scheduling/long_turn.hpp"

#include <caf/all.hpp>

#include <utility>

namespace dunlin {

namespace {

constexpr std::size_t long_piece_bytes = 64u << 10;

using gateway_parts = std::shared_ptr<const s3_gateway_parts>;
using gateway_options = std::shared_ptr<const s3_gateway_options>;

/// The router gives up first, so that its more precise error is heard.
constexpr std::chrono::milliseconds grace{1000};

/// A helper actor of this request: told to quit when it is let go.
template <class Handle>
class held {
public:
  held() = default;
  held(held&& other) noexcept : handle_(std::exchange(other.handle_, Handle())) {}
  held& operator=(held&& other) noexcept {
    if (this != &other) take(std::exchange(other.handle_, Handle()));
    return *this;
  }
  ~held() { take(Handle()); }
  void take(Handle next) {
    if (handle_) caf::anon_send_exit(handle_, caf::exit_reason::user_shutdown);
    handle_ = std::move(next);
  }
  const Handle& get() const { return handle_; }

private:
  Handle handle_;
};

/// The verbs' services by messages.
class request_services final : public s3::services {
public:
  /// `turned` is called whenever the coroutine may have ended.
  request_services(s3_request_actor::pointer self, std::function<void()> turned,
                   http::exchange_ptr exchange, gateway_options options, gateway_parts parts)
      : self_(self),
        turned_(std::move(turned)),
        exchange_(std::move(exchange)),
        options_(std::move(options)),
        parts_(std::move(parts)) {}

  const s3::options& options() const override { return options_->protocol; }
  const http::request& request() const override { return exchange_->request(); }
  s3::confirm_limit& confirmations() override { return *parts_->confirmations; }
  policy::document_shelf& documents() override { return *parts_->documents; }
  std::int64_t now_ms() const override { return parts_->clock->now_ms(); }
  std::string random_bytes(std::size_t size) override { return parts_->random->bytes(size); }
  void cut() override { exchange_->cut(); }

  s3::async<result<v1::CommandReply>> execute(v1::Route to, v1::Command command) override {
    v1::RoutedCommand message;
    *message.mutable_route() = std::move(to);
    *message.mutable_command() = std::move(command);
    message.mutable_command()->set_trace_id(request().id);
    message.set_timeout_ms(static_cast<std::uint32_t>(options_->metadata_timeout.count()));
    return call<v1::CommandReply, v1::CommandReply>(
        parts_->router, options_->metadata_timeout + grace, std::move(message),
        [](const v1::CommandReply& reply) { return reply; });
  }

  s3::async<result<v1::QueryReply>> ask(v1::Route to, v1::PartitionQuery query) override {
    count_query(type_of(query));
    v1::RoutedQuery message;
    *message.mutable_route() = std::move(to);
    *message.mutable_query() = std::move(query);
    message.mutable_query()->set_trace_id(request().id);
    message.set_timeout_ms(static_cast<std::uint32_t>(options_->metadata_timeout.count()));
    return call<v1::QueryReply, v1::QueryReply>(parts_->router, options_->metadata_timeout + grace,
                                                std::move(message),
                                                [](const v1::QueryReply& reply) { return reply; });
  }

  s3::async<result<cache_answer>> look_up(std::string_view type, std::string key,
                                          bool confirmed) override {
    // It gives up after the router, with the router's error.
    return call<cache_answer, cache_answer>(cache(type), options_->metadata_timeout + 2 * grace,
                                            cache_look_up{std::move(key), confirmed, request().id},
                                            [this, type](const cache_answer& answer) {
                                              if (!answer.from_cache) count_query(type);
                                              return answer;
                                            });
  }

  s3::async<result<std::uint64_t>> begin_write(std::string_view type, std::string key) override {
    return call<std::uint64_t, cache_ticket>(cache(type), options_->cache_timeout,
                                             cache_begin_write{std::move(key)},
                                             [](cache_ticket ticket) { return ticket.id; });
  }

  s3::async<result<void>> end_write(std::string_view type, cache_written what) override {
    // In their mailboxes before the client has its answer, so also before what it asks next.
    const auto [first, last] = parts_->beside.equal_range(type);
    for (auto other = first; other != last; ++other)
      caf::anon_send(other->second, cache_written{0, what.key});
    return call<void, accepted>(cache(type), options_->cache_timeout, std::move(what),
                                [](accepted) { return result<void>(); });
  }

  s3::async<result<std::string>> read_body(std::size_t size) override {
    using answer = s3::async<result<std::string>>;
    return answer{[this, size](answer::resume done) {
      on_body_ = std::move(done);
      s3_request_actor me(self_);
      exchange_->read(size, [me](result<std::string> read) {
        if (read)
          caf::anon_send(me, body_arrived{std::move(*read), std::nullopt});
        else
          caf::anon_send(me, body_arrived{std::string(), read.error()});
      });
    }};
  }

  s3::async<result<void>> respond(http::response head, buffer body) override {
    using answer = s3::async<result<void>>;
    return answer{[this, head = std::move(head), body = std::move(body)](answer::resume done) {
      status_ = head.status;
      on_left_ = std::move(done);
      exchange_->respond(head, body, left());
    }};
  }

  s3::async<result<void>> write_body(buffer bytes) override {
    using answer = s3::async<result<void>>;
    return answer{[this, bytes = std::move(bytes)](answer::resume done) {
      on_left_ = std::move(done);
      exchange_->write(bytes, left());
    }};
  }

  s3::async<result<void>> open_write(v1::Item item) override {
    return call<void, object_writer_actor>(parts_->coordinator, options_->object_timeout,
                                           dunlin::open_write{std::move(item), request().id},
                                           [this](const object_writer_actor& writer) {
                                             writer_.take(writer);
                                             return result<void>();
                                           });
  }

  s3::async<result<void>> write(buffer bytes) override {
    return call<void, accepted>(writer_.get(), options_->object_timeout,
                                object_bytes{std::move(bytes)},
                                [](accepted) { return result<void>(); });
  }

  s3::async<result<v1::Layout>> finish_write() override {
    return call<v1::Layout, v1::Layout>(writer_.get(), options_->object_timeout, finish_object{},
                                        [](const v1::Layout& layout) { return layout; });
  }

  s3::async<result<void>> open_read(v1::Layout layout, std::uint64_t offset,
                                    std::uint64_t length) override {
    return call<void, object_reader_actor>(
        parts_->coordinator, options_->object_timeout,
        dunlin::open_read{std::move(layout), offset, length, request().id},
        [this](const object_reader_actor& reader) {
          reader_.take(reader);
          return result<void>();
        });
  }

  s3::async<result<buffer>> next(std::size_t size) override {
    return call<buffer, object_bytes>(reader_.get(), options_->object_timeout, next_bytes{size},
                                      [](const object_bytes& piece) { return piece.bytes; });
  }

  void on_body(body_arrived arrived) {
    const auto done = std::exchange(on_body_, nullptr);
    if (!done) return;
    // Hashing takes milliseconds a megabyte.
    if (arrived.bytes.size() >= long_piece_bytes) scheduling::others_may_go_on();
    if (arrived.code)
      done(*arrived.code);
    else
      done(std::move(arrived.bytes));
  }

  void on_left(const bytes_left& left) {
    const auto done = std::exchange(on_left_, nullptr);
    if (!done) return;
    if (left.code)
      done(*left.code);
    else
      done(result<void>());
  }

  int status() const { return status_; }

private:
  near_cache_actor cache(std::string_view type) const {
    const auto found = parts_->caches.find(type);
    return found == parts_->caches.end() ? near_cache_actor() : found->second;
  }

  /// The database was asked for this request, if only together with others (Q24).
  void count_query(std::string_view type) const {
    if (!parts_->numbers || type.empty()) return;
    parts_->numbers
        ->counter("dunlin_s3_database_queries_total", "Reads of partitions that S3 requests needed",
                  {{"type", std::string(type)}})
        .add();
  }

  std::function<void(result<void>)> left() {
    s3_request_actor me(self_);
    return [me](result<void> sent) {
      if (sent)
        caf::anon_send(me, bytes_left{});
      else
        caf::anon_send(me, bytes_left{sent.error()});
    };
  }

  /// One request whose reply `convert` turns into the coroutine's value. Every way ends in `done`.
  template <class Value, class Reply, class Handle, class Message, class Convert>
  s3::async<result<Value>> call(Handle to, std::chrono::milliseconds timeout, Message message,
                                Convert convert);

  s3_request_actor::pointer self_;
  std::function<void()> turned_;
  http::exchange_ptr exchange_;
  gateway_options options_;
  gateway_parts parts_;
  held<object_writer_actor> writer_;
  held<object_reader_actor> reader_;
  std::function<void(result<std::string>)> on_body_;
  std::function<void(result<void>)> on_left_;
  int status_ = 0;
};

/// Members are destroyed bottom up: the coroutine before the services it refers to.
struct s3_request_state {
  std::unique_ptr<request_services> world;
  gateway_parts parts;
  s3::task<s3::outcome> running;
};

using self_pointer = s3_request_actor::stateful_pointer<s3_request_state>;

void report(const s3_request_state& state, const s3::outcome& out) {
  const auto& request = state.world->request();
  const int status = out.status ? out.status : state.world->status();
  if (state.parts->numbers)
    state.parts->numbers
        ->counter("dunlin_" + state.parts->name + "_requests_total",
                  "Requests answered, by class of status",
                  {{"status", std::to_string(status / 100) + "xx"}})
        .add();
  if (out.code.empty()) return;
  // Misses and failed conditions are ordinary answers; other refusals deserve a line (checklist).
  const bool ordinary = status == 404 || status == 412 || status == 416;
  const auto severity = ordinary                         ? log::level::debug
                        : status >= 500 && status != 501 ? log::level::warn
                                                         : log::level::info;
  log::write(severity, state.parts->name + "_request.refused",
             {{"trace", request.id},
              {"method", request.method},
              {"status", status},
              {"code", out.code},
              {"cut", out.cut},
              {"peer", request.peer}});
}

/// After every turn of the coroutine.
void end_if_done(self_pointer self) {
  auto& state = self->state;
  if (!state.running.done()) return;
  report(state, state.running.take());
  self->quit();
}

template <class Value, class Reply, class Handle, class Message, class Convert>
s3::async<result<Value>> request_services::call(Handle to, std::chrono::milliseconds timeout,
                                                Message message, Convert convert) {
  using answer = s3::async<result<Value>>;
  return answer{[this, to = std::move(to), timeout, message = std::move(message),
                 convert](typename answer::resume done) {
    if (!to) return done(ec::unavailable);
    dunlin::ask(
        self_, to, timeout, message,
        [this, done, convert](const Reply& reply) {
          done(convert(reply));
          turned_();
        },
        [this, done](const caf::error& error) {
          done(code_of(error));
          turned_();
        });
  }};
}

s3_request_actor::behavior_type s3_request(self_pointer self, http::exchange_ptr exchange,
                                           gateway_options options, gateway_parts parts) {
  auto& state = self->state;
  state.parts = parts;
  state.world = std::make_unique<request_services>(
      self, [self] { end_if_done(self); }, std::move(exchange), std::move(options),
      std::move(parts));
  state.running = state.parts->handle(*state.world);
  state.running.start();
  return {
      [self](const body_arrived& arrived) {
        self->state.world->on_body(arrived);
        end_if_done(self);
      },
      [self](const bytes_left& left) {
        self->state.world->on_left(left);
        end_if_done(self);
      },
  };
}

}  // namespace

request_starter s3_request_starter(s3_gateway_options options, s3_gateway_parts parts) {
  auto shared_options = std::make_shared<const s3_gateway_options>(std::move(options));
  auto shared_parts = std::make_shared<const s3_gateway_parts>(std::move(parts));
  return [shared_options, shared_parts](caf::actor_system& system, http::exchange_ptr exchange) {
    auto started = system.spawn(s3_request, std::move(exchange), shared_options, shared_parts);
    return caf::actor_cast<caf::actor>(started);
  };
}

void refuse_s3_request(const http::exchange_ptr& exchange) {
  auto refusal = s3::slow_down(exchange->request());
  // The exchange lives until its answer has left.
  exchange->respond(std::move(refusal.head), std::move(refusal.body),
                    [exchange](const result<void>&) {});
}

}  // namespace dunlin
