#include "runtime/observe/reached.hpp"

#include <vector>

namespace dunlin {

namespace {

std::vector<reached_place*>& places() {
  static std::vector<reached_place*> all;
  return all;
}

}  // namespace

reached_place::reached_place(const char* name) : name_(name) { places().push_back(this); }

std::map<std::string, std::uint64_t> reached_places() {
  std::map<std::string, std::uint64_t> all;
  for (const auto* one : places())
    all[one->name()] += one->times();
  return all;
}

}  // namespace dunlin
