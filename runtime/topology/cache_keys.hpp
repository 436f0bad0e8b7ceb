/// The keys of a [cache.TYPE], for the file and for operators. Private to those who read with
/// toml++.
#pragma once

#include "runtime/topology/table_reader.hpp"

namespace dunlin::topology {

/// Takes them all from `from`, whose keys are named "cache.TYPE."; notes in `into` where each was
/// said, and which were wrong.
void read_cache_keys(table_reader& from, const std::string& type, cache_settings& to, draft& into);

}  // namespace dunlin::topology
