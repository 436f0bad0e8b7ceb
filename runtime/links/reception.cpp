#include "runtime/links/reception.hpp"

#include "runtime/observe/log.hpp"

#include <caf/send.hpp>

#include <mutex>

namespace dunlin::links {

/// Where a wire's callbacks go: to the reception, and after the hello to a link. The lock keeps the
/// order: nothing overtakes the greeting.
class wire_relay {
public:
  wire_relay(std::uint64_t id, reception_actor first) : id_{id}, first_{std::move(first)} {}

  void on_frame(std::string bytes) {
    {
      const auto lock = std::scoped_lock{guard_};
      if (!link_) return caf::anon_send(first_, wire_frame{id_, std::move(bytes)});
    }
    lane_->read(id_, std::move(bytes), link_);  // neither changes any more
  }

  void on_closed(ec reason) {
    const auto lock = std::scoped_lock{guard_};
    if (link_)
      caf::anon_send(link_, wire_closed{id_, reason});
    else
      caf::anon_send(first_, wire_closed{id_, reason});
  }

  void hand_over(const link_actor& link, std::shared_ptr<note_lane> lane, wire_greeted greeted) {
    const auto lock = std::scoped_lock{guard_};
    caf::anon_send(link, std::move(greeted));
    link_ = link;
    lane_ = std::move(lane);
  }

private:
  const std::uint64_t id_;
  std::mutex guard_;
  reception_actor first_;
  link_actor link_;
  std::shared_ptr<note_lane> lane_;
};

namespace {

using self_pointer = reception_actor::stateful_pointer<reception_state>;

void refuse(self_pointer self, std::uint64_t id, ec reason, const std::string& detail) {
  auto guest = self->state.guests.extract(id);
  self->state.refused->add();
  log::warn("link.stranger_refused", {{"reason", to_string(reason)}, {"detail", detail}});
  guest.mapped().wire->send(encode_goodbye(reason, detail));
  guest.mapped().wire->close();
}

void accept(self_pointer self, const wire_ptr& wire) {
  auto& state = self->state;
  const auto& options = state.shared->options;
  if (state.guests.size() >= options.ungreeted_max) {
    state.refused->add();
    return wire->close();
  }
  const auto id = ++state.shared->last_wire;
  auto relay = std::make_shared<wire_relay>(id, reception_actor{self});
  state.guests[id] = {wire, relay};
  self->delayed_send(self, options.hello_deadline, wire_overdue{id});
  wire->start({[relay](std::string bytes) { relay->on_frame(std::move(bytes)); },
               [relay](ec reason) { relay->on_closed(reason); }});
}

void greet(self_pointer self, const wire_frame& first) {
  auto& state = self->state;
  // Whoever says more than a hello before it is answered does not speak this protocol; its link
  // never sees the extra frames.
  if (!state.guests.contains(first.wire_id)) return state.refused->add();
  v1::LinkFrame frame;
  if (first.bytes.size() > hello_bytes_max || !frame.ParseFromString(first.bytes) ||
      !frame.has_hello())
    return refuse(self, first.wire_id, ec::bad_message, "the first frame is no hello");
  const auto link = state.links.find(frame.hello().node());
  if (link == state.links.end())
    return refuse(self, first.wire_id, ec::refused, "no node of this cluster");
  auto guest = state.guests.extract(first.wire_id);
  guest.mapped().relay->hand_over(
      link->second, state.shared->lanes.find(link->first),
      {first.wire_id, guest.mapped().wire, std::move(*frame.mutable_hello())});
}

void forget(self_pointer self, const wire_closed& news) {
  // Its hello and its end may have been queued together: the link must hear of the end too.
  if (self->state.guests.erase(news.wire_id) == 0)
    for (const auto& [name, link] : self->state.links)
      self->send(link, news);
}

}  // namespace

reception_actor::behavior_type reception(self_pointer self, std::shared_ptr<link_context> shared,
                                         std::map<node_id, link_actor> links) {
  auto& state = self->state;
  state.refused = &shared->figures.counter("dunlin_link_strangers_refused_total",
                                           "Accepted connections without a usable hello");
  state.shared = std::move(shared);
  state.links = std::move(links);
  self->set_exit_handler([self](caf::exit_msg& order) {
    for (const auto& [id, guest] : self->state.guests)
      guest.wire->close();
    self->state.guests.clear();
    self->quit(std::move(order.reason));
  });
  return {
      [self](const wire_accepted& made) { accept(self, made.wire); },
      [self](const peer_added& made) { self->state.links[made.peer] = made.link; },
      [self](const wire_frame& first) { greet(self, first); },
      [self](const wire_closed& news) { forget(self, news); },
      [self](const wire_overdue& late) {
        if (self->state.guests.contains(late.wire_id))
          refuse(self, late.wire_id, ec::timed_out, "no hello in time");
      },
  };
}

}  // namespace dunlin::links
