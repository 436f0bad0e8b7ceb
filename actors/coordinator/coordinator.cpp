#include "actors/coordinator/coordinator.hpp"

#include "messages/error.hpp"
#include "messages/page_id.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace dunlin {

using self_pointer = coordinator_actor::stateful_pointer<coordinator_state>;

coordinator_state::~coordinator_state() {
  for (const auto& object : objects)
    caf::anon_send_exit(object, caf::exit_reason::user_shutdown);
}

/// Remembers a new object until it ends.
template <class Handle>
static Handle adopt(self_pointer self, const Handle& object) {
  self->monitor(object);
  self->state.objects.insert(caf::actor_cast<caf::actor>(object));
  return object;
}

std::set<node_id> object_context::up() const {
  std::set<node_id> nodes{options.self};
  for (const auto& [node, incarnation] : parts.peers())
    nodes.insert(node);
  return nodes;
}

static std::shared_ptr<const object_map> read_map(const v1::ClusterMap& map) {
  auto made = std::make_shared<object_map>();
  made->epoch = map.epoch();
  made->write_quorum = std::max(map.write_quorum(), 1u);
  for (const auto& set : map.replica_sets())
    made->sets.push_back({set.id(), {set.nodes().begin(), set.nodes().end()}});
  return made;
}

/// Calls `then(context)` with the map of at least `epoch`, or fails the promise.
template <class Promise, class Then>
static void with_map(self_pointer self, std::uint64_t epoch, Promise promise, Then then) {
  ask_for_map(
      self, self->state.parts.map, self->state.options.map_timeout, epoch,
      [self, then](const shared_map& map) mutable {
        auto& state = self->state;
        if (!state.map || state.map->epoch != map->epoch()) state.map = read_map(*map);
        then(std::make_shared<const object_context>(
            object_context{state.options, state.parts, state.map}));
      },
      [promise](const caf::error& error) mutable { promise.deliver(error); });
}

static const replica_set* find_set(const object_map& map, std::uint32_t id) {
  const auto at = std::find_if(map.sets.begin(), map.sets.end(),
                               [&](const replica_set& set) { return set.id == id; });
  return at == map.sets.end() ? nullptr : &*at;
}

/// unavailable: a set that this map does not have; unsupported: a placement of a later release.
static result<std::vector<resolved_run>> resolve(const object_map& map, const v1::Layout& layout) {
  std::vector<resolved_run> runs;
  for (const auto& run : layout.runs()) {
    if (run.first_page().size() != page_id_bytes || run.page_bytes() == 0) return ec::unsupported;
    const auto* set = find_set(map, run.replica_set());
    if (!set) return ec::unavailable;
    runs.push_back(
        {run.replica_set(), set->nodes, run.first_page(), run.page_bytes(), run.length()});
  }
  return runs;
}

using reader_promise = caf::typed_response_promise<object_reader_actor>;

static void open_reader(self_pointer self, const shared_context& context, const open_read& wish,
                        reader_promise promise, bool fresh_map) {
  auto runs = resolve(*context->map, wish.layout);
  if (runs)
    return static_cast<void>(promise.deliver(object_reader_actor(
        adopt(self, self->spawn(object_reader, context, std::move(*runs), wish)))));
  if (fresh_map || runs.error() != ec::unavailable)
    return static_cast<void>(promise.deliver(make_error(runs.error(), "layout")));
  // The object is newer than the map that is known here.
  with_map(self, context->map->epoch + 1, promise,
           [self, wish, promise](const shared_context& newer) {
             open_reader(self, newer, wish, promise, true);
           });
}

write_core::limits share_of(const coordinator_options& options, std::size_t objects) {
  auto share = options.writing;
  share.lag_bytes_max = std::max(
      share.page_bytes, std::min(share.lag_bytes_max, options.lag_bytes_total / (objects + 1)));
  share.window_pages = std::max<std::size_t>(
      1, std::min(share.window_pages, options.window_pages_total / (objects + 1)));
  return share;
}

coordinator_actor::behavior_type coordinator(self_pointer self, coordinator_options options,
                                             coordinator_parts parts) {
  self->state.options = std::move(options);
  self->state.parts = std::move(parts);
  self->set_down_handler([self](const caf::down_msg& down) {
    self->state.objects.erase(caf::actor_cast<caf::actor>(down.source));
  });
  return {
      [self](const open_write& wish) {
        auto promise = self->make_response_promise<object_writer_actor>();
        with_map(self, 0, promise, [self, promise, wish](const shared_context& context) mutable {
          auto own = std::make_shared<object_context>(*context);
          own->options.writing = share_of(self->state.options, self->state.objects.size());
          promise.deliver(object_writer_actor(
              adopt(self, self->spawn(object_writer, shared_context(own), wish))));
        });
        return promise;
      },
      [self](const open_read& wish) {
        auto promise = self->make_response_promise<object_reader_actor>();
        with_map(self, 0, promise, [self, promise, wish](const shared_context& context) {
          open_reader(self, context, wish, promise, false);
        });
        return promise;
      },
  };
}

}  // namespace dunlin
