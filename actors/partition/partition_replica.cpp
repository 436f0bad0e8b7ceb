#include "actors/partition/partition_replica.hpp"

#include "actors/partition/replica_turns.hpp"
#include "messages/error.hpp"

namespace dunlin {

partition_replica_actor::behavior_type partition_replica(replica_turns::self_pointer self,
                                                         partition_replica_options options) {
  const auto writer = options.writer;
  auto turns = std::make_shared<replica_turns>(self, std::move(options));
  self->state.turns = turns;
  self->monitor(writer);
  if (const auto keeper = turns->keeper()) self->monitor(keeper);
  self->set_down_handler([self, writer](const caf::down_msg& down) {
    const auto* step = down.source == writer.address() ? "log" : "state keeper";
    self->state.turns->stop(step, ec::io_error, render(down.reason));
  });
  self->set_exit_handler([self](const caf::exit_msg& end) {
    // The leader actor is linked and ends by itself at the end of its term.
    if (end.reason) self->state.turns->end(end.reason);
  });
  turns->start();     // if it fails the actor has ended: none of these is called
  auto& it = *turns;  // lives as long as the behaviour: the state holds it
  return {
      [&it](const v1::PartitionCommand& wish) { return it.on_command(wish); },
      [&it](const v1::PartitionQuery& wish) { return it.on_query(wish); },
      [&it](const v1::RaftMessage& incoming) { it.on_message(incoming); },
      [&it](const v1::GetReplicaStatus&) { return it.status(); },
      [&it](const log_stored& done) { it.on_stored(done); },
      [&it](const log_refused& no) { it.on_refused(no); },
      [&it](const propose_round& wish) { it.on_propose(wish); },
      [&it](const rows_announced& done) { it.on_announced(done); },
      [&it](const state_checkpointed& done) { it.on_checkpointed(done); },
      [&it](const state_copied& done) { it.on_copied(done); },
      [&it](const state_fetched& done) { it.on_fetched(done); },
      [&it](const state_installed& done) { it.on_installed(done); },
      [&it](const step_aside&) { it.on_step_aside(); },
      [&it](caf::tick_atom) { it.on_tick(); },
  };
}

}  // namespace dunlin
