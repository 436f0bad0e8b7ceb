#include "runtime/simulation/sim_http_client.hpp"

#include "runtime/http/text.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace dunlin::simulation {

using namespace std::chrono_literals;
namespace beast = boost::beast;

// As botocore: whoever does not say that it goes on may be too old to know.
static constexpr auto continue_timeout = 1s;
static constexpr std::size_t room_bytes = 64u << 10;

const std::string* client_answer::find(std::string_view name) const {
  for (const auto& each : headers)
    if (http::same_name(each.name, name)) return &each.value;
  return nullptr;
}

sim_http_client::sim_http_client(sim_streams& streams, node_id name, client_options options,
                                 std::uint64_t seed)
    : streams_{streams},
      name_{std::move(name)},
      options_{std::move(options)},
      executor_{streams.executor(name_)},
      port_{streams.port(name_)},
      random_{seed} {}

std::shared_ptr<sim_http_client> sim_http_client::make(sim_streams& streams, node_id name,
                                                       client_options options, std::uint64_t seed) {
  return std::shared_ptr<sim_http_client>(
      new sim_http_client(streams, std::move(name), std::move(options), seed));
}

void sim_http_client::send(client_request request, on_answer done) {
  queue_.push_back(std::make_shared<entry>(entry{std::move(request), std::move(done), {}}));
  if (std::exchange(working_, true)) return;
  asio::co_spawn(
      executor_, [self = shared_from_this()] { return self->run(); }, asio::detached);
}

void sim_http_client::close_when_idle() {
  close_when_idle_ = true;
  if (idle()) disconnect();
}

void sim_http_client::abort() {
  aborted_ = true;
  disconnect();
}

void sim_http_client::disconnect() {
  if (stream_) stream_->close();
  stream_ = nullptr;
  received_.clear();
}

// ---- one request after the other ----

sim_http_client::task sim_http_client::run() {
  const auto self = shared_from_this();
  while (!queue_.empty()) {
    std::vector<entry_ptr> batch;
    do {
      batch.push_back(queue_.front());
      queue_.pop_front();
    } while (batch.back()->request.pipelined && !queue_.empty());
    if (batch.size() > 1)
      co_await perform_together(std::move(batch));
    else
      co_await perform(batch.front());
  }
  working_ = false;
  if (close_when_idle_) disconnect();
}

bool sim_http_client::again(const entry& what) const {
  const auto& [request, done, answer, written, closes] = what;
  return !aborted_ && request.repeatable && !request.gone_after && !request.silent_after &&
         answer.tries < options_.tries;
}

/// Access nodes say who they are, also when they are busy.
bool sim_http_client::turned_away(const entry& what) const {
  const auto& answer = what.answer;
  return !aborted_ && answer.status == 503 && answer.find("Retry-After") &&
         !answer.find("x-amz-id-2") && answer.refusals < options_.refusals &&
         !what.request.gone_after && !what.request.silent_after;
}

sim_http_client::task sim_http_client::perform(entry_ptr what) {
  auto& answer = what->answer;
  for (bool refused = false;;) {
    if (refused) {
      co_await streams_.sleep(executor_, wait_told(answer));
    } else if (answer.tries > 0) {
      ++counts_.retries;
      co_await streams_.sleep(executor_, backoff(answer.tries));
    }
    ++answer.tries;
    answer.status = 0;
    const auto begun = streams_.now();
    const auto failed = co_await attempt(what);
    answer.took = streams_.now() - begun;
    if (failed) note(*what, *failed);
    if (answer.status == 503) ++counts_.refused;
    refused = !failed && turned_away(*what);
    if (refused) {
      ++answer.refusals;
      --answer.tries;
      continue;
    }
    if (!failed && answer.status != 500 && answer.status != 503) break;
    if (!again(*what)) break;
  }
  finish(what);
}

