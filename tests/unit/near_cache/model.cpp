#include "tests/unit/near_cache/model.hpp"

#include <algorithm>

namespace dunlin {

using namespace std::chrono_literals;

near_cache_model::near_cache_model(std::uint64_t seed)
    : seed_{seed}, random_{seed}, parameters_{any_parameters()}, core_{parameters_, now_} {
  keys_ = 1 + below(8);
  loss_ = chance(50) ? static_cast<unsigned>(below(40)) : 0;
  slow_ = chance(50) ? static_cast<unsigned>(below(30)) : 2;
  lying_ = chance(30);
  patience_ = time{1 + below(80)};
  was_mirror = parameters_.mirror;
  const auto many = 1 + below(3);
  for (partition_id id = 1; id <= many; ++id)
    partitions_[id].tick = below(50);
  for (std::size_t i = 0; i < keys_; ++i)
    state_["k" + std::to_string(i)].owner = static_cast<partition_id>(1 + below(many));
}

near_cache_parameters near_cache_model::any_parameters() {
  near_cache_parameters it;
  it.mode = chance(30) ? cache_mode::validated : cache_mode::bounded;
  it.time_to_live = chance(50) ? 300s : time{1 + below(2000)};
  it.staleness_max = time{below(1000)};
  it.items_max = below(12);
  it.bytes_max = chance(30) ? 1'000 + below(8'000) : 1u << 20;
  it.carry_values = chance(70);
  it.mirror = chance(25);
  if (it.mirror) it.items_max = 8 + below(4);
  it.invalidation_interval = chance(20) ? time{100 + below(1000)} : 0ms;
  it.tickets_max = chance(30) ? 1 + below(5) : 100;
  it.readers_max = chance(30) ? 1 + below(10) : 1'000;
  it.key_readers_max = chance(30) ? 1 + below(5) : 1'000;
  it.ask_patience = chance(50) ? 1s : time{1 + below(300)};
  it.prefetches_max = 1 + below(3);
  it.prefetch_pause = time{1 + below(100)};
  return it;
}

near_cache_model::time near_cache_model::delay() {
  return chance(slow_) ? time{below(1500)} : time{below(12)};
}

void near_cache_model::fault(const std::string& text) {
  if (failure_.empty())
    failure_ = text + " at " + std::to_string(now_.count()) + ", seed " + std::to_string(seed_);
}

std::string near_cache_model::run() {
  end_ = now_ + time{500 + below(4000)};
  for (auto when = now_; when < end_; when += time{below(8)})
    at(when, [this] { act(); });
  for (auto& [id, state] : partitions_) {
    // Some subscriptions begin when there is much in the cache already.
    const auto begin = chance(60) ? now_ : now_ + time{below(1500)};
    at(begin, [&state = state] {
      state.subscribed = true;
      state.base = state.tick;
      state.through = state.ordinal;
    });
    for (auto when = now_; when < end_; when += time{20 + below(100)})
      at(when, [this, id = id] { ask_news(id); });
  }
  if (was_mirror) {
    std::vector<std::string> names;
    for (const auto& [name, state] : state_)
      names.push_back(name);
    take(core_.mirror(now_, names));
  }
  while (!events_.empty() && failure_.empty()) {
    const auto next = events_.begin();
    now_ = next->first;
    const auto what = std::move(next->second);
    events_.erase(next);
    what();
    if (const auto wake = core_.next_wake(); wake && *wake <= now_ && now_ < end_)
      take(core_.on_timer(now_));
    core_.check();
  }
  if (failure_.empty() && !readers_.empty()) fault("readers without an answer");
  if (failure_.empty() && core_.tickets() + core_.waiting() != 0) fault("something stays open");
  return failure_;
}

void near_cache_model::act() {
  if (parameters_.mirror && !listing_ && chance(4)) return list();
  const auto dice = below(1000);
  if (dice < 600) return look_up();
  if (dice < 780) return commit_elsewhere();
  if (dice < 920) return write();
  if (dice < 950) return lying_ ? lie() : commit_elsewhere();
  if (dice < 965) return move();
  if (dice < 975) {
    ++drops;
    if (chance(50)) return take(core_.on_drop_all(now_, cache_death::command));
    const auto id = static_cast<partition_id>(1 + below(partitions_.size()));
    return take(core_.on_drop(now_, id, 0, cache_death::command));
  }
  if (dice < 980) {
    const auto old = parameters_.staleness_max;
    parameters_ = any_parameters();
    // Of readers that wait the older bound may have been obeyed already.
    for (auto& [id, waiting] : readers_)
      waiting.staleness_max = std::max({waiting.staleness_max, old, parameters_.staleness_max});
    return take(core_.set_parameters(now_, parameters_));
  }
  look_up();
}

// ---- readers ----

