#include "apps/testkit/bucket_policy_workload.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dunlin::testkit {

namespace {

using namespace std::chrono_literals;

/// Between a cache's bound and a "yes" that it gave just before, at the client.
constexpr auto slack = 5ms;

/// What it says of GetBucketLocation on the bucket, to that user.
std::string text_of(document what, const std::string& bucket, const std::string& user) {
  return fmt::format(
      R"({{"Version":"2012-10-17","Statement":[{{"Effect":"{}","Principal":{{"AWS":"{}"}},)"
      R"("Action":"{}","Resource":"arn:aws:s3:::{}"}}]}})",
      what == document::denies ? "Deny" : "Allow", user,
      what == document::silent ? "s3:DeleteBucket" : "s3:GetBucketLocation", bucket);
}

}  // namespace

struct bucket_policy_workload::place {
  std::string name;
  int changes_left = 0;
  bool known = false;  // that it is there
  account_history history;
};

bucket_policy_workload::bucket_policy_workload(virtual_cluster& cluster,
                                               bucket_policy_options options)
    : cluster_(cluster), options_(options), random_(cluster.seed() + 919) {}

bucket_policy_workload::~bucket_policy_workload() = default;

void bucket_policy_workload::begin() {
  if (options_.owners == 0) return;
  ++open_;
  invite();
}

void bucket_policy_workload::later(std::chrono::milliseconds most, std::function<void()> what) {
  const auto wait = below(static_cast<std::uint64_t>(most.count() + 1));
  cluster_.time().events().after(std::chrono::milliseconds(wait), std::move(what));
}

// ---- the guest ----

void bucket_policy_workload::invite() {
  if (stopped_) {
    --open_;
    return;
  }
  guest_ = fmt::format("guest-{}", ++guests_);
  v1::Command command;
  command.mutable_create_user()->set_name(guest_);
  cluster_.execute(any_node(), 0, std::move(command),
                   [this](const result<v1::CommandReply>& reply) {
                     on_guest(reply, &bucket_policy_workload::give_key);
                   });
}

void bucket_policy_workload::give_key() {
  key_ = "KEYOF" + guest_;
  secret_ = "secret-of-" + guest_;
  v1::Command command;
  command.mutable_create_access_key()->set_user(guest_);
  command.mutable_create_access_key()->set_access_key(key_);
  command.mutable_create_access_key()->set_secret(secret_);
  cluster_.execute(any_node(), 0, std::move(command),
                   [this](const result<v1::CommandReply>& reply) {
                     on_guest(reply, &bucket_policy_workload::open_doors);
                   });
}

/// Of whom it is not known whether it is there, another one takes the place.
void bucket_policy_workload::on_guest(const result<v1::CommandReply>& reply,
                                      void (bucket_policy_workload::*then)()) {
  if (!reply.has_error() && reply->status() == v1::CommandReply::OK) return (this->*then)();
  later(options_.pause_max, [this] { invite(); });
}

void bucket_policy_workload::open_doors() {
  for (int owner = 0; owner < options_.owners; ++owner) {
    ++open_;
    ++owners_;
    live();
  }
  for (int reader = 0; reader < options_.readers; ++reader) {
    ++open_;
    read();
  }
  --open_;
}

// ---- owners ----

void bucket_policy_workload::live() {
  if (stopped_ || lives_ >= options_.lives) {
    --open_;
    --owners_;
    return;
  }
  auto& one = *places_.emplace_back(std::make_unique<place>());
  one.name = fmt::format("open-{}", ++lives_);
  one.changes_left = options_.changes;
  later(options_.pause_max, [this, &one] { make(one); });
}

void bucket_policy_workload::make(place& one) {
  account_state made;
  made.exists = true;
  made.keys[key_] = {secret_, false};
  one.history.begin(std::move(made), cluster_.time().now());
  cluster_.send(any_node(), "PUT", "/" + one.name, "", "", [this, &one](const answer& seen) {
    if (seen.status != 200) return live();
    one.known = true;
    one.history.took_place(cluster_.time().now());
    later(options_.pause_max, [this, &one] { next(one); });
  });
}

void bucket_policy_workload::next(place& one) {
  if (stopped_ || one.changes_left-- == 0) return live();
  constexpr document kinds[] = {document::allows, document::allows, document::denies,
                                document::silent, document::none};
  const auto now = one.history.newest().own;
  auto what = kinds[below(std::size(kinds))];
  if (what == now) what = now == document::allows ? document::denies : document::allows;
  put(one, what);
}

