#include "tests/unit/s3_gateway/fake_world.hpp"

#include "actors/s3_gateway/error.hpp"
#include "actors/s3_gateway/sigv4.hpp"
#include "actors/s3_gateway/times.hpp"
#include "messages/cache_types.hpp"
#include "runtime/crypto/hash.hpp"

#include <algorithm>

namespace dunlin::s3::test {

namespace {

template <class T>
std::optional<T> take(std::optional<T>& from) {
  return std::exchange(from, std::nullopt);
}

std::string bytes_of(cluster& at, std::size_t size) {
  auto serial = std::to_string(++at.serial);
  return std::string(size - std::min(size, serial.size()), '0') + serial.substr(0, size);
}

/// services of one request.
class fake_services final : public services {
public:
  fake_services(cluster& at, http::request request, std::string body)
      : at_(at), request_(std::move(request)), body_(std::move(body)) {}

  const s3::options& options() const override { return at_.options; }
  const http::request& request() const override { return request_; }
  confirm_limit& confirmations() override { return at_.confirmations; }
  policy::document_shelf& documents() override { return at_.documents; }
  std::int64_t now_ms() const override { return at_.now_ms; }
  std::string random_bytes(std::size_t size) override { return bytes_of(at_, size); }

  async<result<v1::CommandReply>> execute(v1::Route to, v1::Command command) override {
    if (auto race = std::exchange(at_.before_execute, nullptr)) race();
    result<v1::CommandReply> reply = ec::io_error;
    if (const auto fault = take(at_.execute_fails))
      reply = *fault;
    else
      reply = at_.execute(to, command);
    return ready(std::move(reply));
  }

  async<result<v1::QueryReply>> ask(v1::Route to, v1::PartitionQuery query) override {
    ++at_.queries;
    result<v1::QueryReply> reply = ec::io_error;
    if (const auto fault = take(at_.ask_fails))
      reply = *fault;
    else
      reply = at_.ask(to, query);
    return ready(std::move(reply));
  }

  async<result<cache_answer>> look_up(std::string_view type, std::string key,
                                      bool confirmed) override {
    const auto cache = at_.caches.find(type);
    if (cache == at_.caches.end()) return ready(result<cache_answer>(ec::unavailable));
    return ready(cache->second.look_up(key, confirmed));
  }
  async<result<std::uint64_t>> begin_write(std::string_view type, std::string key) override {
    result<std::uint64_t> ticket = at_.caches.find(type)->second.begin_write(key);
    return ready(ticket);
  }
  async<result<void>> end_write(std::string_view type, cache_written what) override {
    at_.caches.find(type)->second.end_write(what);
    return ready(result<void>());
  }

