/// COUNTED STORE: the key-value port over maps, which counts what is read. What is not
/// committed is lost by `crash()`.
#pragma once

#include "runtime/storage/kv_store.hpp"

#include <array>
#include <map>

namespace dunlin::testing_machine {

class counted_store : public kv_store {
public:
  using rows = std::map<std::string, std::string, std::less<>>;
  using tables = std::array<rows, table_count>;

  std::optional<std::string> get(table where, std::string_view key) override {
    ++reads;
    const auto found = of(where).find(key);
    if (found == of(where).end()) return std::nullopt;
    return found->second;
  }
  void put(table where, std::string_view key, std::string_view value) override {
    of(where).insert_or_assign(std::string(key), std::string(value));
  }
  void erase(table where, std::string_view key) override {
    if (const auto found = of(where).find(key); found != of(where).end()) of(where).erase(found);
  }
  void scan(table where, std::string_view from, const visitor& visit) override {
    for (auto row = of(where).lower_bound(from); row != of(where).end(); ++row) {
      ++reads;
      if (!visit(row->first, row->second)) return;
    }
  }
  void scan_back(table where, std::string_view from, const visitor& visit) override {
    for (auto row = of(where).upper_bound(from); row != of(where).begin();) {
      --row;
      ++reads;
      if (!visit(row->first, row->second)) return;
    }
  }
  void commit() override { committed_ = tables_; }
  void checkpoint() override {}

  void crash() { tables_ = committed_; }
  const tables& all() const { return tables_; }
  const rows& of(table where) const { return tables_[static_cast<std::size_t>(where)]; }
  rows& of(table where) { return tables_[static_cast<std::size_t>(where)]; }

  std::size_t reads = 0;  ///< rows looked at, to prove what a query costs

private:
  tables tables_;
  tables committed_;
};

}  // namespace dunlin::testing_machine
