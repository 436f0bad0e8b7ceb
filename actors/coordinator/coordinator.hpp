/// COORDINATOR, OBJECT WRITER, OBJECT READER (K4): contracts in messages/storage.hpp. The
/// coordinator resolves and places, then spawns one writer or reader per object, which dies with
/// its client.
#pragma once

#include "actors/coordinator/placement.hpp"
#include "actors/coordinator/read_core.hpp"
#include "actors/coordinator/write_core.hpp"
#include "messages/partition.hpp"
#include "messages/storage.hpp"
#include "runtime/clock.hpp"
#include "runtime/map_source.hpp"

#include <caf/actor.hpp>
#include <caf/atom.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace dunlin {

struct coordinator_options {
  node_id self;
  write_core::limits writing;  ///< page_bytes among them
  read_core::limits reading;
  /// What all writers together may keep for replicas that lag, and on the way to the quorum; each
  /// new one gets its share: at most what `writing` says, at least a page.
  std::size_t lag_bytes_total = 32u << 20;
  std::size_t window_pages_total = 12;
  std::chrono::milliseconds map_timeout{5000};
  std::chrono::milliseconds control_timeout{2000};
  std::chrono::milliseconds write_timeout{10'000};  ///< one page at one replica
  std::chrono::milliseconds read_timeout{2000};     ///< one page from one replica
  std::chrono::milliseconds grace{50};  ///< for the last replica, when the quorum has everything
  std::chrono::milliseconds linger{10'000};  ///< for stragglers, behind the answer
  std::chrono::milliseconds idle{120'000};   ///< a client that says nothing is gone
  std::chrono::milliseconds idle_look{5000};
};

/// What objects are moved with. The functions are called from actors: thread safe.
struct coordinator_parts {
  /// The storage node of any node: a stub of the links.
  std::function<storage_node_actor(const node_id&)> storage_at;
  /// Connected peers, without oneself; the incarnations are not looked at.
  std::function<std::map<node_id, std::uint64_t>()> peers;
  page_link_actor link;
  map_source map;
  random_source* random = nullptr;  ///< outlives the actors
};

/// A cluster map, ready for use; shared by the objects that began under it.
struct object_map {
  std::uint64_t epoch = 0;
  std::vector<replica_set> sets;
  std::size_t write_quorum = 0;
};

struct object_context {
  coordinator_options options;
  coordinator_parts parts;
  std::shared_ptr<const object_map> map;
  std::set<node_id> up() const;
};
using shared_context = std::shared_ptr<const object_context>;

struct coordinator_state {
  coordinator_options options;
  coordinator_parts parts;
  std::shared_ptr<const object_map> map;
  std::set<caf::actor> objects;  // writers and readers, which end with the coordinator
  ~coordinator_state();
};

/// The limits of a writer that begins when `objects` others are under way: memory stays bounded
/// however many upload at once.
write_core::limits share_of(const coordinator_options& options, std::size_t objects);

coordinator_actor::behavior_type coordinator(
    coordinator_actor::stateful_pointer<coordinator_state> self, coordinator_options options,
    coordinator_parts parts);

// ---- one object ----

using object_writer_service = object_writer_actor::extend<
    // INTERNAL: the grace for the last replica is over.
    caf::reacts_to<caf::flush_atom>,
    // INTERNAL: stragglers have had their time.
    caf::reacts_to<caf::close_atom>,
    // INTERNAL: see whether the client is still there.
    caf::reacts_to<caf::tick_atom>>;

using object_reader_service = object_reader_actor::extend<caf::reacts_to<caf::tick_atom>>;

/// A set that was tried for an object, and its run there.
struct write_attempt {
  replica_set set;
  std::string first_page;
  std::vector<std::string> tickets;  // one per replica
};

struct object_writer_state {
  shared_context context;
  std::optional<write_core> core;
  v1::Item item;
  std::string trace_id;
  std::map<std::uint32_t, write_attempt> attempts;
  std::deque<write_core::effect> effects;
  bool performing = false;
  bool closed = false;
  std::optional<ec> failure;
  std::optional<caf::typed_response_promise<accepted>> room;
  std::optional<caf::typed_response_promise<v1::Layout>> finish;
  std::chrono::nanoseconds heard{};
  bool monitoring = false;
};

object_writer_service::behavior_type object_writer(
    object_writer_service::stateful_pointer<object_writer_state> self, shared_context context,
    open_write wish);

struct object_reader_state {
  shared_context context;
  std::optional<read_core> core;
  std::string trace_id;
  std::optional<caf::typed_response_promise<object_bytes>> waiting;
  std::chrono::nanoseconds heard{};
  bool monitoring = false;
};

object_reader_service::behavior_type object_reader(
    object_reader_service::stateful_pointer<object_reader_state> self, shared_context context,
    std::vector<resolved_run> runs, open_read wish);

}  // namespace dunlin
