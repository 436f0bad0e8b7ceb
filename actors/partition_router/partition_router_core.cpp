#include "actors/partition_router/partition_router_core.hpp"
#include "runtime/observe/reached.hpp"

#include "runtime/observe/planted.hpp"

namespace dunlin {

namespace {

constexpr std::size_t tasks_max = 4096;
constexpr std::uint32_t refusals_max = 3;
// A leader with a full disk needs a moment to hand over; these back-offs add up to about a second.
constexpr std::uint32_t disk_fulls_max = 6;
constexpr std::uint32_t rounds_per_refresh = 4;

/// Errors after which the command may still run, or has run.
bool leaves_doubt(ec reason) {
  switch (reason) {
    case ec::not_leader:
    case ec::unavailable:
    case ec::overloaded:
    case ec::disk_full:
    case ec::stopping: return false;
    default: return true;
  }
}

/// Errors that another replica or a later attempt would give as well.
bool is_final(ec reason) {
  switch (reason) {
    case ec::invalid_argument:
    case ec::bad_message:
    case ec::unsupported:
    case ec::refused:
    case ec::unknown_outcome: return true;
    default: return false;
  }
}

}  // namespace

using core = partition_router_core;

core::effects core::on_wish(time now, task_id id, kind what, route where, time timeout) {
  effects out;
  if (tasks_.size() >= tasks_max) {
    out.emplace_back(fail{id, ec::overloaded, "too many requests wait"});
    return out;
  }
  if (timeout <= time::zero()) timeout = times_.timeout;
  run(now, add(id, what, where, now + timeout), out);
  return out;
}

core::effects core::on_get_map(time now, task_id id, std::uint64_t at_least_epoch) {
  effects out;
  if (view_.known() && view_.epoch() >= at_least_epoch)
    out.emplace_back(deliver{id});
  else if (tasks_.size() >= tasks_max)
    out.emplace_back(fail{id, ec::overloaded, "too many requests wait"});
  else
    await_map(now, add(id, kind::get_map, to_partition{0}, now + times_.timeout), out);
  return out;
}

core::task_entry* core::current(task_id id, std::uint64_t attempt) {
  const auto found = tasks_.find(id);
  const auto late = found == tasks_.end() || found->second.attempt != attempt ||
                    found->second.on != waiting::answer;
  return late ? nullptr : &*found;
}

core::task_entry& core::add(task_id id, kind what, route where, time deadline) {
  auto& entry = *tasks_.emplace(id, task{what, where, deadline}).first;
  entry.second.wake = deadline;
  wakes_.emplace(deadline, id);
  return entry;
}

void core::set_wake(task_entry& of, time when) {
  wakes_.erase({of.second.wake, of.first});
  of.second.wake = std::min(when, of.second.deadline);
  wakes_.emplace(of.second.wake, of.first);
}

void core::end_stamp(task& it) {
  if (it.sequence != 0) clients_[it.partition].done(it.sequence);
  it.sequence = 0;
}

void core::drop(task_id id) {
  const auto found = tasks_.find(id);
  end_stamp(found->second);
  wakes_.erase({found->second.wake, id});
  if (map_task_ == id) map_task_.reset();
  tasks_.erase(found);
}

// ---- on the way to a partition ----

void core::run(time now, task_entry& of, effects& out) {
  auto& it = of.second;
  if (it.deadline <= now) return expire(now, of, out);
  auto target = std::optional<partition_id>{};
  if (const auto* bucket = std::get_if<to_bucket>(&it.where))
    target = view_.owner(bucket->hash);
  else
    target = std::get<to_partition>(it.where).id;
  if (!target || !view_.nodes(*target)) {
    if (!it.map_refreshed) return await_map(now, of, out);
    it.map_refreshed = false;  // the newest map does not help: ask again a little later
    it.last_detail = "no partition for it is known";
    return back_off(now, of, out);
  }
  // Only an answered wrong_partition moves a command, and that ended its stamp.
  if (it.partition != *target && it.sequence != 0)
    return give_up(now, of, ec::unknown_outcome, "its bucket moved", out);
  it.partition = *target;
  auto node = view_.leader(*target);
  if (it.asked.contains(node)) return back_off(now, of, out);
  if (it.what == kind::command && !stamp_it(now, of, out)) return;
  it.node = node;
  it.asked.insert(std::move(node));
  it.on = waiting::answer;
  set_wake(of, it.deadline);
  auto client = std::optional<stamp>{};
  auto& window = clients_[it.partition];
  if (it.what == kind::command) client = stamp{it.sequence, window.lowest()};
  if (it.what == kind::open_client) client = stamp{window.last(), 0};
  out.push_back(send{of.first, ++it.attempt, it.what, it.partition, it.node, client,
                     std::min(times_.attempt_timeout, it.deadline - now)});
}

/// False: it waits for the client to be opened, or has failed.
bool core::stamp_it(time now, task_entry& of, effects& out) {
  auto& it = of.second;
  if (planted(bug::retry_with_new_stamp)) end_stamp(it);
  if (it.sequence != 0) {  // a retry carries the stamp of the first attempt
    DUNLIN_REACHED("router.retried_with_first_stamp");
    return true;
  }
  auto& window = clients_[it.partition];
  if (!window.open) {
    it.on = waiting::client;
    set_wake(of, it.deadline);
    if (!window.opening) start_open(now, it.partition, out);
    return false;
  }
  const auto number = window.take();
  if (!number) {
    give_up(now, of, ec::overloaded, "too many commands are unanswered", out);
    return false;
  }
  it.sequence = *number;
  it.generation = window.generation;
  return true;
}

void core::await_map(time now, task_entry& of, effects& out) {
  of.second.on = waiting::map;
  of.second.map_refreshed = true;
  set_wake(of, of.second.deadline);
  start_map(now, out);
}

void core::start_map(time now, effects& out) {
  if (map_task_) return;
  map_task_ = ++last_own_;
  run(now, add(*map_task_, kind::fetch_map, to_partition{0}, now + times_.timeout), out);
}

void core::start_open(time now, partition_id partition, effects& out) {
  clients_[partition].opening = true;
  run(now, add(++last_own_, kind::open_client, to_partition{partition}, now + times_.timeout), out);
}

void core::release(time now, waiting on, effects& out) {
  std::vector<task_id> ready;  // running one may change the map of tasks
  for (const auto& [id, it] : tasks_)
    if (it.on == on) ready.push_back(id);
  for (const auto id : ready) {
    const auto found = tasks_.find(id);
    if (found == tasks_.end() || found->second.on != on) continue;
    if (found->second.what == kind::get_map)
      finish(now, *found, out);
    else
      run(now, *found, out);
  }
}

void core::back_off(time now, task_entry& of, effects& out) {
  auto& it = of.second;
  const auto doubled = times_.backoff_min * (1u << std::min(it.rounds, 10u));
  const auto bound = std::min(doubled, times_.backoff_max);
  const auto spread = static_cast<std::uint64_t>(bound.count()) / 2 + 1;
  ++it.rounds;
  it.asked.clear();
  it.on = waiting::backoff;
  set_wake(of, now + std::max(bound / 2, time{1}) + time{random_.next() % spread});
  // Whoever fails that long may be asking the wrong nodes.
  if (it.partition != 0 && it.rounds % rounds_per_refresh == 0) start_map(now, out);
}

// ---- on the way back ----

core::effects core::on_reply(time now, task_id id, std::uint64_t attempt, verdict said) {
  effects out;
  auto* of = current(id, attempt);
  if (!of) return out;
  view_.believe(of->second.partition, of->second.node);
  switch (said) {
    case verdict::done: finish(now, *of, out); break;
    case verdict::wrong_partition: wrong_partition(now, *of, out); break;
    case verdict::unknown_client: unknown_client(now, *of, out); break;
    case verdict::too_many_open: refused(now, *of, ec::overloaded, out); break;
    case verdict::no_map:
      of->second.last_detail = "the cluster has no map yet";
      back_off(now, *of, out);
      break;
  }
  return out;
}

core::effects core::on_map(time now, task_id id, std::uint64_t attempt, std::uint64_t epoch,
                           std::vector<partition_place> places) {
  effects out;
  auto* of = current(id, attempt);
  if (!of) return out;
  view_.take(epoch, std::move(places));
  view_.believe(0, of->second.node);
  drop(id);
  release(now, waiting::map, out);
  return out;
}

core::effects core::on_error(time now, task_id id, std::uint64_t attempt, ec reason,
                             const std::string& detail) {
  effects out;
  auto* of = current(id, attempt);
  if (!of) return out;
  auto& it = of->second;
  it.may_have_run = it.may_have_run || leaves_doubt(reason);
  it.last_detail = it.node + ": " + std::string(to_string(reason));
  if (!detail.empty()) it.last_detail += ", " + detail;
  if (is_final(reason))
    give_up(now, *of, reason, detail, out);
  else if (reason == ec::overloaded)
    refused(now, *of, reason, out);
  else if (reason == ec::disk_full)
    disk_full(now, *of, out);
  else {
    // A hint is followed at once; one that leads back to who was asked already ends in a back-off.
    const auto hinted =
        reason == ec::not_leader && detail != it.node && view_.believe(it.partition, detail);
    if (!hinted) view_.doubt(it.partition, it.node);
    run(now, *of, out);
  }
  return out;
}

core::effects core::on_leader(time now, partition_id partition, const node_id& leader,
                              std::uint64_t term) {
  effects out;
  auto& newest = terms_[partition];
  if (term < newest || !view_.believe(partition, leader)) return out;
  newest = term;
  std::vector<task_id> waiting_for_another;  // running one may change the map of tasks
  for (const auto& [id, it] : tasks_) {
    const auto asks_another = it.on == waiting::answer && it.node != leader;
    if (it.partition == partition && (asks_another || it.on == waiting::backoff))
      waiting_for_another.push_back(id);
  }
  for (const auto id : waiting_for_another) {
    const auto found = tasks_.find(id);
    if (found == tasks_.end()) continue;
    auto& it = found->second;
    // Who did not answer may have done it; the stamp keeps it from being done twice.
    it.may_have_run = it.may_have_run || it.on == waiting::answer;
    it.asked.clear();
    run(now, *found, out);
  }
  return out;
}

void core::refused(time now, task_entry& of, ec reason, effects& out) {
  if (++of.second.refusals > refusals_max)
    give_up_refused(now, of, reason, out);
  else
    back_off(now, of, out);
}

/// The last attempt did not run; an earlier one may have.
void core::give_up_refused(time now, task_entry& of, ec reason, effects& out) {
  const auto& it = of.second;
  const bool doubt = it.what == kind::command && it.may_have_run;
  give_up(now, of, doubt ? ec::unknown_outcome : reason, it.last_detail, out);
}

void core::disk_full(time now, task_entry& of, effects& out) {
  auto& it = of.second;
  it.full_nodes.insert(it.node);
  // One full disk is that node's trouble; two are the cluster's.
  if (it.full_nodes.size() >= 2 || ++it.disk_fulls >= disk_fulls_max)
    return give_up_refused(now, of, ec::disk_full, out);
  DUNLIN_REACHED("router.full_disk_avoided");
  view_.doubt(it.partition, it.node);
  run(now, of, out);
}

void core::wrong_partition(time now, task_entry& of, effects& out) {
  auto& it = of.second;
  end_stamp(it);
  it.may_have_run = false;
  it.asked.clear();
  // The caller named the partition, or the newest map says the same: the answer is the caller's.
  if (it.map_refreshed || std::holds_alternative<to_partition>(it.where))
    finish(now, of, out);
  else
    await_map(now, of, out);
}

void core::unknown_client(time now, task_entry& of, effects& out) {
  auto& it = of.second;
  if (it.what == kind::open_client)
    return give_up(now, of, ec::stale, "a newer life of this node is open", out);
  // An earlier attempt may have run before the partition forgot the client (decision 14).
  if (it.may_have_run) {
    DUNLIN_REACHED("router.outcome_unknown");
    return give_up(now, of, ec::unknown_outcome, "the partition forgot this client", out);
  }
  DUNLIN_REACHED("router.client_reopened");
  auto& window = clients_[it.partition];
  if (window.generation == it.generation) window.open = false;
  end_stamp(it);
  it.asked.clear();
  if (++it.refusals > refusals_max)
    return give_up(now, of, ec::unavailable, "the partition forgets this client", out);
  run(now, of, out);
}

void core::finish(time now, task_entry& of, effects& out) {
  const auto [id, what, partition] = std::tuple{of.first, of.second.what, of.second.partition};
  drop(id);
  if (what != kind::open_client) return out.push_back(deliver{id});
  auto& window = clients_[partition];
  window.open = true;
  window.opening = false;
  ++window.generation;
  release(now, waiting::client, out);
}

void core::give_up(time now, task_entry& of, ec reason, const std::string& detail, effects& out) {
  const auto [id, what, partition] = std::tuple{of.first, of.second.what, of.second.partition};
  const auto text = detail;  // may live in the task
  drop(id);
  if (what == kind::fetch_map) {
    const auto wanted = std::any_of(tasks_.begin(), tasks_.end(),
                                    [](const auto& one) { return one.second.on == waiting::map; });
    if (wanted) start_map(now, out);
    return;
  }
  if (what != kind::open_client) return out.push_back(fail{id, reason, text});
  clients_[partition].opening = false;
  if (reason != ec::stale) return release(now, waiting::client, out);
  // This life is over: nothing it asks will run again.
  std::vector<task_id> doomed;
  for (const auto& [other, it] : tasks_)
    if (it.on == waiting::client && it.partition == partition) doomed.push_back(other);
  for (const auto other : doomed) {
    drop(other);
    out.push_back(fail{other, reason, text});
  }
}

void core::expire(time now, task_entry& of, effects& out) {
  DUNLIN_REACHED("router.request_expired");
  auto& it = of.second;
  const auto unknown = it.may_have_run || it.on == waiting::answer;
  give_up(now, of, unknown ? ec::timed_out : ec::unavailable, it.last_detail, out);
}

core::effects core::on_timer(time now) {
  effects out;
  while (!wakes_.empty() && wakes_.begin()->first <= now) {
    auto& of = *tasks_.find(wakes_.begin()->second);
    if (of.second.deadline <= now)
      expire(now, of, out);
    else
      run(now, of, out);
  }
  return out;
}

}  // namespace dunlin
