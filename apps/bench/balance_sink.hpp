/// Stands in for an access node where only connections are looked at: answers every request with
/// 200, its name and so many bytes. Ends with the process.
#pragma once

#include <cstdint>
#include <string>

namespace dunlin::bench {

struct sink_options {
  std::uint16_t port = 0;
  std::string name;
  std::uint64_t bytes = 1;
};

int run_sink(const sink_options& options);

}  // namespace dunlin::bench
