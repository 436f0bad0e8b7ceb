#include "apps/testkit/user_workload.hpp"

#include "apps/testkit/management_words.hpp"
#include "apps/testkit/text.hpp"
#include "messages/cache_types.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dunlin::testkit {

namespace {

using namespace std::chrono_literals;

using status = v1::CommandReply;

/// The time between a cache's bound and a "yes" that it gave just before, at the client.
constexpr auto slack = 5ms;

/// As messages/partition.hpp has it of the router's answers.
bool surely_not_run(ec why) {
  return why == ec::unavailable || why == ec::overloaded || why == ec::disk_full;
}

/// What the policy says of GetBucketLocation on the bucket.
std::string text_of(document what, const std::string& bucket) {
  const auto silent = what == document::silent;
  return fmt::format(
      R"({{"Version":"2012-10-17","Statement":[{{"Effect":"{}","Action":"{}","Resource":"arn:aws:s3:::{}"}}]}})",
      what == document::denies ? "Deny" : "Allow",
      silent ? "s3:DeleteBucket" : "s3:GetBucketLocation", bucket);
}

}  // namespace

struct user_workload::change {
  explicit change(const account_state& now) : before(now), then(now) {}
  v1::Command command;
  account_state before, then;
  bool user = false, managed = false, own = false;  // what caches hold of it
};

struct user_workload::account {
  std::string user, policy, own;
  int manager = 0;
  int changes_left = 0;
  bool over = false;
  account_history history;
  std::vector<std::pair<std::string, std::string>> keys;  // access keys and secrets, ever

  const account_state& now() const { return history.newest(); }
};

user_workload::user_workload(virtual_cluster& cluster, user_options options)
    : cluster_(cluster), options_(std::move(options)), random_(cluster.seed() + 717) {}

user_workload::~user_workload() = default;

void user_workload::begin() {
  of_manager_.resize(static_cast<std::size_t>(options_.managers));
  for (int manager = 0; manager < options_.managers; ++manager) {
    ++open_;
    ++managers_;
    live(manager, {});
  }
  for (int reader = 0; reader < options_.readers && options_.managers > 0; ++reader) {
    ++open_;
    read();
  }
}

void user_workload::later(std::chrono::milliseconds most, std::function<void()> what) {
  const auto wait = below(static_cast<std::uint64_t>(most.count() + 1));
  cluster_.time().events().after(std::chrono::milliseconds(wait), std::move(what));
}

// ---- managers ----

/// A user of that name again, whom caches may still know; no name: another one.
void user_workload::live(int manager, std::string user) {
  if (stopped_ || lives_ >= options_.lives) {
    --open_;
    --managers_;
    return;
  }
  const auto number = ++lives_;
  auto& one = *accounts_.emplace_back(std::make_unique<account>());
  one.user = user.empty() ? fmt::format("user-{}", number) : std::move(user);
  one.policy = fmt::format("policy-{}", number);
  one.own = "own";
  one.manager = manager;
  one.changes_left = options_.changes;
  of_manager_[static_cast<std::size_t>(manager)] = &one;
  later(options_.pause_max, [this, &one] { next(one); });
}

void user_workload::next(account& one) {
  const auto& now = one.now();
  if (one.changes_left == 0 || stopped_) {
    if (!now.exists && now.managed == document::none) return end(one, true);
    return make(one, end_of(one));
  }
  if (!now.exists || now.keys.empty() || now.managed == document::none)
    return make(one, setup_of(one));
  --one.changes_left;
  make(one, next_of(one));
}

void user_workload::make(account& one, change what) {
  one.history.begin(what.then, cluster_.time().now());
  tell_change(one, what);
  const auto& command = what.command;
  // The service names keys by itself.
  const bool named =
      command.has_create_access_key() && !command.create_access_key().secret().empty();
  if (named || (below(8) == 0 && !command.has_create_access_key()))
    make_by_command(one, std::move(what));
  else
    make_by_form(one, std::move(what));
}

