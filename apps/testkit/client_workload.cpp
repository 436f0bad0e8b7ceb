#include "apps/testkit/client_workload.hpp"

#include "apps/testkit/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dunlin::testkit {

namespace {

using answer = virtual_cluster::answer;

}  // namespace

client_workload::client_workload(virtual_cluster& cluster, client_options options)
    : cluster_(cluster),
      options_(std::move(options)),
      random_(cluster.seed() * 6364136223846793005ull + 4711),
      history_(cluster) {}

void client_workload::begin() {
  waits_.resize(static_cast<std::size_t>(options_.clients));
  for (int client = 0; client < options_.clients; ++client) {
    ++open_;
    next(client);
  }
}

node_id client_workload::node_of(int client) {
  const auto all = cluster_.access_nodes();
  if (random_() % 4 == 0) return any_node();
  return all[static_cast<std::size_t>(client) % all.size()];
}

std::string client_workload::own_key(int client) {
  return fmt::format("c{}-{}", client, random_() % static_cast<unsigned>(options_.own_keys));
}

std::string client_workload::any_path(int client) {
  if (random_() % 2 == 0) return path(own_key(client));
  return path(fmt::format("hot-{}", random_() % static_cast<unsigned>(options_.hot_keys)));
}

// Each differs from all others, or reads could not tell them apart.
std::string client_workload::make_body() {
  const auto page = cluster_.topology().options.page_bytes;
  auto size = random_() % options_.bytes_max;
  if (random_() % 12 == 0) size = random_() % 150'000;
  if (random_() % 40 == 0 && large_ < options_.large_max) {
    ++large_;
    size = page + random_() % (2ull * page);
  }
  auto body = fmt::format("value {} ", ++values_);
  const auto pattern = body;
  while (body.size() < size)
    body += pattern;
  return body;
}

void client_workload::next(int client) {
  if (started_ >= options_.operations) {
    --open_;
    return;
  }
  ++started_;
  if (hurries() && random_() % 4 > 0) return act_in_hurry(client, random_() % 100);
  act(client, random_() % 100);
}

void client_workload::act(int client, std::uint64_t dice) {
  const auto done = [this, client](const answer&) { finish(client); };
  if (dice < 36) return read(client, any_path(client));
  if (dice < 68) return put(client);
  if (dice < 76) return history_.remove(node_of(client), any_path(client), done);
  if (dice < 80) return remove_many(client);
  if (dice < 86) return begin_upload(client);
  if (dice < 88) return break_off(client);
  if (dice < 96) return put_slowly(client);
  list(client);
}

/// Now and then without the bytes, which is what many clients ask before they write.
void client_workload::read(int client, const std::string& path) {
  const auto done = [this, client](const answer&) { finish(client); };
  const auto through = node_of(client);
  if (random_() % 4 == 0) return history_.head(through, path, done);
  history_.get(through, path, done);
}

void client_workload::hurry(std::chrono::milliseconds length) {
  gather_crowd(length);
  hurries_until_ = cluster_.time().now() + length;
  hot_path_ = path(fmt::format("hot-{}", random_() % static_cast<unsigned>(options_.hot_keys)));
  for (const auto client : idle_)
    pause(client);  // none is asleep
}

bool client_workload::hurries() const { return cluster_.time().now() < hurries_until_; }

void client_workload::act_in_hurry(int client, std::uint64_t dice) {
  const auto done = [this, client](const answer&) { finish(client); };
  if (dice < 60) return history_.get(node_of(client), hot_path_, done);
  if (dice < 68) return history_.remove(node_of(client), hot_path_, done);
  history_.put(node_of(client), hot_path_, fmt::format("value {} ", ++values_),
               write_condition::none, done);
}

// ---- crowds ----

void client_workload::gather_crowd(std::chrono::milliseconds length) {
  const auto& buckets = options_.crowd_buckets;
  const auto& bucket = buckets[static_cast<std::size_t>(crowds_) % buckets.size()];
  const auto path = fmt::format("/{}/crowd-{}", bucket, ++crowds_);
  const auto gap = static_cast<std::uint64_t>(options_.crowd_gap.count());
  for (std::chrono::milliseconds at{0}; at < length && visitors_ < options_.crowd_max;
       at += std::chrono::milliseconds(1 + random_() % gap)) {
    ++visitors_;
    cluster_.time().events().after(at, [this, path, dice = random_() % 100] {
      if (!stopped_) visit(path, dice);
    });
  }
}

