/// PROCESS LOAD: what this process does to its machine (B3): processor time against the cores,
/// bytes of clients against the network, memory, disk, sockets and requests against their bounds,
/// and the units that requests declare. LEGS LOAD: only what clients say, for simulated nodes.
#pragma once

#include "actors/admission/load_source.hpp"
#include "runtime/http/client_traffic.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace dunlin {

struct process_load_options {
  double capacity = 1;                          ///< of the node, in unit nodes
  std::uint64_t network_per_second = 1u << 30;  ///< bytes to and from clients
  std::uint64_t disk_per_second = 1u << 30;     ///< bytes read and written
  std::uint32_t sockets_max = 1024;
  std::uint32_t requests_max = 256;
  /// What does not come through balancers; null: nothing.
  std::shared_ptr<const http::client_traffic> direct;
};

class legs_load final : public load_source {
public:
  explicit legs_load(process_load_options options) : options_{std::move(options)} {}
  std::vector<balance::resource_sample> sample(std::chrono::milliseconds since,
                                               const leg_table::totals& legs,
                                               const balance::load& settings) override;

private:
  process_load_options options_;
  std::uint64_t bytes_ = 0;
  double declared_ = 0;
};

class process_load final : public load_source {
public:
  explicit process_load(process_load_options options);
  std::vector<balance::resource_sample> sample(std::chrono::milliseconds since,
                                               const leg_table::totals& legs,
                                               const balance::load& settings) override;

private:
  legs_load legs_;
  double disk_per_second_;
  double cores_;
  double memory_bytes_;
  double cpu_seconds_ = 0;
  double disk_bytes_ = 0;
};

}  // namespace dunlin
