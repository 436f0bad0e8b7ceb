/// The keys of [balance], for the file and for live changes (B13). Private to those who read with
/// toml++.
#pragma once

#include "runtime/topology/table_reader.hpp"

namespace dunlin::topology {

/// Takes them all from `from`, whose keys are named "balance."; they change `to`. What is wrong,
/// alone or together with the rest, goes to `mistakes` with its place.
void read_balance_keys(table_reader& from, balance::settings& to, report& mistakes);

}  // namespace dunlin::topology