/// All requests leave before the first answer is read. Those that the connection's end leaves
/// without an answer are sent again one by one.
sim_http_client::task sim_http_client::perform_together(std::vector<entry_ptr> batch) {
  auto failed = std::optional<ec>{};
  const bool connected = co_await connect(batch.front());
  if (connected) {
    std::string all;
    for (const auto& each : batch)
      all += head_of(*each) + each->request.body;
    start_writing(std::move(all), nullptr);
  }
  for (const auto& each : batch) {
    ++each->answer.tries;
    if (!stream_) failed = ec::closed;
    if (!failed) failed = co_await read_answer(each, false);
    if (failed) note(*each, *failed);
    if (!failed && each->closes) disconnect();
    const auto status = each->answer.status;
    if ((failed || status == 500 || status == 503) && again(*each))
      co_await perform(each);
    else
      finish(each);
  }
}

void sim_http_client::note(entry& what, ec why) {
  what.answer.status = 0;
  what.answer.failures.push_back(why);
  if (why == ec::closed && stream_) ++counts_.resets;
  if (why == ec::bad_message) ++counts_.garbled;
  disconnect();
  ++server_;
}

void sim_http_client::finish(const entry_ptr& what) {
  if (const auto done = std::exchange(what->done, nullptr)) done(what->answer);
}

event_loop::time sim_http_client::backoff(int tries) {
  const auto most = std::chrono::microseconds(options_.backoff).count() << std::min(tries - 1, 6);
  return std::chrono::microseconds(most / 2 +
                                   static_cast<std::int64_t>(random_() % (most / 2 + 1)));
}

/// Not all at once: whoever was refused with others would meet them again.
event_loop::time sim_http_client::wait_told(const client_answer& by) {
  const auto* seconds = by.find("Retry-After");
  return std::chrono::seconds(seconds ? std::atoi(seconds->c_str()) : 1) + backoff(4);
}

// ---- the connection ----

/// What has ended while nobody needed it is no failure.
asio::awaitable<bool> sim_http_client::still_there() {
  if (!stream_ || !stream_->open()) co_return false;
  char byte = 0;
  stream_->interrupt_after(0ms);
  const auto got = co_await stream_->read_some(asio::buffer(&byte, 1));
  if (got) ++counts_.garbled;
  co_return got.error == ec::timed_out&& stream_ && stream_->open();
}

asio::awaitable<bool> sim_http_client::connect(entry_ptr) {
  const bool there = co_await still_there();
  if (there) co_return true;
  disconnect();
  if (aborted_) co_return false;
  ++counts_.dials;
  const auto where = options_.servers[server_ % options_.servers.size()];
  auto made = co_await port_->dial(executor_, where, options_.connect_timeout);
  if (made && !aborted_) stream_ = *made;
  co_return stream_ != nullptr;
}

std::string sim_http_client::head_of(const entry& what) const {
  const auto& [request, done, answer, written, closes] = what;
  auto text = request.head.method + " " + request.head.target + " HTTP/1.1\r\n";
  const auto add = [&text](const http::header& one) {
    text += one.name + ": " + one.value + "\r\n";
  };
  for (const auto& each : request.head.headers)
    add(each);
  if (request.expect_continue) add({"Expect", "100-continue"});
  if (options_.mark) add(options_.mark(request, answer.tries));
  return text + "\r\n";
}

asio::awaitable<std::optional<ec>> sim_http_client::attempt(entry_ptr what) {
  const bool connected = co_await connect(what);
  if (!connected) co_return ec::unavailable;
  what->written = what->closes = false;
  auto failed = std::optional<ec>{};
  if (what->request.expect_continue)
    failed = co_await ask_first(what);
  else
    start_writing(head_of(*what), what);
  if (!failed && what->answer.status == 0) failed = co_await read_answer(what, false);
  // An answer before the end of the request: what is left of it would be taken for the next one.
  if (!failed && (what->closes || !what->written)) disconnect();
  co_return failed;
}