  async<result<std::string>> read_body(std::size_t size) override {
    // Odd sizes: a verb must not take a short read for the end.
    const auto length = std::min({size, std::size_t{70'001}, body_.size() - read_});
    auto piece = body_.substr(read_, length);
    read_ += length;
    result<std::string> out = std::move(piece);
    if (length == 0 && at_.client_fails) out = *at_.client_fails;
    return ready(std::move(out));
  }

  async<result<void>> respond(http::response head, buffer body) override {
    must(!responded_);
    responded_ = true;
    out.status = head.status;
    out.headers = std::move(head.headers);
    out.content_length = head.content_length;
    out.body = *body;
    return ready(result<void>());
  }
  async<result<void>> write_body(buffer bytes) override {
    out.body += *bytes;
    return ready(result<void>());
  }
  void cut() override { out.cut = true; }

  async<result<void>> open_write(v1::Item) override {
    written_.clear();
    result<void> opened;
    if (const auto fault = take(at_.open_fails)) opened = *fault;
    return ready(opened);
  }
  async<result<void>> write(buffer bytes) override {
    must(bytes->size() <= at_.options.piece_bytes);
    written_ += *bytes;
    result<void> done;
    if (const auto fault = take(at_.write_fails)) done = *fault;
    return ready(done);
  }
  async<result<v1::Layout>> finish_write() override {
    if (const auto fault = take(at_.finish_fails)) return ready(result<v1::Layout>(*fault));
    ++at_.finished_writes;
    v1::Layout layout;
    auto& run = *layout.add_runs();
    run.set_replica_set(1);
    // Runs of distinct writes are far apart.
    auto page = bytes_of(at_, 8) + std::string(8, '\0');
    run.set_first_page(page);
    run.set_page_bytes(1u << 20);
    run.set_length(written_.size());
    at_.pages[page] = written_;
    return ready(result<v1::Layout>(std::move(layout)));
  }

  async<result<void>> open_read(v1::Layout layout, std::uint64_t offset,
                                std::uint64_t length) override {
    if (auto race = std::exchange(at_.before_open_read, nullptr)) race();
    if (const auto fault = take(at_.read_fails)) return ready(result<void>(*fault));
    std::string all;
    for (const auto& run : layout.runs()) {
      const auto found = at_.pages.find(run.first_page());
      if (found == at_.pages.end()) return ready(result<void>(ec::not_found));
      all += found->second;
    }
    reading_ = all.substr(offset, length);
    fail_at_ = take(at_.read_fails_after);
    given_ = 0;
    return ready(result<void>());
  }
  async<result<buffer>> next(std::size_t size) override {
    if (fail_at_ && given_ >= *fail_at_) return ready(result<buffer>(ec::damaged));
    auto piece = std::make_shared<const std::string>(reading_.substr(given_, size));
    given_ += piece->size();
    return ready(result<buffer>(std::move(piece)));
  }

  seen out;

private:
  static void must(bool holds) { DUNLIN_ASSERT(holds); }

  cluster& at_;
  http::request request_;
  std::string body_;
  std::size_t read_ = 0;
  bool responded_ = false;
  std::string written_;
  std::string reading_;
  std::size_t given_ = 0;
  std::optional<std::size_t> fail_at_;
};

}  // namespace

std::string seen::header(std::string_view name) const {
  for (const auto& header : headers)
    if (lower(header.name) == lower(name)) return header.value;
  return {};
}

std::string seen::code() const {
  if (body.find("<Error>") == std::string::npos) return {};
  return element(body, "Code");
}

fake_cache::fake_cache(cluster& at, std::string_view type)
    : core({}, std::chrono::milliseconds(test_time_ms)), at_(at), type_(*find_cached_type(type)) {
  set_mode(cache_mode::validated);
}

near_cache_core::time fake_cache::now() const { return std::chrono::milliseconds(at_.now_ms); }

void fake_cache::set_mode(cache_mode mode) {
  auto parameters = core.parameters();
  parameters.mode = mode;
  parameters.staleness_max = std::chrono::milliseconds(5000);
  perform(core.set_parameters(now(), parameters));
}

/// What the one reader gets, if that is among it.
std::optional<result<cache_answer>> fake_cache::perform(const near_cache_core::effects& all) {
  std::optional<result<cache_answer>> got;
  for (const auto& one : all) {
    if (const auto* what = std::get_if<near_cache_core::serve>(&one))
      got = cache_answer{what->item.tick, what->item.value ? to_record(*what->item.value) : nullptr,
                         what->partition, what->from_cache,
                         what->confirmed, what->age};
    if (const auto* what = std::get_if<near_cache_core::fail>(&one)) got = what->why;
    if (const auto* what = std::get_if<near_cache_core::ask>(&one)) {
      ++at_.questions;
      near_cache_core::answer said = ec::io_error;
      const auto question = type_.ask(what->key, what->known);
      if (const auto fault = take(at_.ask_fails))
        said = *fault;
      else
        said = type_.read(at_.ask(question.route(), question.query()));
      if (auto later = perform(core.on_answer(now(), what->ticket, said))) got = std::move(later);
    }
  }
  return got;
}

result<cache_answer> fake_cache::look_up(const std::string& key, bool confirmed) {
  using wants = near_cache_core::wants;
  auto got = perform(core.look_up(now(), key, 1, confirmed ? wants::confirmed : wants::served));
  DUNLIN_ASSERT(got);
  return std::move(*got);
}

std::uint64_t fake_cache::begin_write(const std::string& key) {
  return core.begin_write(now(), key);
}

void fake_cache::end_write(const cache_written& what) {
  switch (what.outcome) {
    case cache_outcome::lost: perform(core.on_write_lost(now(), what.ticket, what.key)); break;
    case cache_outcome::refused: perform(core.on_write_refused(now(), what.ticket)); break;
    case cache_outcome::removed:
      perform(core.on_written(now(), what.ticket, what.key, what.partition, what.tick, removed{}));
      break;
    case cache_outcome::changed: {
      change_content content = changed{};
      if (what.record) content = to_value(what.record);
      perform(core.on_written(now(), what.ticket, what.key, what.partition, what.tick, content));
    }
  }
}

void cluster::set_mode(cache_mode mode) {
  for (auto& [type, cache] : caches)
    cache.set_mode(mode);
}

cluster::cluster() {
  for (const auto type :
       {cached::user, cached::bucket, cached::policy, cached::object, cached::cluster_map})
    caches.try_emplace(std::string(type), *this, type);
  root.emplace(root_store, 0, 0, 0);
  data.emplace(store, 1, 0, UINT64_MAX);
  v1::Command seed;
  auto& body = *seed.mutable_seed_cluster();
  auto& map = *body.mutable_map();
  auto& partition = *map.add_partitions();
  partition.set_id(1);
  partition.set_last_hash(UINT64_MAX);
  partition.add_nodes("a");
  auto& set = *map.add_replica_sets();
  set.set_id(1);
  set.add_nodes("a");
  body.mutable_root_user()->set_name("root");
  body.mutable_root_user()->set_root(true);
  body.mutable_root_key()->set_access_key("ROOTKEY");
  body.mutable_root_key()->set_secret("rootsecret");
  body.mutable_root_key()->set_user("root");
  DUNLIN_ASSERT(execute(to_root(), seed).status() == v1::CommandReply::OK);
}

v1::CommandReply cluster::execute(const v1::Route& to, const v1::Command& command) {
  auto& machine = to.has_bucket_id() ? *data : *root;
  v1::CommandBatch batch;
  batch.set_leader_time_ms(now_ms);
  *batch.add_commands() = command;
  std::vector<v1::CommandReply> replies;
  machine.apply(machine.applied() + 1, 1, batch, replies);
  if (!answers_name_partition) replies.at(0).clear_partition();
  return replies.at(0);
}

v1::QueryReply cluster::ask(const v1::Route& to, v1::PartitionQuery query) {
  auto& machine = to.has_bucket_id() ? *data : *root;
  query.set_partition(machine.id());
  auto reply = machine.answer(query);
  if (!records_name_parts && reply.object().parts_size() > 0)
    reply.mutable_object()->clear_layout();
  return reply;
}

v1::CommandReply cluster::at_root(const std::function<void(v1::Command&)>& fill) {
  v1::Command command;
  fill(command);
  auto reply = execute(to_root(), command);
  DUNLIN_ASSERT(reply.status() == v1::CommandReply::OK);
  return reply;
}

void cluster::add_user(const std::string& user, const std::string& key, const std::string& secret) {
  at_root([&](v1::Command& command) { command.mutable_create_user()->set_name(user); });
  at_root([&](v1::Command& command) {
    auto& create = *command.mutable_create_access_key();
    create.set_user(user);
    create.set_access_key(key);
    create.set_secret(secret);
  });
}

void cluster::put_policy(const std::string& user, const std::string& name,
                         const std::string& document) {
  at_root([&](v1::Command& command) {
    auto& put = *command.mutable_put_policy();
    put.set_user(user);
    put.set_name(name);
    put.set_document(document);
  });
}

void cluster::attach(const std::string& user, const std::string& name, bool detach) {
  at_root([&](v1::Command& command) {
    auto& attach = *command.mutable_attach_policy();
    attach.set_user(user);
    attach.set_policy(name);
    attach.set_detach(detach);
  });
}

void cluster::set_bucket_policy(const std::string& bucket, const std::string& document) {
  v1::PartitionQuery query;
  query.mutable_get_bucket()->set_name(bucket);
  const auto id = ask(to_root(), query).buckets(0).id();
  at_root([&](v1::Command& command) {
    auto& put = *command.mutable_put_bucket_policy();
    put.set_name(bucket);
    put.set_id(id);
    put.set_policy(document);
  });
}

http::request client::sign(const call& what) {
  http::request request;
  request.method = what.method;
  request.target = what.target;
  request.headers = what.headers;
  request.id = "0123456789ABCDEF";
  request.peer = "127.0.0.1:1";
  if (!what.chunked) request.content_length = what.body.size();
  if (!what.chunked && !what.without_length)
    request.headers.push_back({"Content-Length", std::to_string(what.body.size())});
  request.headers.push_back({"Host", "127.0.0.1:9000"});
  const auto time = amz_time(at_.now_ms);
  request.headers.push_back({"X-Amz-Date", time});
  claim claimed;
  claimed.access_key = key_;
  claimed.date = time.substr(0, 8);
  claimed.region = at_.options.region;
  claimed.time = time;
  claimed.payload_hash = what.signed_payload ? crypto::hex(crypto::sha256::of(what.body))
                                             : std::string(unsigned_payload);
  claimed.service = what.service;
  // IAM's clients leave it out.
  if (what.service == "s3")
    request.headers.push_back({"x-amz-content-sha256", claimed.payload_hash});
  for (const auto& header : request.headers)
    claimed.signed_headers.push_back(lower(header.name));
  auto& names = claimed.signed_headers;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string joined;
  for (const auto& name : names)
    joined += (joined.empty() ? "" : ";") + name;
  // A target that cannot be parsed is refused before its signature matters.
  std::string signature(64, '0');
  try {
    signature = signature_of(request, parse_target(request.target), claimed, secret_);
  } catch (const failure&) {}
  request.headers.push_back(
      {"Authorization", "AWS4-HMAC-SHA256 Credential=" + key_ + "/" + claimed.date + "/" +
                            claimed.region + "/" + what.service +
                            "/aws4_request, SignedHeaders=" + joined + ", Signature=" + signature});
  return request;
}

seen client::send_raw(http::request request, const std::string& body) {
  fake_services world(at_, std::move(request), body.substr(0, at_.client_sends_only));
  ++at_.running;
  auto running = at_.handler(world);
  running.start();
  DUNLIN_ASSERT(running.done());
  --at_.running;
  const auto out = running.take();
  DUNLIN_ASSERT(out.cut == world.out.cut);
  for (const auto& [type, cache] : at_.caches)
    DUNLIN_ASSERT(at_.running > 0 || cache.core.tickets() == 0);  // every write was ended
  return world.out;
}

seen client::send(const call& what) { return send_raw(sign(what), what.body); }

std::vector<std::string> elements(const std::string& xml, const std::string& name) {
  std::vector<std::string> out;
  const auto open = "<" + name + ">";
  const auto close = "</" + name + ">";
  for (auto at = xml.find(open); at != std::string::npos; at = xml.find(open, at + 1)) {
    const auto from = at + open.size();
    out.push_back(xml.substr(from, xml.find(close, from) - from));
  }
  return out;
}

std::string element(const std::string& xml, const std::string& name) {
  const auto all = elements(xml, name);
  return all.empty() ? std::string() : all.front();
}

}  // namespace dunlin::s3::test
