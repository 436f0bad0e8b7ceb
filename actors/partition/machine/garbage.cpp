#include "actors/partition/machine/commands.hpp"
#include "actors/partition/machine/page_run.hpp"
#include "runtime/observe/planted.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>
#include <vector>

namespace dunlin::machine {

/// Far above any upload's life: no commit comes later than this after its pages were fenced.
static constexpr std::int64_t fence_life_ms = 30ll * 24 * 3600 * 1000;
static constexpr std::size_t fences_forgotten_at_once = 64;

static std::string item_row(const v1::Item& item) {
  return keys::item(item.bucket_id(), item.key(), item.upload_id());
}

struct range_row {
  std::string row;  // ends with the last page of the range
  std::string value;
};

/// The row of an item in fences or garbage_items that may share a page with `run`: the first one
/// whose last page is not below the run's first, since the rows of an item never overlap.
static std::optional<range_row> candidate(const context& at, table where, std::string_view of_item,
                                          const v1::PageRun& run) {
  const auto of_set = keys::pages(of_item, run.replica_set(), {});
  std::optional<range_row> found;
  at.store.scan(where, keys::pages(of_item, run.replica_set(), run.first_page()),
                [&](std::string_view row, std::string_view value) {
                  if (row.starts_with(of_set)) found = {std::string(row), std::string(value)};
                  return false;
                });
  return found;
}

struct fence_row {
  std::string row;
  v1::FenceRecord record;
};

static std::optional<fence_row> find_fence(const context& at, std::string_view of_item,
                                           const v1::PageRun& run) {
  const auto found = candidate(at, table::fences, of_item, run);
  if (!found) return std::nullopt;
  auto record = context::parse<v1::FenceRecord>(found->value);
  if (record.first_page() > *page_run::last_page(run)) return std::nullopt;
  return fence_row{found->row, std::move(record)};
}

bool fenced(const context& at, const v1::Item& item, const v1::Layout& layout) {
  const auto of_item = item_row(item);
  return std::any_of(layout.runs().begin(), layout.runs().end(), [&](const v1::PageRun& run) {
    return find_fence(at, of_item, run).has_value();
  });
}

static bool in_garbage(const context& at, std::string_view of_item, const v1::PageRun& run) {
  const auto found = candidate(at, table::garbage_items, of_item, run);
  return found && found->value <= *page_run::last_page(run);
}

/// Layouts that the item's own rows refer to.
static std::vector<v1::Layout> referenced(const context& at, const v1::Item& item) {
  std::vector<v1::Layout> layouts;
  if (item.upload_id().empty()) {
    if (auto object = find_object(at, item.bucket_id(), item.key()))
      layouts.push_back(std::move(*object->record.mutable_layout()));
    return layouts;
  }
  each(at.store, table::parts, item_row(item), [&](std::string_view, std::string_view value) {
    layouts.push_back(context::parse<v1::PartRecord>(value).layout());
    return true;
  });
  return layouts;
}

static void fence(context& at, std::string_view of_item, const v1::PageRun& run) {
  auto first = run.first_page();
  auto last = *page_run::last_page(run);
  while (const auto other = find_fence(at, of_item, run)) {  // rows of an item must not overlap
    first = std::min(first, other->record.first_page());
    last = std::max(last, other->row.substr(other->row.size() - keys::id_bytes));
    at.store.erase(table::fences, other->row);
  }
  v1::FenceRecord record;
  record.set_first_page(first);
  record.set_since_ms(at.state.leader_time_ms());
  const auto row = keys::pages(of_item, run.replica_set(), last);
  at.put(table::fences, row, record);
  const auto since = static_cast<std::uint64_t>(record.since_ms());
  at.store.put(table::fence_times, keys::number(since) + row, {});
}

/// A few of the oldest fences go with every new one, so that the table stays bounded.
static void forget_old_fences(context& at) {
  std::vector<std::string> old;
  at.store.scan(table::fence_times, {}, [&](std::string_view row, std::string_view) {
    const auto since = static_cast<std::int64_t>(keys::read_number(row.substr(0, 8)));
    if (since + fence_life_ms > at.state.leader_time_ms()) return false;
    old.emplace_back(row);
    return old.size() < fences_forgotten_at_once;
  });
  for (const auto& row : old) {
    at.store.erase(table::fence_times, row);
    const auto fence_key = row.substr(8);
    const auto record = at.get<v1::FenceRecord>(table::fences, fence_key);
    // A younger fence may have taken its row.
    const auto since = static_cast<std::int64_t>(keys::read_number(row.substr(0, 8)));
    if (record && record->since_ms() == since) at.store.erase(table::fences, fence_key);
  }
}

static status::Status check(const context& at, const v1::FencePages& command) {
  const auto& item = command.item();
  const auto upload_size = item.upload_id().size();
  if (upload_size != 0 && upload_size != keys::id_bytes) return status::INVALID;
  if (command.runs_size() == 0 || command.runs_size() > static_cast<int>(items_max))
    return status::INVALID;
  for (const auto& run : command.runs())
    if (!page_run::last_page(run)) return status::INVALID;
  return at.owns(item.bucket_id(), item.key());
}

v1::CommandReply apply(context& at, const v1::FencePages& command) {
  if (const auto code = check(at, command); code != status::OK) return reply(code);
  forget_old_fences(at);
  const auto of_item = item_row(command.item());
  const auto layouts = referenced(at, command.item());
  auto answer = reply(status::OK);
  for (const auto& run : command.runs()) {
    const bool named = std::any_of(layouts.begin(), layouts.end(), [&](const v1::Layout& layout) {
      return page_run::overlap(layout, run);
    });
    if (named) DUNLIN_REACHED("machine.named_since_sweeper_looked");
    const bool kept =
        in_garbage(at, of_item, run) || (named && !planted(bug::fence_trusts_look_up));
    answer.add_kept(kept);
    if (kept) {
      DUNLIN_REACHED("machine.fence_refused");
      answer.set_status(status::REFERENCED);
    } else {
      DUNLIN_REACHED("machine.fence_committed");
      fence(at, of_item, run);
    }
  }
  answer.set_tick(at.next_tick());
  return answer;
}

v1::CommandReply apply(context& at, const v1::ForgetGarbage& command) {
  if (command.ticks_size() > static_cast<int>(items_max)) return reply(status::INVALID);
  for (const auto tick : command.ticks()) {
    const auto row = keys::number(tick);
    const auto garbage = at.get<v1::GarbageRecord>(table::garbage, row);
    if (!garbage) continue;
    const auto of_item = item_row(garbage->item());
    for (const auto& run : garbage->layout().runs())
      at.store.erase(table::garbage_items,
                     keys::pages(of_item, run.replica_set(), *page_run::last_page(run)));
    DUNLIN_REACHED("machine.garbage_forgotten");
    at.store.erase(table::garbage, row);
    at.next_tick();
  }
  return reply(status::OK, at.state.tick());
}

status::Status answer(const context& at, const v1::ListGarbage& query, v1::QueryReply& reply) {
  const auto wanted = static_cast<int>(std::min(query.items_max(), items_max));
  std::size_t bytes = 0;
  if (wanted == 0 || query.after() == UINT64_MAX) return status::OK;
  at.store.scan(table::garbage, keys::number(query.after() + 1),
                [&](std::string_view, std::string_view value) {
                  bytes += value.size();
                  const int listed = reply.garbage_size();
                  reply.set_truncated(listed == wanted || (listed > 0 && bytes > reply_bytes_max));
                  if (!reply.truncated())
                    *reply.add_garbage() = context::parse<v1::GarbageRecord>(value);
                  return !reply.truncated();
                });
  return status::OK;
}

}  // namespace dunlin::machine