/// Of the access keys one: all have the same user.
void user_workload::tell_change(const account& one, const change& what) {
  if (!on_change_) return;
  if (what.user && !one.keys.empty())
    on_change_(std::string(cached::user), one.keys[below(one.keys.size())].first);
  if (what.managed) on_change_(std::string(cached::policy), one.policy);
  if (what.own) on_change_(std::string(cached::policy), one.user + "/" + one.own);
}

void user_workload::make_by_command(account& one, change what) {
  auto command = what.command;
  cluster_.execute(any_node(), 0, std::move(command),
                   [this, &one, what](const result<v1::CommandReply>& reply) {
                     if (reply.has_error() && surely_not_run(reply.error()))
                       return was_refused(one);
                     if (reply.has_error() || reply->status() == status::UNKNOWN_CLIENT)
                       return end(one, false);
                     if (reply->status() == status::OK) return made_known(one, {});
                     was_wrong(one, what, status::Status_Name(reply->status()));
                   });
}

void user_workload::make_by_form(account& one, change what) {
  auto manager = cluster_.root();
  manager.service = "iam";
  const auto through = any_node();
  cluster_.tell(fmt::format("form through {}: {}", through, what.command.ShortDebugString()));
  const bool exists = what.before.managed != document::none;
  cluster_.send_as(manager, through, "POST", "/", "", to_form(what.command, exists),
                   [this, &one, through, what](const answer& seen) {
                     if (seen.status == 200 && what.command.has_create_access_key())
                       take_key(one, seen.body);
                     if (seen.status == 200)
                       return made_known(one, {through, what.user, what.managed, what.own});
                     const auto code = between(seen.body, "<Code>", "</Code>");
                     if (seen.status == 503 || code == "Throttling") return was_refused(one);
                     if (seen.status == 0 || seen.status >= 500) return end(one, false);
                     was_wrong(one, what,
                               fmt::format("{} {} through {}", seen.status, seen.body, through));
                   },
                   {{"Content-Type", "application/x-www-form-urlencoded"}});
}

void user_workload::take_key(account& one, const std::string& body) {
  const auto key = between(body, "<AccessKeyId>", "</AccessKeyId>");
  const auto secret = between(body, "<SecretAccessKey>", "</SecretAccessKey>");
  one.keys.emplace_back(key, secret);
  auto known = one.now();
  known.keys[key] = {secret, false};
  one.history.amend(std::move(known));
}

void user_workload::made_known(account& one, known_at where) {
  const auto node = where.node;
  one.history.took_place(cluster_.time().now(), std::move(where));
  look_after_change(one, node);
  later(options_.pause_max, [this, &one] { next(one); });
}

void user_workload::was_refused(account& one) {
  one.history.was_refused();
  later(options_.pause_max, [this, &one] { next(one); });
}

void user_workload::was_wrong(account& one, const change& what, const std::string& answered) {
  mistakes_.push_back(fmt::format("{} answered {}", what.command.ShortDebugString(), answered));
  end(one, false);
}

void user_workload::end(account& one, bool known) {
  one.over = true;
  const bool again = known && below(2) == 0;
  live(one.manager, again ? one.user : std::string{});
}

user_workload::change user_workload::setup_of(account& one) {
  const auto& now = one.now();
  if (!now.exists) {
    change made{now};
    made.command.mutable_create_user()->set_name(one.user);
    made.then.exists = true;
    return made;
  }
  if (now.managed == document::none) return put_managed(one, document::allows);
  return create_key(one);
}

user_workload::change user_workload::next_of(account& one) {
  const auto& now = one.now();
  constexpr document kinds[] = {document::allows, document::allows, document::denies,
                                document::silent};
  const auto any_key = [&] {
    return std::next(now.keys.begin(), static_cast<std::ptrdiff_t>(below(now.keys.size())))->first;
  };
  switch (below(8)) {
    case 0:
      if (now.keys.size() < 3) return create_key(one);
      return delete_key(one, any_key());
    case 1: return delete_key(one, any_key());
    case 2:
    case 3: return set_key(one, any_key());
    case 4: return put_managed(one, kinds[below(4)]);
    case 5:
      if (now.own != document::none && below(2) == 0) return delete_own(one);
      return put_own(one, kinds[below(4)]);
    default: return attach(one);
  }
}