void near_cache_model::look_up() {
  ++lookups;
  const auto key = any_key();
  const auto& state = state_[key];
  const auto confirmed = chance(10);
  const auto strict = confirmed || parameters_.mode == cache_mode::validated;
  const auto newest = strict && !state.versions.empty() ? state.versions.back().tick : 0;
  const auto id = ++last_reader_;
  readers_[id] = {key, now_, strict, std::max(newest, state.acknowledged),
                  parameters_.staleness_max};
  take(core_.look_up(now_, key, id, confirmed ? core::wants::confirmed : core::wants::served));
}

void near_cache_model::take(const core::effects& effects) {
  for (const auto& one : effects) {
    if (const auto* it = std::get_if<core::ask>(&one)) asked(*it);
    if (const auto* it = std::get_if<core::serve>(&one)) served(*it);
    if (const auto* it = std::get_if<core::fail>(&one)) {
      ++refused;
      if (readers_.erase(it->reader) == 0) fault("a reader failed that does not wait");
    }
  }
}

void near_cache_model::asked(const core::ask& what) {
  const auto reads_at = now_ + delay();
  if (chance(5)) {
    at(reads_at, [this, what] { take(core_.on_answer(now_, what.ticket, ec::timed_out)); });
    return;
  }
  at(reads_at, [this, what] {
    const auto said = read(what);
    at(now_ + delay(), [this, what, said] { take(core_.on_answer(now_, what.ticket, said)); });
  });
}

near_cache_core::answer near_cache_model::read(const core::ask& asked) const {
  const auto& key = state_.at(asked.key);
  const auto tick = partitions_.at(key.owner).tick;
  if (key.versions.empty() || !key.versions.back().present) return core::absent{key.owner, tick};
  const auto newest = key.versions.back().tick;
  if (newest == asked.known) return core::unchanged{key.owner, tick};
  return core::found{key.owner, tick, newest, value(asked.key, newest)};
}

cached_value near_cache_model::value(const std::string& key, std::uint64_t tick) {
  return {std::make_shared<const std::string>(words(key, tick)), 50 + tick % 200};
}

std::uint64_t near_cache_model::newest_before(const key_state& key, time when) {
  std::uint64_t newest = 0;
  for (const auto& one : key.versions)
    if (one.committed < when) newest = one.tick;
  return newest;
}

void near_cache_model::served(const core::serve& what) {
  ++answered;
  const auto found = readers_.find(what.reader);
  if (found == readers_.end()) return fault("a reader was answered that does not wait");
  const auto who = found->second;
  readers_.erase(found);
  auto& key = state_[who.key];
  const auto tick = what.item.tick;
  check_item(key, what, who.key);
  if (tick < who.at_least)
    fault(who.key + ": served " + std::to_string(tick) + ", owed " + std::to_string(who.at_least) +
          (who.strict ? " (strict)" : " (own write)"));
  if (!who.strict && tick < newest_before(key, who.came - who.staleness_max))
    fault(who.key + ": served " + std::to_string(tick) + " beyond the bound");
  if (tick < newest_before(key, now_ - what.age))
    fault(who.key + ": " + std::to_string(tick) + " is older than its age says");
  if (tick < key.served)
    fault(who.key + ": went back from " + std::to_string(key.served) + " to " +
          std::to_string(tick));
  key.served = std::max(key.served, tick);
}

void near_cache_model::check_item(const key_state& key, const core::serve& what,
                                  const std::string& name) {
  const auto tick = what.item.tick;
  const version* then = nullptr;  // what it was as of that tick
  for (const auto& one : key.versions)
    if (one.tick <= tick) then = &one;
  if (!what.item.value) {
    if (then && then->present) fault(name + " was not absent at " + std::to_string(tick));
    return;
  }
  if (!then || then->tick != tick || !then->present)
    fault(name + " has no version " + std::to_string(tick));
  else if (what.item.value->as<std::string>() != words(name, tick))
    fault(name + " was served with another value");
}

// ---- writers ----

std::uint64_t near_cache_model::commit(const std::string& name, bool present) {
  ++commits;
  auto& key = state_[name];
  auto& at = partitions_[key.owner];
  const auto before = key.versions.empty() ? version{} : key.versions.back();
  const auto tick = ++at.tick;
  key.versions.push_back({tick, now_, present});
  change_content content = changed{};
  const auto form = below(4);
  if (form != 0 && !present) content = removed{};
  if (form == 1 && present) content = value(name, tick);
  if (form == 2 && present)
    content =
        partial_value{before.tick, [this, name, before, tick](const cached_value& held) {
                        if (!before.present || held.as<std::string>() != words(name, before.tick))
                          fault(name + ": merged onto another version");
                        return std::optional{value(name, tick)};
                      }};
  announce(key.owner, {0, tick, name, content});
  return tick;
}

void near_cache_model::commit_elsewhere() { commit(any_key(), chance(80)); }

void near_cache_model::write() {
  const auto key = any_key();
  const auto ticket = core_.begin_write(now_, key);
  at(now_ + delay(), [this, ticket, key] { end_write(ticket, key); });
}

