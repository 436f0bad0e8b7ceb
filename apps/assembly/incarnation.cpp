#include "apps/assembly/incarnation.hpp"

#include <charconv>

namespace dunlin::assembly {

namespace {

const std::string folder = "node";
const std::string path = "node/incarnation";
const std::string fresh_path = "node/incarnation.new";

result<std::uint64_t> current(disk& storage) {
  const auto there = storage.exists(path);
  if (!there) return there.error();
  if (!*there) return 0;
  auto from = storage.open(path, disk::mode::read);
  if (!from) return from.error();
  const auto text = (*from)->pread(0, 32);
  if (!text) return text.error();
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), number);
  if (parsed.ec != std::errc{} || number == 0) return ec::damaged;
  return number;
}

result<void> store(disk& storage, std::uint64_t number) {
  // A name of its own first: a torn write must not take the old number with it. What a life that
  // failed on its way left under that name is gone for good before the name is used again: else a
  // power failure could keep the rename, lose the removal, and put the torn file in place.
  const auto there = storage.exists(fresh_path);
  if (!there) return there.error();
  if (*there) {
    if (auto done = storage.remove(fresh_path); !done) return done.error();
    if (auto done = storage.sync_folder(folder); !done) return done.error();
  }
  auto to = storage.open(fresh_path, disk::mode::create);
  if (!to) return to.error();
  if (auto done = (*to)->pwrite(0, std::to_string(number) + "\n"); !done) return done.error();
  if (auto done = (*to)->sync(); !done) return done.error();
  if (auto done = storage.rename(fresh_path, path); !done) return done.error();
  return storage.sync_folder(folder);
}

}  // namespace

result<std::uint64_t> next_incarnation(disk& storage) {
  if (auto done = storage.make_folder(folder); !done) return done.error();
  const auto last = current(storage);
  if (!last) return last.error();
  if (auto done = store(storage, *last + 1); !done) return done.error();
  return *last + 1;
}

}  // namespace dunlin::assembly
