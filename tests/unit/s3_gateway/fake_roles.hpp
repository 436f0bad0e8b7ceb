/// The roles that a request talks to, as actors over the fake world's cluster.
#pragma once

#include "messages/error.hpp"
#include "messages/partition.hpp"
#include "messages/storage.hpp"
#include "tests/unit/s3_gateway/fake_world.hpp"

#include <caf/all.hpp>

namespace dunlin::s3::test {

/// What went on, and what shall go wrong.
struct roles_log {
  cluster& world;
  bool router_silent = false;
  bool coordinator_silent = false;
  bool writer_dies = false;
  int writers_alive = 0;
  int readers_alive = 0;
  std::uint32_t last_timeout_ms = 0;
  std::string last_trace;
};

inline partition_router_actor::behavior_type fake_router(partition_router_actor::pointer self,
                                                         roles_log* log) {
  return {
      [=](const v1::RoutedCommand& routed) -> caf::result<v1::CommandReply> {
        log->last_timeout_ms = routed.timeout_ms();
        log->last_trace = routed.command().trace_id();
        if (log->router_silent) return self->make_response_promise<v1::CommandReply>();
        if (const auto fault = std::exchange(log->world.execute_fails, std::nullopt))
          return make_error(*fault);
        return log->world.execute(routed.route(), routed.command());
      },
      [=](const v1::RoutedQuery& routed) -> caf::result<v1::QueryReply> {
        log->last_trace = routed.query().trace_id();
        if (log->router_silent) return self->make_response_promise<v1::QueryReply>();
        return log->world.ask(routed.route(), routed.query());
      },
      [](const v1::GetMap&) { return v1::ClusterMap(); },
  };
}

struct counted {
  int* alive = nullptr;
  std::string bytes;
  ~counted() {
    if (alive) --*alive;
  }
};

inline object_writer_actor::behavior_type fake_writer(
    object_writer_actor::stateful_pointer<counted> self, roles_log* log) {
  self->state.alive = &log->writers_alive;
  ++log->writers_alive;
  return {
      [=](const object_bytes& piece) {
        self->state.bytes += *piece.bytes;
        if (log->writer_dies) self->quit(caf::exit_reason::unhandled_exception);
        return accepted{};
      },
      [=](const finish_object&) {
        v1::Layout layout;
        auto& run = *layout.add_runs();
        auto page = std::to_string(1'000'000 + ++log->world.serial);
        page.resize(16, '\0');
        run.set_replica_set(1);
        run.set_first_page(page);
        run.set_page_bytes(1u << 20);
        run.set_length(self->state.bytes.size());
        log->world.pages[page] = self->state.bytes;
        self->quit();
        return layout;
      },
  };
}

inline object_reader_actor::behavior_type fake_reader(
    object_reader_actor::stateful_pointer<counted> self, roles_log* log, std::string bytes) {
  self->state.alive = &log->readers_alive;
  ++log->readers_alive;
  self->state.bytes = std::move(bytes);
  return {
      [=](const next_bytes& wanted) {
        auto& left = self->state.bytes;
        object_bytes out{std::make_shared<const std::string>(left.substr(0, wanted.size))};
        left.erase(0, wanted.size);
        return out;
      },
  };
}

inline coordinator_actor::behavior_type fake_coordinator(coordinator_actor::pointer self,
                                                         roles_log* log) {
  return {
      [=](const open_write&) -> caf::result<object_writer_actor> {
        if (log->coordinator_silent) return self->make_response_promise<object_writer_actor>();
        return self->spawn(fake_writer, log);
      },
      [=](const open_read& wanted) -> caf::result<object_reader_actor> {
        std::string all;
        for (const auto& run : wanted.layout.runs())
          all += log->world.pages[run.first_page()];
        return self->spawn(fake_reader, log, all.substr(wanted.offset, wanted.length));
      },
  };
}

}  // namespace dunlin::s3::test
