#include "actors/storage_node/storage_node.hpp"

#include <caf/send.hpp>

namespace dunlin {

template <caf::spawn_options Options>
static void spawn_disk_actors(caf::actor_system& system, storage_service& made,
                              const storage_service_options& options,
                              const storage_service_parts& parts) {
  made.writer = system.spawn<Options>(extent_writer, parts.store, options.writer);
  for (std::size_t i = 0; i < options.readers; ++i)
    made.readers.push_back(system.spawn<Options>(extent_reader, parts.store, parts.clock));
}

storage_service spawn_storage_service(caf::actor_system& system, storage_service_options options,
                                      storage_service_parts parts) {
  storage_service made;
  if (options.detached)
    spawn_disk_actors<caf::detached>(system, made, options, parts);
  else
    spawn_disk_actors<caf::no_spawn_options>(system, made, options, parts);
  const auto repaired = std::make_shared<std::atomic<std::uint64_t>>(0);
  made.repair = system.spawn(
      repair, std::move(options.repair),
      repair_parts{made.writer, made.readers.front(), parts.link, parts.map, repaired});
  made.node = system.spawn(storage_node, options.node,
                           storage_node_parts{parts.store, made.writer, made.readers, made.repair,
                                              repaired, parts.random});
  return made;
}

void storage_service::stop() {
  caf::anon_send_exit(node, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(repair, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(writer, caf::exit_reason::user_shutdown);
  for (const auto& reader : readers)
    caf::anon_send_exit(reader, caf::exit_reason::user_shutdown);
}

}  // namespace dunlin