asio::awaitable<std::optional<ec>> sim_http_client::ask_first(entry_ptr what) {
  const auto head = head_of(*what);
  stream_->expires_after(options_.answer_timeout);
  const auto wrote = co_await stream_->write(asio::buffer(head));
  if (!wrote) co_return wrote.error;
  const auto failed = co_await read_answer(what, true);
  if (failed && *failed != ec::timed_out) co_return failed;
  const auto goes_on = failed || what->answer.status == 100;
  if (goes_on) {
    what->answer.status = 0;
    start_writing({}, what);
  }
  co_return std::nullopt;
}

// ---- writing ----

void sim_http_client::start_writing(std::string first, entry_ptr what) {
  stream_->expires_after(options_.answer_timeout);
  asio::co_spawn(
      executor_,
      [self = shared_from_this(), to = stream_, first = std::move(first), what] {
        return self->write_all(to, first, what);
      },
      asio::detached);
}

/// `what` null: `first` is all.
sim_http_client::task sim_http_client::write_all(sockets::stream_ptr to, std::string first,
                                                 entry_ptr what) {
  const auto self = shared_from_this();
  const auto tries = what ? what->answer.tries : 0;
  auto left = what ? std::string_view(what->request.body) : std::string_view{};
  const auto stop = !what                      ? std::nullopt
                    : what->request.gone_after ? what->request.gone_after
                                               : what->request.silent_after;
  if (stop) left = left.substr(0, *stop);
  const auto all = left.size();
  const auto piece = what && what->request.piece > 0 ? what->request.piece : all;
  auto size = what && what->request.first > 0 ? what->request.first : piece;
  do {
    const auto now = left.substr(0, std::exchange(size, piece));
    const auto wrote = co_await to->write(asio::buffer(first), asio::buffer(now));
    if (!wrote) co_return;
    first.clear();
    left.remove_prefix(now.size());
    if (!left.empty()) co_await streams_.sleep(executor_, what->request.pause);
  } while (!left.empty());
  if (!what || what->answer.tries != tries) co_return;
  if (what->request.gone_after) to->close();
  what->written = !stop;
}

// ---- reading ----

asio::awaitable<std::optional<ec>> sim_http_client::receive() {
  const auto from = stream_;
  if (!from) co_return ec::closed;
  if (!room_) room_ = std::make_unique_for_overwrite<char[]>(room_bytes);
  const auto got = co_await from->read_some(asio::buffer(room_.get(), room_bytes));
  if (!got) co_return got.error;
  received_.append(room_.get(), got.bytes);
  co_return std::nullopt;
}

asio::awaitable<std::optional<ec>> sim_http_client::read_answer(entry_ptr what,
                                                                bool stop_at_continue) {
  using parser = beast::http::response_parser<beast::http::string_body>;
  std::optional<parser> parsed;
  const auto begin = [&] {
    parsed.emplace();
    parsed->eager(true);
    parsed->body_limit(std::numeric_limits<std::uint64_t>::max());
    parsed->skip(what->request.head.method == "HEAD");
  };
  begin();
  for (;;) {
    while (!received_.empty() && !parsed->is_done()) {
      beast::error_code error;
      const auto used = parsed->put(asio::buffer(received_), error);
      received_.erase(0, used);
      if (error && error != beast::http::error::need_more) co_return ec::bad_message;
      if (used == 0) break;
    }
    if (parsed->is_done() && parsed->get().result_int() != 100) break;
    if (parsed->is_done()) {
      what->answer.status = 100;
      if (stop_at_continue) co_return std::nullopt;
      begin();
      continue;
    }
    if (!stream_) co_return ec::closed;
    if (stop_at_continue)
      stream_->interrupt_after(continue_timeout);
    else
      stream_->expires_after(options_.answer_timeout);
    const auto failed = co_await receive();
    if (failed) co_return failed;
  }
  auto answer = parsed->release();
  what->closes = !answer.keep_alive();
  what->answer.status = static_cast<int>(answer.result_int());
  what->answer.headers.clear();
  for (const auto& field : answer)
    what->answer.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  what->answer.body = std::move(answer.body());
  co_return std::nullopt;
}

}  // namespace dunlin::simulation
