#include "runtime/simulation/sim_bytes.hpp"

#include <algorithm>
#include <cstring>

namespace dunlin::simulation {

bool is_zero(std::string_view data) {
  return data.empty() ||
         (data.front() == 0 && std::memcmp(data.data(), data.data() + 1, data.size() - 1) == 0);
}

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
    if (found == blocks_.end() || !found->second)
      std::memset(target + done, 0, piece);
    else
      std::memcpy(target + done, found->second->data() + at, piece);
    done += piece;
  }
  return size;
}

/// The block, held by nobody else.
sim_bytes::block& sim_bytes::own(block_ptr& bytes) {
  if (!bytes)
    bytes = std::make_shared<block>();
  else if (bytes.use_count() > 1)
    bytes = std::make_shared<block>(*bytes);
  return *bytes;
}

void sim_bytes::write_block(std::uint64_t number, std::uint64_t at, std::string_view data) {
  auto& bytes = blocks_[number];
  if (!bytes && is_zero(data)) return;
  if (data.size() == block_bytes) bytes = std::make_shared_for_overwrite<block>();
  std::memcpy(own(bytes).data() + at, data.data(), data.size());
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
      else if (found->second)
        std::memset(own(found->second).data() + at, 0, piece);
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
  auto& byte = own(blocks_[offset / block_bytes])[offset % block_bytes];
  byte = static_cast<char>(byte ^ (1 << bit));
}

void sim_bytes::share(const sim_bytes& other, std::uint64_t offset, std::uint64_t size) {
  size_ = other.size_;
  if (size == 0) return;
  const auto end = (offset + size - 1) / block_bytes + 1;
  auto theirs = other.blocks_.lower_bound(offset / block_bytes);
  auto mine = blocks_.lower_bound(offset / block_bytes);
  while (theirs != other.blocks_.end() && theirs->first < end) {
    while (mine != blocks_.end() && mine->first < theirs->first)
      mine = blocks_.erase(mine);
    if (mine == blocks_.end() || mine->first != theirs->first)
      mine = blocks_.emplace_hint(mine, *theirs);
    else
      mine->second = theirs->second;
    ++mine;
    ++theirs;
  }
  while (mine != blocks_.end() && mine->first < end)
    mine = blocks_.erase(mine);
}

}  // namespace dunlin::simulation
