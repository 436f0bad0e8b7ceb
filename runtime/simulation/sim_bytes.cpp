#include "runtime/simulation/sim_bytes.hpp"

#include <algorithm>
#include <cstring>

namespace dunlin::simulation {

std::uint64_t sim_bytes::growth(std::uint64_t offset, std::uint64_t size) const {
  if (size == 0) return 0;
  const auto first = offset / block_bytes;
  const auto last = (offset + size - 1) / block_bytes;
  const auto held = std::distance(blocks_.lower_bound(first), blocks_.upper_bound(last));
  return (last - first + 1 - static_cast<std::uint64_t>(held)) * block_bytes;
}

std::size_t sim_bytes::read(std::uint64_t offset, char* target, std::size_t size) const {
  if (offset >= size_) return 0;
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, size_ - offset));
  for (std::size_t done = 0; done < size;) {
    const auto at = (offset + done) % block_bytes;
    const auto piece = std::min<std::size_t>(size - done, block_bytes - at);
    const auto found = blocks_.find((offset + done) / block_bytes);
    if (found == blocks_.end() || found->second.empty())
      std::memset(target + done, 0, piece);
    else
      std::memcpy(target + done, found->second.data() + at, piece);
    done += piece;
  }
  return size;
}

void sim_bytes::write_block(std::uint64_t block, std::uint64_t at, std::string_view data) {
  auto& bytes = blocks_[block];
  if (bytes.empty()) {
    if (data.find_first_not_of('\0') == std::string_view::npos) return;
    bytes.assign(block_bytes, '\0');
  }
  std::memcpy(bytes.data() + at, data.data(), data.size());
}

void sim_bytes::write(std::uint64_t offset, std::string_view data) {
  size_ = std::max(size_, offset + data.size());
  while (!data.empty()) {
    const auto at = offset % block_bytes;
    const auto piece = std::min<std::size_t>(data.size(), block_bytes - at);
    write_block(offset / block_bytes, at, data.substr(0, piece));
    offset += piece;
    data.remove_prefix(piece);
  }
}

void sim_bytes::punch(std::uint64_t offset, std::uint64_t size) {
  const auto end = std::min(offset + size, size_);
  while (offset < end) {
    const auto at = offset % block_bytes;
    const auto piece = std::min<std::uint64_t>(end - offset, block_bytes - at);
    const auto found = blocks_.find(offset / block_bytes);
    if (found != blocks_.end()) {
      if (piece == block_bytes)
        blocks_.erase(found);
      else if (!found->second.empty())
        std::memset(found->second.data() + at, 0, piece);
    }
    offset += piece;
  }
}

void sim_bytes::resize(std::uint64_t size) {
  if (size < size_) {
    punch(size, size_ - size);
    blocks_.erase(blocks_.lower_bound((size + block_bytes - 1) / block_bytes), blocks_.end());
  }
  size_ = size;
}

void sim_bytes::flip(std::uint64_t offset, int bit) {
  auto& bytes = blocks_[offset / block_bytes];
  if (bytes.empty()) bytes.assign(block_bytes, '\0');
  bytes[offset % block_bytes] = static_cast<char>(bytes[offset % block_bytes] ^ (1 << bit));
}

}  // namespace dunlin::simulation
