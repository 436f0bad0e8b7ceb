/// READ: the bytes of one range of an object, in order, from whichever replica has them (K4). Reads
/// one page ahead, fails over, reports replicas that lack a page. Knows no clock, no actor.
#pragma once

#include "messages/vocabulary.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace dunlin {

/// A PageRun with its replicas.
struct resolved_run {
  std::uint32_t replica_set = 0;
  std::vector<node_id> nodes;
  std::string first_page;
  std::uint64_t page_bytes = 0;
  std::uint64_t length = 0;
};

/// One page's part of the range.
struct segment {
  std::size_t run = 0;
  std::uint64_t page = 0;    ///< index in the run
  std::uint64_t offset = 0;  ///< inside the page
  std::uint64_t length = 0;
};

/// Walks the pages of [offset, offset + length) of an object.
class read_plan {
public:
  read_plan(std::vector<resolved_run> runs, std::uint64_t offset, std::uint64_t length);
  std::optional<segment> next();
  const resolved_run& run(std::size_t index) const { return runs_[index]; }

private:
  std::vector<resolved_run> runs_;
  std::size_t run_ = 0;
  std::uint64_t at_ = 0;  // inside the run
  std::uint64_t left_ = 0;
};

class read_core {
public:
  struct limits {
    std::size_t ahead_max = 2;  ///< segments fetched or held at once
  };

  // ---- effects ----
  /// Read the segment from `node`, then call on_fetched().
  struct fetch {
    std::uint64_t sequence = 0;
    segment what;
    node_id node;
  };
  struct deliver {
    buffer bytes;  ///< empty: the end
  };
  struct failed {
    ec why = ec::unavailable;
  };
  struct repair {
    node_id node;
    segment what;
    node_id source;
  };
  using effect = std::variant<fetch, deliver, failed, repair>;
  using effects = std::vector<effect>;

  /// Puts the replicas of a run in the order to try them, knowing how often each has failed here.
  using order_nodes = std::function<std::vector<node_id>(
      const std::vector<node_id>& nodes, const std::map<node_id, std::uint32_t>& failures)>;

  read_core(limits bounds, read_plan plan, order_nodes order)
      : limits_(bounds), plan_(std::move(plan)), order_(std::move(order)) {}

  /// The client wants up to `size` bytes; one wish at a time.
  effects on_want(std::size_t size);
  effects on_fetched(std::uint64_t sequence, result<buffer> outcome);

  const resolved_run& run(std::size_t index) const { return plan_.run(index); }

private:
  struct fetching {
    std::uint64_t sequence = 0;
    segment what;
    std::vector<node_id> candidates;
    std::size_t tried = 0;  // candidates[tried] is asked now
    std::vector<node_id> lacking;
    bool unreachable = false;
    bool damaged = false;
    buffer bytes;
  };
  void read_ahead(effects& out);
  void answer(effects& out);
  void fail_over(effects& out, fetching& of, ec why);
  ec verdict(const fetching& of) const;

  limits limits_;
  read_plan plan_;
  order_nodes order_;
  std::deque<fetching> segments_;
  std::map<node_id, std::uint32_t> failures_;
  std::uint64_t sequences_ = 0;
  std::uint64_t taken_ = 0;  // of the first segment
  std::optional<std::size_t> wanted_;
  std::optional<ec> broken_;
  bool planned_ = false;
};

}  // namespace dunlin
