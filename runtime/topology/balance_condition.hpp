/// Boolean forms over resources as TOML (L5, L6). Private to those who read with toml++.
///   "cpu"                       below the row's own threshold
///   {below = ["cpu", 0.6]}      below 0.6 of adjusted capacity
///   {above = ["net", 0.85]}
///   {all = ["cpu", {any = ["net", "mem"]}]}, {any = [...]}; {all = []}: every measured resource
#pragma once

#include "runtime/topology/table_reader.hpp"

namespace dunlin::topology {

balance::condition read_condition(const toml::node& from, report& mistakes);

/// A row: 1.06, or {threshold = 0.6, when = FORM}.
balance::step read_step(const toml::node& from, report& mistakes);

std::string show_condition(const balance::condition& form);
std::string show_step(const balance::step& row);

}  // namespace dunlin::topology