user_workload::change user_workload::end_of(const account& one) {
  const auto& now = one.now();
  if (now.own != document::none) return delete_own(one);
  if (now.attached) return attach(one);
  if (now.managed != document::none) return delete_managed(one);
  if (!now.keys.empty()) return delete_key(one, now.keys.begin()->first);
  change made{now};
  made.command.mutable_delete_user()->set_name(one.user);
  made.then.exists = false;
  return made;
}

user_workload::change user_workload::put_managed(const account& one, document what) const {
  change made{one.now()};
  made.command.mutable_put_policy()->set_name(one.policy);
  made.command.mutable_put_policy()->set_document(text_of(what, options_.bucket));
  made.then.managed = what;
  made.managed = true;
  return made;
}

user_workload::change user_workload::put_own(const account& one, document what) const {
  change made{one.now()};
  made.command.mutable_put_policy()->set_user(one.user);
  made.command.mutable_put_policy()->set_name(one.own);
  made.command.mutable_put_policy()->set_document(text_of(what, options_.bucket));
  made.then.own = what;
  made.own = true;
  made.user = true;
  return made;
}

/// Or detaches.
user_workload::change user_workload::attach(const account& one) const {
  change made{one.now()};
  made.command.mutable_attach_policy()->set_user(one.user);
  made.command.mutable_attach_policy()->set_policy(one.policy);
  made.command.mutable_attach_policy()->set_detach(one.now().attached);
  made.then.attached = !one.now().attached;
  made.user = true;
  made.managed = true;
  return made;
}

user_workload::change user_workload::delete_managed(const account& one) const {
  change made{one.now()};
  made.command.mutable_delete_policy()->set_name(one.policy);
  made.then.managed = document::none;
  made.managed = true;
  return made;
}

user_workload::change user_workload::delete_own(const account& one) const {
  change made{one.now()};
  made.command.mutable_delete_policy()->set_user(one.user);
  made.command.mutable_delete_policy()->set_name(one.own);
  made.then.own = document::none;
  made.user = true;
  made.own = true;
  return made;
}

/// A new one, or one that was deleted, with another secret; the service names and keeps secrets by
/// itself, so such a one is not of it.
user_workload::change user_workload::create_key(account& one) {
  change made{one.now()};
  made.user = true;
  auto& command = *made.command.mutable_create_access_key();
  command.set_user(one.user);
  if (below(2) == 0) return made;
  auto key = fmt::format("KEY{}OF{}", ++secrets_, one.user);
  if (!one.keys.empty() && below(2) == 0)
    if (const auto& old = one.keys[below(one.keys.size())].first; !one.now().keys.contains(old))
      key = old;
  const auto secret = fmt::format("secret-{}", ++secrets_);
  one.keys.emplace_back(key, secret);
  command.set_access_key(key);
  command.set_secret(secret);
  made.then.keys[key] = {secret, false};
  return made;
}

user_workload::change user_workload::delete_key(const account& one, const std::string& key) const {
  change made{one.now()};
  made.command.mutable_delete_access_key()->set_user(one.user);
  made.command.mutable_delete_access_key()->set_access_key(key);
  made.then.keys.erase(key);
  made.user = true;
  return made;
}

/// Revokes it, or lets it work again.
user_workload::change user_workload::set_key(const account& one, const std::string& key) const {
  change made{one.now()};
  auto& held = made.then.keys.at(key);
  held.revoked = !held.revoked;
  made.command.mutable_set_access_key()->set_user(one.user);
  made.command.mutable_set_access_key()->set_access_key(key);
  made.command.mutable_set_access_key()->set_revoked(held.revoked);
  made.user = true;
  return made;
}

