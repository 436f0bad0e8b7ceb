#include "actors/collector/collector_plan.hpp"

#include "messages/page_id.hpp"

#include <algorithm>

namespace dunlin::collector {

static std::set<node_id> storage_nodes(const v1::ClusterMap& map) {
  std::set<node_id> nodes;
  for (const auto& set : map.replica_sets())
    nodes.insert(set.nodes().begin(), set.nodes().end());
  return nodes;
}

std::vector<partition_id> turn(const v1::ClusterMap& map, const node_id& self,
                               std::uint64_t round) {
  const auto nodes = storage_nodes(map);
  const auto found = nodes.find(self);
  std::vector<partition_id> mine;
  if (found == nodes.end()) return mine;
  const auto index = static_cast<std::uint64_t>(std::distance(nodes.begin(), found));
  const auto is_mine = [&](partition_id id) { return (id + round) % nodes.size() == index; };
  if (is_mine(0)) mine.push_back(0);
  for (const auto& partition : map.partitions())
    if (is_mine(partition.id())) mine.push_back(partition.id());
  return mine;
}

std::vector<std::uint32_t> sets_of(const v1::ClusterMap& map, const node_id& self) {
  std::vector<std::uint32_t> sets;
  for (const auto& set : map.replica_sets())
    if (std::find(set.nodes().begin(), set.nodes().end(), self) != set.nodes().end())
      sets.push_back(set.id());
  std::sort(sets.begin(), sets.end());
  return sets;
}

static std::uint64_t pages_of(const v1::PageRun& run) {
  if (run.page_bytes() == 0 || run.length() == 0) return 0;
  return (run.length() - 1) / run.page_bytes() + 1;
}

v1::ForgetGarbage garbage_plan::forget(const std::set<node_id>& freed) const {
  v1::ForgetGarbage command;
  for (const auto& row : rows)
    if (std::includes(freed.begin(), freed.end(), row.nodes.begin(), row.nodes.end()))
      command.add_ticks(row.tick);
  return command;
}

using places = std::map<std::uint32_t, const v1::ReplicaSetRecord*>;

/// Whether every run's replica set is known.
static bool placed(const v1::Layout& layout, const places& sets) {
  return std::all_of(layout.runs().begin(), layout.runs().end(),
                     [&](const v1::PageRun& run) { return sets.contains(run.replica_set()); });
}

static void add(garbage_plan& plan, const v1::GarbageRecord& garbage, const places& sets) {
  auto& row = plan.rows.emplace_back();
  row.tick = garbage.tick();
  for (const auto& run : garbage.layout().runs())
    for (const auto& node : sets.at(run.replica_set())->nodes()) {
      row.nodes.insert(node);
      auto& range = *plan.by_node[node].add_ranges();
      range.set_first_page(run.first_page());
      range.set_pages(pages_of(run));
    }
}

garbage_plan plan_garbage(const v1::QueryReply& listed, const v1::ClusterMap& map,
                          std::int64_t due_ms, std::size_t ranges_max) {
  places sets;
  for (const auto& set : map.replica_sets())
    sets[set.id()] = &set;
  garbage_plan plan;
  plan.more = listed.truncated();
  std::size_t ranges = 0;
  for (const auto& garbage : listed.garbage()) {
    // Rows are as old as their ticks say, so that all behind the first young one are young.
    plan.more = plan.more && garbage.since_ms() <= due_ms;
    if (garbage.since_ms() > due_ms) break;
    if (ranges >= ranges_max) {
      plan.more = true;
      break;
    }
    plan.last_tick = garbage.tick();
    if (!placed(garbage.layout(), sets)) {
      ++plan.unplaced;
      continue;
    }
    ranges += static_cast<std::size_t>(garbage.layout().runs_size());
    add(plan, garbage, sets);
  }
  return plan;
}

std::vector<held_item> group(const v1::ListPagesReply& listed, std::uint32_t replica_set) {
  std::map<std::string, held_item> items;
  for (const auto& page : listed.pages()) {
    if (page.item().bucket_id().empty() || page.page().size() != page_id_bytes) continue;
    auto& held = items[page.item().SerializeAsString()];
    held.item = page.item();
    held.replica_set = replica_set;
    held.pages.push_back(page.page());
  }
  std::vector<held_item> groups;
  for (auto& [name, held] : items) {
    std::sort(held.pages.begin(), held.pages.end());
    groups.push_back(std::move(held));
  }
  return groups;
}

void keep_named(held_item& held, const v1::Layout& layout) {
  for (const auto& run : layout.runs()) {
    if (run.replica_set() != held.replica_set) continue;
    if (run.first_page().size() != page_id_bytes) continue;
    std::erase_if(held.pages, [&](const std::string& page) {
      const auto distance = page_distance(run.first_page(), page);
      return distance && *distance < pages_of(run);
    });
  }
}

v1::FencePages fence(const held_item& held) {
  v1::FencePages command;
  *command.mutable_item() = held.item;
  const std::string* before = nullptr;
  for (const auto& page : held.pages) {
    if (before != nullptr && page_distance(*before, page) == 1u) {
      auto& run = *command.mutable_runs()->rbegin();
      run.set_length(run.length() + 1);
    } else {
      auto& run = *command.add_runs();
      run.set_replica_set(held.replica_set);
      run.set_first_page(page);
      run.set_page_bytes(1);
      run.set_length(1);
    }
    before = &page;
  }
  return command;
}

v1::FreePages unkept(const v1::FencePages& asked, const v1::CommandReply& answer) {
  v1::FreePages free;
  const bool all = answer.status() == v1::CommandReply::OK;
  const bool some =
      answer.status() == v1::CommandReply::REFERENCED && answer.kept_size() == asked.runs_size();
  for (int i = 0; i < asked.runs_size(); ++i) {
    if (!all && !(some && !answer.kept(i))) continue;
    auto& range = *free.add_ranges();
    range.set_first_page(asked.runs(i).first_page());
    range.set_pages(asked.runs(i).length());
  }
  return free;
}

std::vector<v1::BucketRecord> half_deleted(const v1::QueryReply& listed, std::int64_t since_ms) {
  std::vector<v1::BucketRecord> buckets;
  for (const auto& bucket : listed.buckets())
    if (bucket.state() == v1::BucketRecord::DELETING && bucket.deleting_ms() <= since_ms)
      buckets.push_back(bucket);
  return buckets;
}

}  // namespace dunlin::collector
