/// A kv_store over maps whose committed rows outlive it, so that a test can lose the open
/// transaction or the whole index.
#pragma once

#include "runtime/storage/kv_store.hpp"

#include <array>
#include <map>
#include <memory>
#include <string>

namespace dunlin::testing {

using map_tables = std::array<std::map<std::string, std::string, std::less<>>, table_count>;

class map_store : public kv_store {
public:
  explicit map_store(std::shared_ptr<map_tables> committed)
      : committed_(std::move(committed)), now_(*committed_) {}

  bool fails = false;

  std::optional<std::string> get(table where, std::string_view key) override {
    const auto& rows = of(where);
    const auto at = rows.find(key);
    return at == rows.end() ? std::nullopt : std::optional(at->second);
  }
  void put(table where, std::string_view key, std::string_view value) override {
    of(where)[std::string(key)] = value;
  }
  void erase(table where, std::string_view key) override { of(where).erase(std::string(key)); }
  void scan(table where, std::string_view from, const visitor& visit) override {
    const auto& rows = of(where);
    for (auto at = rows.lower_bound(from); at != rows.end() && visit(at->first, at->second);)
      ++at;
  }
  void scan_back(table where, std::string_view from, const visitor& visit) override {
    const auto& rows = of(where);
    for (auto at = rows.upper_bound(from); at != rows.begin();) {
      --at;
      if (!visit(at->first, at->second)) return;
    }
  }
  void commit() override { *committed_ = now_; }
  void checkpoint() override {}

private:
  map_tables::value_type& of(table where) {
    if (fails) throw store_error(ec::io_error, "test");
    return now_[static_cast<std::size_t>(where)];
  }
  std::shared_ptr<map_tables> committed_;
  map_tables now_;
};

}  // namespace dunlin::testing
