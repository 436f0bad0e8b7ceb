/// TRACE: requests that happened somewhere, read from a file or generated from a seed in the same
/// shape (docs/replay.md). A file is text, a request a line, behind the header
/// `time_ms,op,key,size`; op is R or r for a read, W or w for a write; lines that begin with # are
/// passed over. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <variant>
#include <vector>

namespace dunlin::replay {

struct request {
  double time_ms = 0;
  bool write = false;
  std::string key;
  std::uint32_t bytes = 0;
};
using trace = std::vector<request>;

/// What is wrong with a trace, and in which line, from 1.
struct trace_mistake {
  std::size_t line = 0;
  std::string text;
};

/// The first `rows_max` requests; 0: all. Times may not go back.
std::variant<trace, trace_mistake> read_trace(std::istream& from, std::size_t rows_max = 0);
std::variant<trace, trace_mistake> read_trace_file(const std::string& path,
                                                   std::size_t rows_max = 0);

/// What a generated trace looks like. Keys are drawn by Zipf's law; gaps are exponential.
struct trace_shape {
  std::size_t rows = 200'000;
  std::size_t keys = 35'631;
  std::size_t types = 30;  ///< keys are "type:number"; 0: numbers only
  double rate = 1'000;     ///< requests a second
  double write_share = 0.02;
  double read_zipf = 0.61;
  double write_zipf = 0;        ///< of writes that do not follow reads; 0: evenly
  double writes_to_read = 0.7;  ///< share of writes to a key read 5,000 to 10,000 reads before
  std::uint32_t bytes_min = 120, bytes_max = 599;
};
/// As orm_busy: reads of a web application; as cloudphysics_h1: a disk, at 60 times its speed.
trace_shape orm_shape();
trace_shape disk_shape();

/// The same shape and seed give the same trace, on any machine.
trace generate_trace(const trace_shape& shape, std::uint64_t seed);

}  // namespace dunlin::replay