/// Mostly what needs no pages: what stays together after a cut takes it as soon as it has a leader,
/// and one that leads no more could still answer.
void client_workload::visit(const std::string& path, std::uint64_t dice) {
  ++open_;
  const auto through = any_node();
  const auto done = [this](const answer&) { --open_; };
  // What waits at once could have come in any order: more of it could not be judged.
  const auto writes_wait = crowd_writes_[through] >= 2;
  if (dice < 58 || (dice >= 63 && writes_wait)) return history_.head(through, path, done);
  if (dice < 63) return history_.get(through, path, done);
  visit_to_write(through, path, dice);
}

void client_workload::visit_to_write(const node_id& through, const std::string& path,
                                     std::uint64_t dice) {
  ++crowd_writes_[through];
  const auto done = [this, through](const answer&) {
    --crowd_writes_[through];
    --open_;
  };
  if (dice < 66) return history_.remove(through, path, done);
  if (dice < 96) return history_.put_mark(through, path, done);
  history_.put(through, path, fmt::format("value {} ", ++values_), write_condition::none, done);
}

void client_workload::finish(int client) {
  idle_.insert(client);
  pause(client);
}

void client_workload::pause(int client) {
  const auto most = hurries() ? options_.hurry_max : options_.pause_max;
  const auto pause = 1 + random_() % static_cast<std::uint64_t>(most.count());
  const auto wait = ++waits_[static_cast<std::size_t>(client)];
  cluster_.time().events().after(std::chrono::milliseconds(pause), [this, client, wait] {
    if (waits_[static_cast<std::size_t>(client)] != wait) return;
    idle_.erase(client);
    next(client);
  });
}

void client_workload::put(int client) {
  constexpr write_condition wishes[] = {write_condition::none, write_condition::none,
                                        write_condition::matches, write_condition::absent};
  history_.put(node_of(client), any_path(client), make_body(), wishes[random_() % 4],
               [this, client](const answer&) { finish(client); });
}

