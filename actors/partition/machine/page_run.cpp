#include "actors/partition/machine/page_run.hpp"

#include "messages/page_id.hpp"

#include <algorithm>
#include <vector>

namespace dunlin::page_run {

std::uint64_t pages(const v1::PageRun& run) { return (run.length() - 1) / run.page_bytes() + 1; }

std::optional<std::string> last_page(const v1::PageRun& run) {
  if (run.length() == 0 || run.page_bytes() == 0 || run.page_bytes() > page_bytes_max)
    return std::nullopt;
  if (run.first_page().size() != page_id_bytes) return std::nullopt;
  auto last = page_at(run.first_page(), pages(run) - 1);
  if (page_distance(run.first_page(), last) != pages(run) - 1) return std::nullopt;
  return last;
}

static bool apart(const v1::Layout& layout) {
  std::vector<const v1::PageRun*> sorted;
  for (const auto& run : layout.runs())
    sorted.push_back(&run);
  const auto before = [](const v1::PageRun* a, const v1::PageRun* b) {
    if (a->replica_set() != b->replica_set()) return a->replica_set() < b->replica_set();
    return a->first_page() < b->first_page();
  };
  std::sort(sorted.begin(), sorted.end(), before);
  const auto touch = [](const v1::PageRun* a, const v1::PageRun* b) { return overlap(*a, *b); };
  return std::adjacent_find(sorted.begin(), sorted.end(), touch) == sorted.end();
}

bool fits(const v1::Layout& layout, std::uint64_t size) {
  if (layout.runs_size() > runs_max || size > layout_bytes_max) return false;
  std::uint64_t rest = size;
  for (const auto& run : layout.runs()) {
    if (!last_page(run) || run.length() > rest) return false;
    rest -= run.length();
  }
  return rest == 0 && apart(layout);
}

bool overlap(const v1::PageRun& a, const v1::PageRun& b) {
  return a.replica_set() == b.replica_set() && a.first_page() <= *last_page(b) &&
         b.first_page() <= *last_page(a);
}

bool overlap(const v1::Layout& layout, const v1::PageRun& run) {
  return std::any_of(layout.runs().begin(), layout.runs().end(),
                     [&](const v1::PageRun& held) { return overlap(held, run); });
}

}  // namespace dunlin::page_run
