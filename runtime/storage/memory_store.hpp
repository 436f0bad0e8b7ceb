/// A KEY-VALUE STORE of maps: for tests, and for what needs no disk. Nothing survives it.
#pragma once

#include "runtime/storage/kv_store.hpp"

#include <array>
#include <map>

namespace dunlin {

class memory_store final : public kv_store {
public:
  std::optional<std::string> get(table where, std::string_view key) override;
  void put(table where, std::string_view key, std::string_view value) override;
  void erase(table where, std::string_view key) override;
  void scan(table where, std::string_view from, const visitor& visit) override;
  void scan_back(table where, std::string_view from, const visitor& visit) override;
  void commit() override {}
  void checkpoint() override {}

private:
  using rows = std::map<std::string, std::string, std::less<>>;
  rows& of(table where);
  std::array<rows, table_count> tables_;
};

}  // namespace dunlin
