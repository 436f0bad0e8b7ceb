#include "apps/assembly/ballast.hpp"

#include "runtime/observe/log.hpp"

#include <algorithm>
#include <string>

namespace dunlin::assembly {

namespace {

const std::string folder = "node";
const std::string path = "node/ballast";

result<void> fill(file& into, std::uint64_t bytes) {
  const std::string zeros(std::min<std::uint64_t>(bytes, 1u << 20), '\0');
  for (std::uint64_t at = 0; at < bytes; at += zeros.size())
    if (auto done = into.pwrite(at, zeros); !done) return done;
  return into.sync();
}

}  // namespace

ballast::ballast(disk& storage, ballast_options options) : disk_(storage), options_(options) {
  const auto there = disk_.exists(path);
  held_ = there && *there;
  has_room();
}

void ballast::throw_off() {
  held_ = false;
  if (disk_.remove(path) && disk_.sync_folder(folder)) log::warn("node.ballast_thrown_off");
}

void ballast::take_up() {
  if (!disk_.make_folder(folder)) return;
  auto made = disk_.open(path, disk::mode::create);
  if (!made) return;
  held_ = true;
  // Half a ballast is none: the disk has filled meanwhile.
  if (!fill(**made, options_.bytes)) throw_off();
}

bool ballast::has_room() {
  const auto lock = std::scoped_lock{guard_};
  const auto space = disk_.space();
  if (!space) return false;
  const auto free = space->free_bytes;
  if (options_.bytes > 0) {
    if (held_ && free < options_.bytes / 2)
      throw_off();
    else if (!held_ && free > options_.reserve_bytes + 2 * options_.bytes)
      take_up();
  }
  return free > options_.reserve_bytes;
}

}  // namespace dunlin::assembly
