/// Both disks behind one name, for tests that hold for either.
#pragma once

#include "runtime/disk/posix_disk.hpp"
#include "runtime/simulation/sim_disk.hpp"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace dunlin {

/// A folder under the system's temporary one, gone at the end.
class temporary_folder {
public:
  temporary_folder() {
    auto name = (std::filesystem::temp_directory_path() / "dunlin-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~temporary_folder() { std::filesystem::remove_all(path_); }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

struct disk_kind {
  std::string name;
  std::function<std::unique_ptr<disk>(const std::string& folder)> make;
};

inline disk_kind posix_kind() {
  return {"Posix", [](const std::string& folder) -> std::unique_ptr<disk> {
            return posix_disk::open(folder + "/root/disk").value();
          }};
}

inline disk_kind simulated_kind() {
  return {"Simulated", [](const std::string&) -> std::unique_ptr<disk> {
            return std::make_unique<simulation::sim_disk>(1);
          }};
}

}  // namespace dunlin