void near_cache_model::end_write(core::ticket_id ticket, const std::string& key) {
  if (chance(10)) return take(core_.on_write_refused(now_, ticket));
  if (chance(10)) {  // nobody can tell, and it may yet happen
    take(core_.on_write_lost(now_, ticket, key));
    if (chance(50)) at(now_ + delay(), [this, key] { commit(key, true); });
    return;
  }
  const auto present = chance(80);
  const auto tick = commit(key, present);
  const auto owner = state_[key].owner;
  change_content content = changed{};
  if (!chance(20)) {
    if (present)
      content = value(key, tick);
    else
      content = removed{};
  }
  at(now_ + delay(), [this, ticket, key, owner, tick, content] {
    take(core_.on_written(now_, ticket, key, owner, tick, content));
    auto& state = state_[key];
    state.acknowledged = std::max(state.acknowledged, tick);
    state.served = std::max(state.served, tick);  // by the writer's own client
  });
}

void near_cache_model::move() {
  auto& key = state_[any_key()];
  const auto to = static_cast<partition_id>(1 + below(partitions_.size()));
  if (to == key.owner) return;
  ++moves;
  auto& from = partitions_[key.owner];
  const auto tick = ++from.tick;
  announce(key.owner, {0, tick, "", changed{}});
  partitions_[to].tick = std::max(partitions_[to].tick, tick);
  key.owner = to;
}

/// A page of what one partition has, with the values or only the names.
void near_cache_model::list() {
  listing_ = true;
  ++pages;
  core_.begin_page(now_);
  const auto id = static_cast<partition_id>(1 + below(partitions_.size()));
  at(now_ + delay(), [this, id] {
    std::vector<core::listed> items;
    for (const auto& [name, key] : state_) {
      if (key.owner != id || key.versions.empty() || !key.versions.back().present) continue;
      const auto tick = key.versions.back().tick;
      items.push_back({name, tick, {}});
      if (!chance(20)) items.back().value = value(name, tick);
    }
    at(now_ + delay(), [this, id, read = partitions_[id].tick, items] {
      listing_ = false;
      if (chance(10)) return core_.give_up_page();
      take(core_.on_page(now_, id, read, items));
    });
  });
}

void near_cache_model::lie() {
  ++lies;
  const auto tick = (std::uint64_t{1} << (30 + below(33))) + below(1000);
  const auto id = static_cast<partition_id>(1 + below(partitions_.size() + 2));
  const auto key = any_key();
  change_content content = changed{};
  if (chance(40)) content = value("poison", tick);
  if (chance(20)) content = removed{};
  if (chance(20)) return take(core_.on_whole(now_, id, tick));
  take(core_.on_update(now_, id, key, tick, content));
}

// ---- the subscription ----

void near_cache_model::announce(partition_id id, change what) {
  auto& from = partitions_[id];
  what.ordinal = ++from.ordinal;
  from.announced.push_back(what);
  if (chance(loss_)) return;
  for (auto copies = chance(15) ? 2 : 1; copies > 0; --copies)
    at(now_ + delay(), [this, id, what] { deliver(id, what); });
}

void near_cache_model::deliver(partition_id id, const change& what) {
  if (!partitions_[id].subscribed) return;
  if (what.key.empty())
    take(core_.on_whole(now_, id, what.tick));
  else
    take(core_.on_update(now_, id, what.key, what.tick, what.content));
  auto& from = partitions_[id];
  if (what.ordinal > from.through) from.beyond.insert(what.ordinal);
  while (from.beyond.erase(from.through + 1) == 1)
    ++from.through;
  prove(id);
}

void near_cache_model::ask_news(partition_id id) {
  const auto& from = partitions_[id];
  if (!from.subscribed) return;
  const news said{now_, from.tick, from.ordinal};
  at(now_ + delay(), [this, id, said] {
    partitions_[id].unproven.push_back(said);
    prove(id);
    at(now_ + patience_, [this, id, asked = said.asked] { lose_patience(id, asked); });
  });
}

void near_cache_model::prove(partition_id id) {
  auto& from = partitions_[id];
  std::erase_if(from.unproven, [&](const news& one) {
    if (one.last > from.through) return false;
    core_.on_proven(now_, id, {one.asked, from.base, one.tick});
    return true;
  });
}

// A hole that stays: whatever was missed, the newest news is the base from now on.
void near_cache_model::lose_patience(partition_id id, time asked) {
  auto& from = partitions_[id];
  const auto waits = [&](const news& one) { return one.asked == asked; };
  if (std::none_of(from.unproven.begin(), from.unproven.end(), waits)) return;
  ++drops;
  const auto newest =
      *std::max_element(from.unproven.begin(), from.unproven.end(),
                        [](const news& one, const news& other) { return one.last < other.last; });
  from.base = newest.tick;
  from.through = std::max(from.through, newest.last);
  from.beyond.erase(from.beyond.begin(), from.beyond.upper_bound(from.through));
  while (from.beyond.erase(from.through + 1) == 1)
    ++from.through;
  take(core_.on_drop(now_, id, from.base, cache_death::gap));
  prove(id);
}

}  // namespace dunlin