// ---- clients ----

void user_workload::read() {
  if (managers_ == 0) {
    --open_;
    return;
  }
  auto& one =
      below(4) == 0 ? *accounts_[below(accounts_.size())] : *of_manager_[below(of_manager_.size())];
  ask(one, any_node(), [this] { later(options_.pause_max / 3, [this] { read(); }); });
}

/// What is wrong shows where somebody asks at once, and where somebody asks just after the bound.
void user_workload::look_after_change(account& one, const node_id& changed_at) {
  const auto most = bounds();
  const std::chrono::milliseconds soon =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::max(most.user, most.policy)) + 1ms;
  for (const auto wait : {0ms, 0ms, soon, soon + 20ms}) {
    ++open_;
    cluster_.time().events().after(wait,
                                   [this, &one] { ask(one, any_node(), [this] { --open_; }); });
  }
  if (changed_at.empty()) return;
  ++open_;
  ask(one, changed_at, [this] { --open_; });
}

/// With the newest of its keys, or any there ever was.
void user_workload::ask(account& one, const node_id& through, std::function<void()> done) {
  if (one.keys.empty()) {
    cluster_.time().events().after({}, std::move(done));
    return;
  }
  const auto [key, secret] = below(2) == 0 ? one.keys.back() : one.keys[below(one.keys.size())];
  ask(one, through, key, secret, std::move(done));
}

void user_workload::ask(account& one, const node_id& through, const std::string& key,
                        const std::string& secret, std::function<void()> done) {
  const access_attempt attempt{
      through, key, secret, cluster_.time().now(), {}, {}, one.history.changes()};
  cluster_.send_as({key, secret, cluster_.root().region}, through, "GET", "/" + options_.bucket,
                   "location=", "",
                   [this, &one, through, attempt, done = std::move(done)](const answer& seen) {
                     judge(one, through, attempt, seen);
                     done();
                   });
}

void user_workload::judge(account& one, const node_id& through, access_attempt attempt,
                          const answer& seen) {
  if (seen.status == 0 || seen.status >= 500) return;
  const auto said = verdict_of(seen.status, seen.body);
  attempt.answered = cluster_.time().now();
  const auto what = fmt::format(
      "a request with {} through {} at {:.3f} s answered {}", attempt.access_key, through,
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

account_history::bounds user_workload::bounds() const {
  const auto of = [&](std::string_view type) -> std::chrono::nanoseconds {
    const auto& cache = cluster_.topology().options.caches.find(type)->second;
    // Without queues nobody tells of changes to policies, so each look is one at the leader.
    const bool told = !cluster_.topology().nodes_with(topology::role::queue).empty();
    if (cache.validated || (type == cached::policy && !told)) return 0ns;
    return cache.staleness_max + slack;
  };
  return {of(cached::user), of(cached::policy)};
}

void user_workload::read_all() {
  const auto open = std::make_shared<std::size_t>(0);
  for (const auto& one : accounts_)
    for (const auto& [key, secret] : one->keys)
      for (const auto& node : cluster_.access_nodes()) {
        ++*open;
        ask(*one, node, key, secret, [open] { --*open; });
        cluster_.time().run_until([open] { return *open < 8; }, 60s);
      }
  cluster_.time().run_until([open] { return *open == 0; }, 60s);
}

std::vector<std::string> user_workload::access_keys() const {
  std::set<std::string> all;
  for (const auto& one : accounts_)
    for (const auto& [key, secret] : one->keys)
      all.insert(key);
  return {all.begin(), all.end()};
}

std::vector<std::string> user_workload::policies() const {
  std::set<std::string> all;
  for (const auto& one : accounts_) {
    all.insert(one->policy);
    all.insert(one->user + "/" + one->own);
  }
  return {all.begin(), all.end()};
}

}  // namespace dunlin::testkit