/// None: deletes it.
void bucket_policy_workload::put(place& one, document what) {
  auto then = one.history.newest();
  then.own = what;
  one.history.begin(std::move(then), cluster_.time().now());
  const auto through = any_node();
  const bool removes = what == document::none;
  cluster_.send(through, removes ? "DELETE" : "PUT", "/" + one.name,
                "policy=", removes ? std::string() : text_of(what, one.name, guest_),
                [this, &one, through](const answer& seen) { changed(one, through, seen); });
}

void bucket_policy_workload::changed(place& one, const node_id& through, const answer& seen) {
  if (seen.status == 204) {
    one.history.took_place(cluster_.time().now(), {through, true, true, true});
    look_after_change(one, through);
    return later(options_.pause_max, [this, &one] { next(one); });
  }
  if (seen.status != 0 && seen.status < 500)
    mistakes_.push_back(fmt::format("a change of the policy of {} through {} answered {} {}",
                                    one.name, through, seen.status, seen.body));
  live();
}

// ---- the guest's requests ----

void bucket_policy_workload::read() {
  if (owners_ == 0) {
    --open_;
    return;
  }
  const auto again = [this] { later(options_.pause_max, [this] { read(); }); };
  if (places_.empty()) return again();
  ask(*places_[below(2) == 0 ? places_.size() - 1 : below(places_.size())], any_node(), again);
}

/// What is wrong shows where somebody asks at once, and where somebody asks just after the bound.
void bucket_policy_workload::look_after_change(place& one, const node_id& changed_at) {
  const auto soon = std::chrono::duration_cast<std::chrono::milliseconds>(bounds().policy) + 1ms;
  for (const auto wait : {0ms, 0ms, soon, soon + 20ms}) {
    ++open_;
    cluster_.time().events().after(wait,
                                   [this, &one] { ask(one, any_node(), [this] { --open_; }); });
  }
  ++open_;
  ask(one, changed_at, [this] { --open_; });
}

void bucket_policy_workload::ask(place& one, const node_id& through, std::function<void()> done) {
  if (!one.known) {
    cluster_.time().events().after({}, std::move(done));
    return;
  }
  const access_attempt attempt{
      through, key_, secret_, cluster_.time().now(), {}, {}, one.history.changes()};
  cluster_.send_as({key_, secret_, cluster_.root().region}, through, "GET", "/" + one.name,
                   "location=", "",
                   [this, &one, attempt, done = std::move(done)](const answer& seen) {
                     judge(one, attempt, seen);
                     done();
                   });
}

void bucket_policy_workload::judge(place& one, access_attempt attempt, const answer& seen) {
  if (seen.status == 0 || seen.status >= 500) return;
  const auto said = verdict_of(seen.status, seen.body);
  attempt.answered = cluster_.time().now();
  const auto what = fmt::format(
      "the guest's request for {} through {} at {:.3f} s answered {}", one.name, attempt.through,
      static_cast<double>(attempt.called.count()) / 1e9, said ? to_text(*said) : seen.body);
  if (!said) {
    mistakes_.push_back(fmt::format("{} ({})", what, seen.status));
    return;
  }
  attempt.said = *said;
  ++counts_[*said];
  if (one.history.explains(attempt, bounds())) return;
  std::string could;
  for (const auto fine : one.history.possible(attempt, bounds()))
    could += fmt::format("{}{}", could.empty() ? "" : " or ", to_text(fine));
  mistakes_.push_back(what + ", it should have been " + could);
}

/// The guest itself never changes; what the bucket's record says may be as old as its cache may.
account_history::bounds bucket_policy_workload::bounds() const {
  const auto& cache = cluster_.topology().options.caches.at("bucket");
  const std::chrono::nanoseconds most = cache.validated ? 0ns : cache.staleness_max + slack;
  return {most, most};
}

void bucket_policy_workload::read_all() {
  const auto open = std::make_shared<std::size_t>(0);
  for (const auto& one : places_)
    for (const auto& node : cluster_.access_nodes()) {
      ++*open;
      ask(*one, node, [open] { --*open; });
      cluster_.time().run_until([open] { return *open < 8; }, 60s);
    }
  cluster_.time().run_until([open] { return *open == 0; }, 60s);
}

std::vector<std::string> bucket_policy_workload::names() const {
  std::vector<std::string> all;
  for (const auto& one : places_)
    all.push_back(one->name);
  return all;
}

}  // namespace dunlin::testkit
