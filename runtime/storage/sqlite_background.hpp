/// What a SQLITE STORE does beside its owner, on connections of its own (docs/decisions/0008).
#pragma once

#include "runtime/storage/sqlite_connection.hpp"
#include "runtime/storage/sqlite_store.hpp"

namespace dunlin {

class sqlite_background final : public store_background {
public:
  sqlite_background(disk& storage, std::shared_ptr<sqlite_shared> shared, std::string path,
                    const sqlite_options& config);

  void checkpoint() override;
  std::unique_ptr<store_copy> copy_to(const std::string& path) override;

private:
  void move_pages();

  disk& storage_;
  std::shared_ptr<sqlite_shared> shared_;
  std::string path_;
  sqlite_options config_;
  sqlite_connection connection_;
};

}  // namespace dunlin
