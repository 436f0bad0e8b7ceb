/// The handles around object bytes (K2, K4, U8).
#pragma once

#include "messages/v1.hpp"
#include "messages/vocabulary.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>
#include <string>

namespace dunlin {

/// STORAGE NODE: replicas of pages on one node. Role name "storage_node", instance 0. The bytes
/// themselves travel on the bulk link, under a ticket from here (decision 4).
using storage_node_actor =
    caf::typed_actor<caf::replies_to<v1::OpenTransfer>::with<v1::Ticket>,
                     caf::replies_to<v1::FreePages>::with<v1::FreePagesReply>,
                     caf::replies_to<v1::ListPages>::with<v1::ListPagesReply>,
                     caf::replies_to<v1::RepairPages>::with<v1::RepairPagesReply>,
                     caf::replies_to<v1::GetStorageStatus>::with<v1::StorageStatus>>;

// ---- inside one node ----

/// One bulk exchange as the storage node sees it, whether it came over the bulk link or from this
/// node.
struct page_transfer {
  v1::PageTransfer head;
  buffer body;  ///< WRITE: the page; may be null
};
struct page_answer {
  v1::PageTransferReply head;
  buffer body;  ///< READ: the verified bytes; may be null
};

/// PAGE TRANSFERS: the bulk side of a storage node; spends the ticket, then writes or reads.
/// Errors: refused (ticket), not_found, damaged, disk_full, already_exists (other bytes), io_error.
using page_transfers_actor = caf::typed_actor<caf::replies_to<page_transfer>::with<page_answer>>;

struct exchange_page {
  node_id node;  ///< whose storage node is meant
  page_transfer transfer;
  std::chrono::milliseconds timeout{0};
};

/// PAGE LINK: one a node; takes a page transfer to a storage node: straight to the local one,
/// without a socket, else over the bulk link. Fills the checksum of what is written, checks that of
/// what was read (damaged). The peer's failures come back as errors; answers within about
/// `timeout`.
using page_link_actor = caf::typed_actor<caf::replies_to<exchange_page>::with<page_answer>>;

// ---- inside one access node ----

/// "Done", with nothing more to say. CAF 0.17 cannot deliver caf::unit_t as an answer: the
/// requester gets unexpected_response.
struct accepted {};

/// Part of an object to write, in order. Any size up to coordinator_options::page_bytes.
struct object_bytes {
  buffer bytes;
};
/// No more bytes follow.
struct finish_object {};
/// The next `size` bytes at most of the range that was opened.
struct next_bytes {
  std::size_t size = 0;
};

/// OBJECT WRITER: one object's way to its replicas. Dies with its client (it is linked to nobody,
/// but quits when `finish_object` is answered or nothing came for its idle limit).
using object_writer_actor = caf::typed_actor<
    // Answered when there is room for more, which is the back-pressure; an error when the write
    // quorum is lost (unavailable), storage is full (disk_full).
    caf::replies_to<object_bytes>::with<accepted>,
    // Answered when every page is durable at the write quorum.
    caf::replies_to<finish_object>::with<v1::Layout>>;

/// OBJECT READER: verified bytes of one range, in order; an empty buffer at the end. Fails over
/// between replicas; `damaged` or `not_found` only when no replica has good bytes.
using object_reader_actor = caf::typed_actor<caf::replies_to<next_bytes>::with<object_bytes>>;

struct open_write {
  v1::Item item;
  std::string trace_id;
};
struct open_read {
  v1::Layout layout;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::string trace_id;
};

/// COORDINATOR: one an access node; resolves replica sets, places new objects, spawns writers and
/// readers (K4).
using coordinator_actor = caf::typed_actor<caf::replies_to<open_write>::with<object_writer_actor>,
                                           caf::replies_to<open_read>::with<object_reader_actor>>;

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::page_transfer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::page_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::exchange_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::accepted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::object_bytes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::finish_object)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::next_bytes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::open_write)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::open_read)
