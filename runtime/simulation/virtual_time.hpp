/// VIRTUAL TIME: actors of a system with the "testing" scheduler and an event loop on one clock.
///
/// Actors belong to groups (the nodes of a cluster): whoever is spawned in a turn belongs to the
/// group of the actor whose turn it is, and what is spawned inside as() to the group named there.
/// So all actors of a node can be held up at once, as SIGSTOP would, while the world goes on: their
/// timers run out and mail piles up; after resume() all of it is there at one instant.
#pragma once

#include "runtime/simulation/event_loop.hpp"

#include <caf/actor_system.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <set>
#include <vector>

namespace dunlin::simulation {

class virtual_time {
public:
  using group = std::uint8_t;  ///< 0: nobody's

  /// `pick`, if given, is asked which of n ready actors has the next turn: the seed decides.
  using picker = std::function<std::size_t(std::size_t ready)>;

  virtual_time(caf::actor_system& system, event_loop& loop, picker pick = {})
      : system_{system},
        scheduler_{dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())},
        loop_{loop},
        pick_{std::move(pick)} {}

  /// Runs what is ready at this instant: all turns of actors, all events due now.
  void settle() {
    do {
      while (turn()) {}
    } while (loop_.run_one() || may_turn());
  }

  /// Lets `span` pass, stopping at every event and every actor's timer.
  void run_for(event_loop::time span) {
    const auto end = loop_.now() + span;
    settle();
    while (loop_.now() < end) {
      auto stop = end;
      if (const auto event = loop_.next()) stop = std::min(stop, *event);
      if (const auto timer = next_timer()) stop = std::min(stop, *timer);
      scheduler_.advance_time(stop - loop_.now());
      loop_.advance_to(stop);
      settle();
    }
  }

  /// Lets time pass until `done` holds; false if it does not within `limit`.
  template <class Predicate>
  bool run_until(Predicate done, event_loop::time limit,
                 event_loop::time step = std::chrono::milliseconds(1)) {
    const auto end = loop_.now() + limit;
    settle();
    while (!done()) {
      if (loop_.now() >= end) return false;
      run_for(step);
    }
    return true;
  }

  event_loop::time now() const { return loop_.now(); }

  // ---- groups ----

  /// What `work` spawns belongs to the group.
  template <class Work>
  auto as(group whose, Work work) {
    claim(current_);
    struct back {
      virtual_time& of;
      group before;
      ~back() {
        of.claim(of.current_);
        of.current_ = before;
      }
    } restore{*this, std::exchange(current_, whose)};
    return work();
  }

  /// Whose turn it is; 0 between turns.
  group current() const { return current_; }

  void pause(group whose) { paused_.insert(whose); }
  void resume(group whose) { paused_.erase(whose); }
  bool is_paused(group whose) const { return paused_.contains(whose); }

  /// Asked when an actor is to have its next turn: how long the turn takes, before anybody sees
  /// what it does. Others have their turns meanwhile, and its own mail waits. Null: no time at all.
  using service = std::function<event_loop::time(group whose, caf::scheduled_actor& next)>;
  void set_service(service takes) {
    service_ = std::move(takes);
    serving_.clear();
  }

  /// Called before every turn.
  using observer = std::function<void(group whose, caf::scheduled_actor& next)>;
  void set_observer(observer sees) { observer_ = std::move(sees); }

private:
  /// CAF keeps its timers to itself; a derived class may look.
  struct open_clock : caf::detail::test_actor_clock {
    static const auto& timers(const caf::detail::test_actor_clock& clock) {
      return clock.*(&open_clock::schedule_);
    }
  };

  static caf::scheduled_actor& actor_of(caf::resumable* job) {
    // The testing scheduler is given nothing else.
    return static_cast<caf::scheduled_actor&>(*job);
  }

  group group_of(const caf::scheduled_actor& one) {
    claim(current_);
    return one.id() < groups_.size() ? groups_[one.id()] : group{0};
  }

  /// Ids are given in sequence.
  void claim(group whose) {
    const auto newest = system_.latest_actor_id();
    if (newest >= groups_.size()) groups_.resize(newest + 1, whose);
  }

  bool selective() const { return !paused_.empty() || service_; }

  bool may_turn() {
    auto& jobs = scheduler_.jobs;
    if (!selective()) return !jobs.empty();
    return std::any_of(jobs.begin(), jobs.end(), [&](auto* job) { return may_run(actor_of(job)); });
  }

  /// Not while its group is held up, nor before its service is over.
  bool may_run(caf::scheduled_actor& next) {
    const auto whose = group_of(next);
    if (paused_.contains(whose)) return false;
    if (!service_) return true;
    if (const auto found = serving_.find(next.id()); found != serving_.end())
      return found->second <= loop_.now();
    const auto takes = service_(whose, next);
    if (takes <= event_loop::time{0}) return true;
    serving_[next.id()] = loop_.now() + takes;
    loop_.after(takes, [] {});
    return false;
  }

  bool turn() {
    auto& jobs = scheduler_.jobs;
    if (jobs.empty()) return false;
    const auto chosen = selective() ? choose_among_some() : choose(jobs.size());
    if (chosen >= jobs.size()) return false;
    const auto at = jobs.begin() + static_cast<std::ptrdiff_t>(chosen);
    if (chosen > 0) std::rotate(jobs.begin(), at, at + 1);
    auto& next = actor_of(jobs.front());
    current_ = group_of(next);
    if (!serving_.empty()) serving_.erase(next.id());
    if (observer_) observer_(current_, next);
    scheduler_.run_once();
    claim(current_);
    current_ = 0;
    return true;
  }

  std::size_t choose(std::size_t ready) { return pick_ && ready > 1 ? pick_(ready) : 0; }

  /// Beyond the last job if none may run.
  std::size_t choose_among_some() {
    auto& jobs = scheduler_.jobs;
    ready_.clear();
    for (std::size_t i = 0; i < jobs.size(); ++i)
      if (may_run(actor_of(jobs[i]))) ready_.push_back(i);
    return ready_.empty() ? jobs.size() : ready_[choose(ready_.size())];
  }

  std::optional<event_loop::time> next_timer() {
    const auto& clock = scheduler_.clock();
    const auto& timers = open_clock::timers(clock);
    if (timers.empty()) return std::nullopt;
    // A timer that is overdue fires with the next step, however small.
    const auto wait = std::max(timers.begin()->first - clock.now(), event_loop::time{1});
    return loop_.now() + wait;
  }

  caf::actor_system& system_;
  caf::scheduler::test_coordinator& scheduler_;
  event_loop& loop_;
  picker pick_;
  service service_;
  observer observer_;
  group current_ = 0;
  std::vector<group> groups_;  // by actor id
  std::set<group> paused_;
  std::map<caf::actor_id, event_loop::time> serving_;  // whose turn has begun, and when it ends
  std::vector<std::size_t> ready_;
};

}  // namespace dunlin::simulation
