/// PARTITION ROUTER CORE: decides to whom each command and query goes, when it is tried again, and
/// under which stamp, so that a command runs once however often it is sent (Q2, decision 14).
/// A task is one wish of a caller; opening a client and fetching the map are tasks of the router's
/// own. Time is an argument, randomness a generator, answers are effects.
#pragma once

#include "actors/partition_router/client_window.hpp"
#include "actors/partition_router/cluster_view.hpp"
#include "messages/vocabulary.hpp"
#include "runtime/clock.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace dunlin {

struct router_times {
  std::chrono::milliseconds timeout{15000};         ///< of a task that names none
  std::chrono::milliseconds attempt_timeout{5000};  ///< then another replica is asked
  std::chrono::milliseconds backoff_min{20};
  std::chrono::milliseconds backoff_max{500};
};

class partition_router_core {
public:
  using time = std::chrono::milliseconds;  ///< since any fixed moment
  using task_id = std::uint64_t;

  enum class kind { command, query, get_map, open_client, fetch_map };

  struct to_partition {
    partition_id id;
  };
  struct to_bucket {
    std::uint64_t hash;
  };  ///< to where the bucket with this hash lives
  using route = std::variant<to_partition, to_bucket>;

  /// What a partition answered, as far as routing goes.
  enum class verdict { done, wrong_partition, unknown_client, too_many_open, no_map };

  struct stamp {
    std::uint64_t sequence = 0;
    std::uint64_t lowest_unanswered = 0;
  };
  /// Answer with on_reply() or on_error(), naming task and attempt.
  struct send {
    task_id task = 0;
    std::uint64_t attempt = 0;
    kind what{};
    partition_id partition = 0;
    node_id node;
    std::optional<stamp> client;
    time timeout{};
  };
  struct deliver {
    task_id task;
  };  ///< the reply at hand, or for get_map the newest map
  struct fail {
    task_id task;
    ec reason;
    std::string detail;
  };
  using effect = std::variant<send, deliver, fail>;
  using effects = std::vector<effect>;

  partition_router_core(router_times times, cluster_view view, random_source& random)
      : times_{times}, view_{std::move(view)}, random_{random} {}

  /// A caller's wish; `task` is the caller's, below 2^63. No timeout: the default.
  effects on_wish(time now, task_id task, kind what, route where, time timeout);
  effects on_get_map(time now, task_id task, std::uint64_t at_least_epoch);

  effects on_reply(time now, task_id task, std::uint64_t attempt, verdict said);
  effects on_error(time now, task_id task, std::uint64_t attempt, ec reason,
                   const std::string& detail);
  /// The reply to a fetch_map, if it held a map.
  effects on_map(time now, task_id task, std::uint64_t attempt, std::uint64_t epoch,
                 std::vector<partition_place> places);
  /// The node's own replica knows who leads: whoever waits for another asks it at once, instead of
  /// when the silence of a peer has lasted long enough to be noticed.
  effects on_leader(time now, partition_id partition, const node_id& leader, std::uint64_t term);
  effects on_timer(time now);

  /// When on_timer() has work; none: never.
  std::optional<time> next_wake() const {
    return wakes_.empty() ? std::nullopt : std::optional{wakes_.begin()->first};
  }

  const cluster_view& view() const { return view_; }
  std::size_t tasks() const { return tasks_.size(); }

private:
  enum class waiting { answer, backoff, map, client };
  struct task {
    kind what{};
    route where;
    time deadline{};
    time wake{};  ///< its entry in wakes_
    waiting on = waiting::backoff;
    std::uint64_t attempt = 0;
    std::uint32_t rounds = 0;      ///< back-offs so far
    std::set<node_id> asked;       ///< since the last back-off
    partition_id partition = 0;    ///< of the newest attempt
    node_id node;                  ///< of the newest attempt
    std::uint64_t sequence = 0;    ///< of a command, at `partition`; 0: not stamped
    std::uint64_t generation = 0;  ///< of the client when it was stamped
    bool may_have_run = false;     ///< some attempt ended without an answer
    bool map_refreshed = false;    ///< for this task's sake
    std::uint32_t refusals = 0;    ///< overloaded, too many open, stamped anew
    std::uint32_t disk_fulls = 0;
    std::set<node_id> full_nodes;
    std::string last_detail = "nobody asked yet";
  };
  using task_entry = std::map<task_id, task>::value_type;

  task_entry* current(task_id id, std::uint64_t attempt);
  task_entry& add(task_id id, kind what, route where, time deadline);
  void set_wake(task_entry& of, time when);
  void drop(task_id id);
  void end_stamp(task& it);

  void run(time now, task_entry& of, effects& out);
  bool stamp_it(time now, task_entry& of, effects& out);
  void await_map(time now, task_entry& of, effects& out);
  void start_map(time now, effects& out);
  void start_open(time now, partition_id partition, effects& out);
  void release(time now, waiting on, effects& out);
  void back_off(time now, task_entry& of, effects& out);
  void refused(time now, task_entry& of, ec reason, effects& out);
  void give_up_refused(time now, task_entry& of, ec reason, effects& out);
  void disk_full(time now, task_entry& of, effects& out);
  void finish(time now, task_entry& of, effects& out);
  void give_up(time now, task_entry& of, ec reason, const std::string& detail, effects& out);
  void expire(time now, task_entry& of, effects& out);
  void wrong_partition(time now, task_entry& of, effects& out);
  void unknown_client(time now, task_entry& of, effects& out);

  router_times times_;
  cluster_view view_;
  random_source& random_;
  std::map<task_id, task> tasks_;
  std::set<std::pair<time, task_id>> wakes_;  ///< one a task: end of its back-off, or its deadline
  std::map<partition_id, client_window> clients_;
  std::map<partition_id, std::uint64_t> terms_;  ///< newest that on_leader() spoke of
  task_id last_own_ = std::uint64_t{1} << 63;
  std::optional<task_id> map_task_;
};

}  // namespace dunlin
