#include "apps/testkit/page_ledger.hpp"

#include "actors/partition/machine/page_run.hpp"
#include "messages/page_id.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dunlin::testkit {

namespace {

void add(page_ledger& ledger, const v1::Layout& layout) {
  for (const auto& run : layout.runs())
    for (std::uint64_t i = 0; i < page_run::pages(run); ++i)
      ledger.named[run.replica_set()].insert(page_at(run.first_page(), i));
}

template <class Record>
void add_all(page_ledger& ledger, kv_store& state, table where) {
  state.scan(where, "", [&](std::string_view, std::string_view value) {
    Record record;
    record.ParseFromArray(value.data(), static_cast<int>(value.size()));
    add(ledger, record.layout());
    return true;
  });
}

std::shared_ptr<kv_store> any_state(virtual_cluster& cluster, partition_id id) {
  for (const auto& name : cluster.topology().partition_nodes(id))
    if (auto state = cluster.state(name, id)) return state;
  return nullptr;
}

}  // namespace

page_ledger read_ledger(virtual_cluster& cluster) {
  page_ledger ledger;
  for (partition_id id = 1; id <= cluster.topology().options.partitions; ++id) {
    const auto state = any_state(cluster, id);
    if (!state) continue;
    add_all<v1::ObjectRecord>(ledger, *state, table::objects);
    add_all<v1::PartRecord>(ledger, *state, table::parts);
    state->scan(table::garbage, "",
                [&](std::string_view, std::string_view) { return ++ledger.garbage_rows > 0; });
  }
  return ledger;
}

std::vector<held_page> unnamed_pages(virtual_cluster& cluster, const page_ledger& ledger) {
  std::vector<held_page> unnamed;
  for (std::uint32_t set = 0; set < cluster.topology().options.replica_sets; ++set) {
    const auto known = ledger.named.find(set);
    for (const auto& name : cluster.topology().replica_set_nodes(set)) {
      const auto pages = cluster.pages(name);
      if (!pages) continue;
      const auto held = pages->list(set, "", 100'000);
      if (!held) continue;
      for (const auto& one : *held)
        if (known == ledger.named.end() || !known->second.contains(one.page))
          unnamed.push_back({one.page, set, name});
    }
  }
  return unnamed;
}

std::optional<std::string> whose(virtual_cluster& cluster, const held_page& page) {
  const auto pages = cluster.pages(page.node);
  if (!pages) return std::nullopt;
  const auto item = pages->item_of(page.page);
  if (!item && item.error() == ec::damaged) return std::nullopt;
  const auto owner = item ? item->key : std::string(to_string(item.error()));
  return fmt::format("page {} of set {} at {}: {}", page_text(page.page), page.replica_set,
                     page.node, owner);
}

}  // namespace dunlin::testkit
