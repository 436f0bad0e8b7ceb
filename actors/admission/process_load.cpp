#include "actors/admission/process_load.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

namespace dunlin {

namespace {

using balance::resource;

double seconds(std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1000; }

double cpu_seconds_now() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

double page_bytes() { return static_cast<double>(sysconf(_SC_PAGESIZE)); }

double resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  double pages = 0, resident = 0;
  return file >> pages >> resident ? resident * page_bytes() : 0;
}

/// Of the machine, or less if the process lives in a control group with a bound.
double memory_bytes_max() {
  const auto machine = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * page_bytes();
  std::ifstream file{"/sys/fs/cgroup/memory.max"};
  double bound = 0;
  return file >> bound && bound > 0 ? std::min(bound, machine) : machine;
}

/// That reached the disk: what the page cache answered is memory's.
double disk_bytes_now() {
  std::ifstream file{"/proc/self/io"};
  double sum = 0, value = 0;
  for (std::string key; file >> key >> value;)
    if (key == "read_bytes:" || key == "write_bytes:") sum += value;
  return sum;
}

double rate(double grown, std::chrono::milliseconds since) {
  return since.count() > 0 ? std::max(0.0, grown) / seconds(since) : 0;
}

}  // namespace

std::vector<balance::resource_sample> legs_load::sample(std::chrono::milliseconds since,
                                                        const leg_table::totals& legs,
                                                        const balance::load& settings) {
  const auto* direct = options_.direct.get();
  const auto bytes = legs.bytes + (direct ? direct->bytes.load() : 0);
  const auto open = legs.open + legs.waiting + (direct ? direct->open.load() : 0);
  const auto in_request = legs.in_request + (direct ? direct->in_request.load() : 0);
  const auto was = std::exchange(bytes_, bytes);
  const auto declared = std::exchange(declared_, legs.declared);
  std::vector<balance::resource_sample> made;
  made.push_back({resource::net, rate(static_cast<double>(bytes) - static_cast<double>(was), since),
                  static_cast<double>(options_.network_per_second)});
  made.push_back(
      {resource::sockets, static_cast<double>(open), static_cast<double>(options_.sockets_max)});
  made.push_back({resource::requests, static_cast<double>(in_request),
                  static_cast<double>(options_.requests_max)});
  if (settings.declared)
    made.push_back({resource::declared, rate(legs.declared - declared, since),
                    settings.declared_rate * options_.capacity});
  return made;
}

process_load::process_load(process_load_options options)
    : legs_{options},
      disk_per_second_{static_cast<double>(options.disk_per_second)},
      cores_{static_cast<double>(std::max(1u, std::thread::hardware_concurrency()))},
      memory_bytes_{memory_bytes_max()} {}

std::vector<balance::resource_sample> process_load::sample(std::chrono::milliseconds since,
                                                           const leg_table::totals& legs,
                                                           const balance::load& settings) {
  auto made = legs_.sample(since, legs, settings);
  const auto cpu = cpu_seconds_now(), disk = disk_bytes_now();
  made.push_back({resource::cpu, rate(cpu - std::exchange(cpu_seconds_, cpu), since), cores_});
  made.push_back(
      {resource::disk, rate(disk - std::exchange(disk_bytes_, disk), since), disk_per_second_});
  made.push_back({resource::mem, resident_bytes(), memory_bytes_});
  return made;
}

}  // namespace dunlin
