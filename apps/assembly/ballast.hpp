/// BALLAST: a file of zeros that keeps some of a node's disk for the node itself. When somebody
/// else fills the disk to the last byte, the ballast is thrown off, so that what is committed
/// already can still reach the state's database, and the node can start: reads go on while writes
/// are refused.
#pragma once

#include "runtime/disk/disk.hpp"

#include <cstdint>
#include <memory>
#include <mutex>

namespace dunlin::assembly {

struct ballast_options {
  std::uint64_t bytes = 0;          ///< 0: none
  std::uint64_t reserve_bytes = 0;  ///< free space that metadata leaves
};

/// Thread safe.
class ballast {
public:
  /// Before anything else is written: throws an old ballast off if the disk is full.
  ballast(disk& storage, ballast_options options);

  /// Whether commands may add to the disk. Throws the ballast off when nearly nothing is free, and
  /// takes it up again when there is room for it and the reserve.
  bool has_room();

private:
  void throw_off();
  void take_up();

  disk& disk_;
  const ballast_options options_;
  std::mutex guard_;
  bool held_ = false;
};

}  // namespace dunlin::assembly
