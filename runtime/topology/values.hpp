/// Values of a topology file that are more than TOML: durations, sizes, addresses, names.
#pragma once

#include "runtime/topology/topology.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dunlin::topology {

/// "250ms", "1s", "2m": a whole number and its unit.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "4096", "64KiB", "16MiB", "1GiB", also with a space; bytes otherwise ("512B").
std::optional<std::uint64_t> parse_size(std::string_view text);

/// "127.0.0.1:7101", "[::1]:7101", "n1.example.org:7101", "*:7101"; the port is 1–65535.
std::optional<endpoint> parse_endpoint(std::string_view text);

/// Every address of the machine: 0.0.0.0, :: or *.
bool wildcard(const endpoint& where);

/// Of a cluster or node: lower-case letters, digits and inner dashes, at most 63; it is a
/// certificate's name and a folder's.
bool good_name(std::string_view text);

/// `path`, if it is absolute, or else below `base`; "data/" and "data" are one folder.
std::string absolute_path(const std::string& base, const std::string& path);

/// "16MiB": the largest unit that divides it.
std::string show_size(std::uint64_t bytes);

/// "1s", "250ms".
std::string show_duration(std::chrono::milliseconds time);

}  // namespace dunlin::topology
