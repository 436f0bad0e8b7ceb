/// The content of a simulated file: sparse, in blocks, so that zero-filled segments cost no memory
/// but count as space.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace dunlin::simulation {

class sim_bytes {
public:
  static constexpr std::uint64_t block_bytes = 4096;

  std::uint64_t size() const { return size_; }
  std::uint64_t allocated() const { return blocks_.size() * block_bytes; }

  /// How much allocated() grows if `size` bytes are written at `offset`.
  std::uint64_t growth(std::uint64_t offset, std::uint64_t size) const;

  std::size_t read(std::uint64_t offset, char* target, std::size_t size) const;
  void write(std::uint64_t offset, std::string_view data);
  void resize(std::uint64_t size);
  /// Reads as zeros; whole blocks are given back.
  void punch(std::uint64_t offset, std::uint64_t size);
  void flip(std::uint64_t offset, int bit);

private:
  void write_block(std::uint64_t block, std::uint64_t at, std::string_view data);
  std::uint64_t size_ = 0;
  std::map<std::uint64_t, std::string> blocks_;  // an empty string is a block of zeros
};

}  // namespace dunlin::simulation
