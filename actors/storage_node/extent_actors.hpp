/// EXTENT WRITER and EXTENT READERS: the actors of a storage node that touch the disk; detached in
/// production. The writer is one a node, so that one sync serves everyone who waits.
#pragma once

#include "messages/storage.hpp"
#include "runtime/disk/extents/extent_store.hpp"

#include <caf/atom.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <memory>
#include <vector>

namespace dunlin {

using shared_store = std::shared_ptr<extents::extent_store>;

struct store_page {
  extents::new_page page;
};
struct read_page {
  std::string page;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
/// Those of `pages` that this node does not hold.
struct find_missing {
  std::vector<std::string> pages;
};
struct missing_pages {
  std::vector<std::string> pages;
};

using extent_writer_actor = caf::typed_actor<
    // Answered when durable.
    caf::replies_to<store_page>::with<accepted>,
    caf::replies_to<v1::FreePages>::with<v1::FreePagesReply>,
    // INTERNAL: everything that was in the mailbox has been appended: sync.
    caf::reacts_to<caf::flush_atom>,
    // INTERNAL: write the index rows of a quiet store.
    caf::reacts_to<caf::tick_atom>>;

using extent_reader_actor =
    caf::typed_actor<caf::replies_to<read_page>::with<extents::page_range>,
                     caf::replies_to<v1::ListPages>::with<v1::ListPagesReply>,
                     caf::replies_to<find_missing>::with<missing_pages>>;

struct extent_writer_options {
  std::size_t batch_pages_max = 32;
  std::chrono::milliseconds index_lag{500};  ///< a written row is committed after it
};

struct extent_writer_state {
  static inline const char* name = "extent_writer";
  extent_writer_options options;
  shared_store store;
  std::vector<caf::typed_response_promise<accepted>> waiting;
  bool flush_sent = false;
  bool tick_sent = false;
};

extent_writer_actor::behavior_type extent_writer(
    extent_writer_actor::stateful_pointer<extent_writer_state> self, shared_store store,
    extent_writer_options options = {});

struct extent_reader_state {
  static inline const char* name = "extent_reader";
  shared_store store;
  const wall_clock* clock = nullptr;
};

extent_reader_actor::behavior_type extent_reader(
    extent_reader_actor::stateful_pointer<extent_reader_state> self, shared_store store,
    const wall_clock* clock);

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::store_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::read_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::find_missing)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::missing_pages)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::extents::page_range)