/// A page long before its commit: a fence may come in between, if the client is about as slow as
/// sweepers take to notice. Large pages would cost CPU.
void client_workload::put_slowly(int client) {
  const std::size_t page = cluster_.topology().options.page_bytes;
  if (page > 256u << 10) return put(client);
  auto body = fmt::format("value {} ", ++values_);
  body.resize(page + 1 + random_() % 1000, 's');
  const auto& tuning = cluster_.shape().tuning;
  const std::chrono::milliseconds noticed = tuning.orphan_age + tuning.sweep_interval;
  const auto most =
      std::clamp<std::uint64_t>(static_cast<std::uint64_t>(2 * noticed.count()), 5000, 20'000);
  history_.put_slowly(node_of(client), any_path(client), body,
                      {page, std::chrono::milliseconds(1000 + random_() % (most - 1000))},
                      [this, client](const answer&) { finish(client); });
}

/// Pages without a commit, for the collectors.
void client_workload::break_off(int client) {
  const auto page = cluster_.topology().options.page_bytes;
  const auto size = page <= 256u << 10 ? 2ull * page : options_.bytes_max;
  const std::string body(size, 'b');
  const auto failure = random_() % 2 == 0 ? ec::closed : ec::timed_out;
  cluster_.send_broken(node_of(client), path(own_key(client)), body, random_() % size, failure,
                       [this, client](const answer& seen) {
                         if (seen.status == 200)
                           mistakes_.push_back("a PUT whose body broke off answered 200");
                         finish(client);
                       });
}

void client_workload::remove_many(int client) {
  std::vector<std::string> keys;
  for (int i = 0; i < options_.own_keys; ++i)
    if (random_() % 2 == 0) keys.push_back(fmt::format("c{}-{}", client, i));
  if (keys.empty()) keys.push_back(own_key(client));
  history_.remove_many(node_of(client), options_.bucket, keys,
                       [this, client](const answer&) { finish(client); });
}

// ---- uploads of one small part, which S3 allows: the last part may have any size ----

void client_workload::begin_upload(int client) {
  auto it = std::make_shared<upload>();
  it->path = any_path(client);
  it->tag = fmt::format("of upload {}", ++values_);
  cluster_.send(node_of(client), "POST", it->path, "uploads=", "",
                [this, client, it](const answer& seen) {
                  const auto id = between(seen.body, "<UploadId>", "</UploadId>");
                  if (seen.status != 200 || id.empty()) return finish(client);
                  it->query = "uploadId=" + id;
                  send_part(client, it, 3);
                },
                {s3_history::tag_header(it->tag)});
}

void client_workload::send_part(int client, std::shared_ptr<upload> it, int attempts) {
  it->parts = {make_body()};
  const auto& body = it->parts.front();
  cluster_.send(node_of(client), "PUT", it->path, "partNumber=1&" + it->query, body,
                [this, client, it, attempts](const answer& seen) {
                  // Once more, now and then: a part is replaced, and its pages are garbage. With
                  // the same number and another content, whatever became of the first one.
                  const bool again = seen.status != 200 || random_() % 4 == 0;
                  if (again && attempts > 1) return send_part(client, it, attempts - 1);
                  if (seen.status != 200) return finish(client);
                  end_upload(client, it);
                });
}

void client_workload::end_upload(int client, const std::shared_ptr<upload>& it) {
  const auto done = [this, client](const answer&) { finish(client); };
  switch (random_() % 6) {
    case 0: return finish(client);  // left behind
    case 1: return cluster_.send(node_of(client), "DELETE", it->path, it->query, "", done);
    case 2:  // both at once: one of them wins
      cluster_.send(node_of(client), "DELETE", it->path, it->query, "", [](const answer&) {});
      return history_.complete(node_of(client), it->path, it->query, it->parts, it->tag, done);
    case 3:  // twice at once, as a client that lost patience does
      history_.complete(node_of(client), it->path, it->query, it->parts, it->tag,
                        [](const answer&) {});
      return history_.complete(node_of(client), it->path, it->query, it->parts, it->tag, done);
    default:
      return history_.complete(node_of(client), it->path, it->query, it->parts, it->tag, done);
  }
}

// ---- listings ----

void client_workload::list(int client) {
  auto it = std::make_shared<page_walk>();
  const std::string prefixes[] = {"", "c", "hot-", fmt::format("c{}-", client)};
  it->seen.bucket = options_.bucket;
  it->seen.prefix = prefixes[random_() % 4];
  it->seen.called = cluster_.time().now();
  it->items_max = 1 + static_cast<unsigned>(random_() % 6);
  list_page(it, [this, client, it] {
    walked(*it);
    finish(client);
  });
}

void client_workload::list_page(const walk_ptr& it, const std::function<void()>& done) {
  std::string query;
  if (!it->token.empty()) query += "continuation-token=" + escaped(it->token) + "&";
  query += fmt::format("list-type=2&max-keys={}", it->items_max);
  if (!it->seen.prefix.empty()) query += "&prefix=" + escaped(it->seen.prefix);
  cluster_.send(any_node(), "GET", "/" + options_.bucket, query, "",
                [this, it, done](const answer& seen) {
                  it->failed = seen.status != 200;
                  std::size_t at = 0;
                  while (!it->failed && (at = seen.body.find("<Key>", at)) != std::string::npos)
                    it->seen.keys.push_back(between(seen.body.substr(at++), "<Key>", "</Key>"));
                  it->token = between(seen.body, "<NextContinuationToken>", "</");
                  if (!it->failed && !it->token.empty()) return list_page(it, done);
                  it->seen.answered = cluster_.time().now();
                  done();
                });
}

void client_workload::walked(const page_walk& it) {
  if (it.failed) return;
  for (const auto& text : check_listing(history_.histories(), it.seen))
    mistakes_.push_back(text);
}

void client_workload::read_all() {
  history_.read_all();
  for (const auto& name : cluster_.access_nodes()) {
    listing seen{options_.bucket, "", cluster_.time().now(), {}, {}};
    const auto whole = cluster_.call(name, "GET", "/" + options_.bucket, "list-type=2");
    seen.answered = cluster_.time().now();
    if (whole.status != 200) {
      mistakes_.push_back(fmt::format("a listing through {} answered {}", name, whole.status));
      continue;
    }
    for (std::size_t at = 0; (at = whole.body.find("<Key>", at)) != std::string::npos;)
      seen.keys.push_back(between(whole.body.substr(at++), "<Key>", "</Key>"));
    for (const auto& text : check_listing(history_.histories(), seen))
      mistakes_.push_back(text);
  }
}

}  // namespace dunlin::testkit
