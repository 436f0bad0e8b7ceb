/// USER WORKLOAD: users, access keys and policies that come, change and go, while clients of all
/// nodes ask for something with those keys (Q4, Q16, decision 16, docs/decisions/0012). Most
/// changes go to the management service of some node, some right to the partition. Each account has
/// one manager, whose changes do not overlap; an account of which the outcome of a change is not
/// known is left as it is, and another one begun.
///
/// What each request was told is judged when it comes (access_history.hpp): a key that is revoked
/// or gone, and a policy that says no, must be heard of within the bound of the type, and at once
/// at the node through which it was changed; what is allowed is never refused.
#pragma once

#include "apps/testkit/access_history.hpp"
#include "apps/testkit/virtual_cluster.hpp"

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::testkit {

struct user_options {
  /// A bucket of the root user, which is there throughout.
  std::string bucket = "work";
  int managers = 2;
  int lives = 8;     ///< of all accounts together
  int changes = 12;  ///< of an account between its making and its end
  int readers = 2;
  std::chrono::milliseconds pause_max{1500};  ///< between two changes; of a reader, a third of it
};

class user_workload {
public:
  user_workload(virtual_cluster& cluster, user_options options = {});
  ~user_workload();

  /// Hears of each item, as caches call it, whose change is about to be asked for.
  void on_change(std::function<void(const std::string& type, const std::string& key)> listener) {
    on_change_ = std::move(listener);
  }
  void begin();
  bool finished() const { return open_ == 0; }
  /// No further account is begun, and those there are come to their ends.
  void stop() { stopped_ = true; }

  /// Asks with every key, of now and of before, through every node: call when the cluster is whole.
  void read_all();
  const std::vector<std::string>& mistakes() const { return mistakes_; }
  /// How often each verdict was given.
  const std::map<verdict, std::uint64_t>& counts() const { return counts_; }

  /// All that there ever were, as caches call them.
  std::vector<std::string> access_keys() const;
  std::vector<std::string> policies() const;

private:
  struct account;
  struct change;
  using answer = virtual_cluster::answer;

  // managers
  void live(int manager, std::string user);
  void next(account& one);
  void make(account& one, change what);
  void tell_change(const account& one, const change& what);
  void make_by_command(account& one, change what);
  void make_by_form(account& one, change what);
  void take_key(account& one, const std::string& body);
  void made_known(account& one, known_at where);
  void was_refused(account& one);
  void was_wrong(account& one, const change& what, const std::string& answered);
  void end(account& one, bool known);
  change setup_of(account& one);
  change next_of(account& one);
  change end_of(const account& one);
  change put_managed(const account& one, document what) const;
  change put_own(const account& one, document what) const;
  change attach(const account& one) const;
  change create_key(account& one);
  change delete_managed(const account& one) const;
  change delete_own(const account& one) const;
  change delete_key(const account& one, const std::string& key) const;
  change set_key(const account& one, const std::string& key) const;

  // clients
  void read();
  void look_after_change(account& one, const node_id& changed_at);
  void ask(account& one, const node_id& through, std::function<void()> done);
  void ask(account& one, const node_id& through, const std::string& key, const std::string& secret,
           std::function<void()> done);
  void judge(account& one, const node_id& through, access_attempt attempt, const answer& seen);
  account_history::bounds bounds() const;

  void later(std::chrono::milliseconds most, std::function<void()> what);
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  node_id any_node() { return cluster_.any_access_node(random_); }

  virtual_cluster& cluster_;
  user_options options_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<account>> accounts_;  // all that there ever were
  std::vector<account*> of_manager_;
  int lives_ = 0;
  int secrets_ = 0;
  int open_ = 0;      // managers, readers and requests at work
  int managers_ = 0;  // of these
  bool stopped_ = false;
  std::function<void(const std::string&, const std::string&)> on_change_;
  std::vector<std::string> mistakes_;
  std::map<verdict, std::uint64_t> counts_;
};

}  // namespace dunlin::testkit
