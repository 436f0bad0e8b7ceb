/// BALANCE CHANGE: settings of balancing as text, and changed while they are in use (B13): in the
/// words, bounds and mistakes of the topology file. A text has the keys of [balance] without the
/// word: `rebalance.trigger = 1.08`, one a line, or whole tables.
#pragma once

#include "runtime/topology/topology.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::topology {

struct balance_change {
  std::optional<balance::settings> read;  ///< set if there is no mistake
  std::vector<mistake> mistakes;          ///< with their place in the text
};

/// `over` with the changed keys; mistakes name `path`. `mode` begins from that mode's own settings.
balance_change apply_balance(const balance::settings& over, const std::string& text,
                             const std::string& path = "balance");

/// The keys of `before`, those of `change` in their place. A `mode` in `change` forgets all before.
/// Both must be TOML (apply_balance says); what is not is left out.
std::string merge_balance(const std::string& before, const std::string& change);

/// Key and value as they stand on a command line, to the text above; quotes may be left out, and
/// keys may begin with `balance.`, as mistakes name them.
std::string balance_text(const std::map<std::string, std::string>& words);

/// Every key, one a line, sorted by table; apply_balance reads it back to the same settings.
std::string show_balance(const balance::settings& what);

}  // namespace dunlin::topology
