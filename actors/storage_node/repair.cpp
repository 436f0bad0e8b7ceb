#include "actors/storage_node/repair.hpp"

#include "messages/error.hpp"
#include "messages/page_id.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>

namespace dunlin {

using self_pointer = repair_actor::stateful_pointer<repair_state>;

static void work(self_pointer self);

static std::chrono::nanoseconds now(self_pointer self) {
  return self->clock().now().time_since_epoch();
}

// ---- one page: verify, else ticket, bytes, write ----

static void end(self_pointer self, const repair_core::fetch& what, bool good) {
  self->state.fetches.on_done(what, good, now(self));
  work(self);
}

static auto failing(self_pointer self, const repair_core::fetch& what, const char* step) {
  return [self, what, step](const caf::error& error) {
    log::debug("storage_node.repair_delayed",
               {{"page", page_text(what.page)}, {"step", step}, {"error", render(error)}});
    end(self, what, false);
  };
}

static void write(self_pointer self, const repair_core::fetch& what, const page_answer& answer) {
  const auto& head = answer.head;
  extents::new_page page{what.page, head.replica_set(), {}, answer.body};
  page.item = {head.item().bucket_id(), head.item().key(), head.item().upload_id()};
  if (!page.bytes) page.bytes = std::make_shared<const std::string>();
  self->request(self->state.writer, self->state.options.page_timeout, store_page{std::move(page)})
      .then(
          [self, what](accepted) {
            DUNLIN_REACHED("storage.page_repaired");
            ++*self->state.repaired;
            log::info("storage_node.page_repaired", {{"page", page_text(what.page)}});
            end(self, what, true);
          },
          failing(self, what, "write"));
}

static void exchange(self_pointer self, const repair_core::fetch& what, const node_id& source,
                     const v1::Ticket& ticket) {
  exchange_page wish{source, {}, self->state.options.page_timeout};
  wish.transfer.head.set_ticket(ticket.secret());
  wish.transfer.head.set_operation(v1::OpenTransfer::READ);
  wish.transfer.head.set_page(what.page);
  self->request(self->state.link, 2 * wish.timeout, std::move(wish))
      .then([self, what](const page_answer& answer) { write(self, what, answer); },
            failing(self, what, "read"));
}

/// The named source first, then the others of the set in turn.
static node_id source_of(const repair_state& state, const repair_core::fetch& what) {
  std::vector<node_id> candidates;
  if (!what.source.empty()) candidates.push_back(what.source);
  if (const auto at = state.sets.find(what.replica_set); at != state.sets.end())
    for (const auto& node : at->second)
      if (node != state.options.self && node != what.source) candidates.push_back(node);
  return candidates.empty() ? node_id() : candidates[what.attempt % candidates.size()];
}

static void fetch(self_pointer self, const repair_core::fetch& what) {
  auto& state = self->state;
  const auto source = source_of(state, what);
  const auto peer = source.empty() || source == state.options.self
                        ? storage_node_actor()
                        : state.options.storage_at(source);
  if (!peer) return end(self, what, false);
  v1::OpenTransfer wish;
  wish.set_operation(v1::OpenTransfer::READ);
  wish.set_first_page(what.page);
  wish.set_pages(1);
  wish.set_replica_set(what.replica_set);
  wish.set_lifetime_ms(static_cast<std::uint32_t>(state.options.page_timeout.count()));
  self->request(peer, state.options.control_timeout, std::move(wish))
      .then(
          [self, what, source](const v1::Ticket& ticket) { exchange(self, what, source, ticket); },
          failing(self, what, "ticket"));
}

/// What is held and whole needs no network: reports may be late or wrong.
static void perform(self_pointer self, const repair_core::fetch& what) {
  self->request(self->state.reader, self->state.options.page_timeout, read_page{what.page, 0, 0})
      .then([self, what](const extents::page_range&) { end(self, what, true); },
            [self, what](const caf::error&) { fetch(self, what); });
}

// ---- comparing with peers ----

static void compare_answered(self_pointer self, const compare_core::list& asked,
                             const v1::ListPagesReply& reply, const missing_pages& missing) {
  auto& state = self->state;
  if (!missing.pages.empty()) DUNLIN_REACHED("storage.page_missed");
  if (!missing.pages.empty())
    log::info("storage_node.pages_missed", {{"peer", asked.peer},
                                            {"replica_set", asked.replica_set},
                                            {"pages", missing.pages.size()}});
  for (const auto& page : missing.pages)
    state.fetches.add(asked.replica_set, page, 1, asked.peer);
  const auto more = reply.truncated() && reply.pages_size() > 0;
  state.comparing.on_listed(more ? reply.pages(reply.pages_size() - 1).page() : std::string(),
                            now(self));
  work(self);
}

static void compare_failed(self_pointer self, const caf::error& error) {
  log::debug("storage_node.comparison_delayed", {{"error", render(error)}});
  self->state.comparing.on_failed(now(self));
  work(self);
}

static void perform(self_pointer self, const compare_core::list& what) {
  auto& options = self->state.options;
  const auto peer = options.storage_at(what.peer);
  if (!peer) return compare_failed(self, make_error(ec::unavailable));
  v1::ListPages wish;
  wish.set_replica_set(what.replica_set);
  wish.set_after(what.after);
  wish.set_items_max(options.list_max);
  const auto fail = [self](const caf::error& error) { compare_failed(self, error); };
  self->request(peer, options.control_timeout, std::move(wish))
      .then(
          [self, what, fail](const v1::ListPagesReply& reply) {
            find_missing question;
            for (const auto& page : reply.pages())
              question.pages.push_back(page.page());
            self->request(self->state.reader, self->state.options.control_timeout,
                          std::move(question))
                .then(
                    [self, what, reply](const missing_pages& missing) {
                      compare_answered(self, what, reply, missing);
                    },
                    fail);
          },
          fail);
}

static void learn_sets(repair_state& state, const v1::ClusterMap& map) {
  state.sets.clear();
  for (const auto& set : map.replica_sets())
    state.sets[set.id()] = {set.nodes().begin(), set.nodes().end()};
}

static std::vector<std::uint32_t> shared_sets(const repair_state& state, const node_id& peer) {
  std::vector<std::uint32_t> shared;
  for (const auto& [id, nodes] : state.sets) {
    const auto holds = [&](const node_id& node) {
      return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
    };
    if (holds(peer) && holds(state.options.self)) shared.push_back(id);
  }
  return shared;
}

static void look_for_peers(self_pointer self) {
  auto& state = self->state;
  const auto known = state.options.peers();
  // Peers stay unseen until the sets are known: they would be forgotten otherwise.
  ask_for_map(
      self, state.map, state.options.control_timeout, 0,
      [self, known](const shared_map& map) {
        learn_sets(self->state, *map);
        for (const auto& peer : self->state.comparing.on_peers(known))
          self->state.comparing.begin(peer, shared_sets(self->state, peer), now(self));
        work(self);
      },
      [](const caf::error& error) {
        log::debug("storage_node.map_unknown", {{"error", render(error)}});
      });
}

// ---- turns ----

static void tick_at(self_pointer self, std::chrono::nanoseconds when) {
  auto& next = self->state.next_tick;
  if (next > now(self) && next <= when) return;
  next = when;
  self->delayed_send(self, std::max(when - now(self), std::chrono::nanoseconds(1'000'000)),
                     caf::tick_atom::value);
}

static void work(self_pointer self) {
  auto& state = self->state;
  for (const auto& what : state.fetches.next(now(self)))
    perform(self, what);
  if (state.fetches.waiting() < state.options.waiting_max)
    if (const auto what = state.comparing.next(now(self))) perform(self, *what);
  if (const auto when = state.fetches.wake_at()) tick_at(self, *when);
  if (!state.comparing.idle()) tick_at(self, now(self) + std::chrono::milliseconds(50));
}

repair_actor::behavior_type repair(self_pointer self, repair_options options, repair_parts parts) {
  auto& state = self->state;
  state.fetches = repair_core(options.fetches);
  state.comparing = compare_core(options.comparing);
  state.options = std::move(options);
  state.writer = parts.writer;
  state.reader = parts.reader;
  state.link = parts.link;
  state.map = parts.map;
  state.repaired = parts.repaired;
  self->delayed_send(self, state.options.look_interval, look_atom::value);
  return {
      [self](const v1::RepairPages& wish) -> caf::result<v1::RepairPagesReply> {
        if (wish.range().first_page().size() != page_id_bytes)
          return make_error(ec::invalid_argument, "first_page");
        v1::RepairPagesReply reply;
        if (self->state.fetches.add(wish.replica_set(), wish.range().first_page(),
                                    wish.range().pages(), wish.source()))
          reply.set_accepted(wish.range().pages());
        work(self);
        return reply;
      },
      [self](const damaged_page& found) {
        DUNLIN_REACHED("storage.damage_reported");
        self->state.fetches.add(found.replica_set, found.page, 1, {});
        work(self);
      },
      [self](caf::tick_atom) { work(self); },
      [self](look_atom) {
        self->delayed_send(self, self->state.options.look_interval, look_atom::value);
        look_for_peers(self);
      },
  };
}

}  // namespace dunlin
