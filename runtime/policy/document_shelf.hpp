/// DOCUMENT SHELF: documents that were read already, by where they are from and their tick, so that
/// a request does not read JSON. Bounded; thread safe, shared by the requests of a node.
#pragma once

#include "runtime/policy/document.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace dunlin::policy {

class document_shelf {
public:
  explicit document_shelf(std::size_t documents_max = 1024) : documents_max_(documents_max) {}

  /// What `read` gives for the text that stands at `place` since `tick`; called if it is not here.
  document_ptr get(const std::string& place, std::uint64_t tick,
                   const std::function<document_ptr()>& read);

private:
  struct entry {
    std::uint64_t tick = 0;
    document_ptr read;
  };
  const std::size_t documents_max_;
  std::mutex guard_;  // requests run on any thread of the scheduler
  std::map<std::string, entry> newer_, older_;
};

}  // namespace dunlin::policy
