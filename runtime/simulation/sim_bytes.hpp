/// The content of a simulated file: sparse, in blocks, so that zero-filled segments cost no memory
/// but count as space.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace dunlin::simulation {

bool is_zero(std::string_view data);

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

  /// Becomes equal to `other` in all blocks that [offset, offset + size) touches; shares them.
  void share(const sim_bytes& other, std::uint64_t offset, std::uint64_t size);

private:
  using block = std::array<char, block_bytes>;
  using block_ptr = std::shared_ptr<block>;  // null: zeros
  static block& own(block_ptr& bytes);
  void write_block(std::uint64_t number, std::uint64_t at, std::string_view data);
  std::uint64_t size_ = 0;
  // Shared with copies of this content, until one of them writes.
  std::map<std::uint64_t, block_ptr> blocks_;
};

}  // namespace dunlin::simulation
