#include "runtime/links/note_lane.hpp"

#include "runtime/links/frames.hpp"
#include "runtime/scheduling/turns_here.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace dunlin::links {

namespace {

/// Larger ones are read, and handled, by the actors' workers: they must not hold up other wires.
constexpr std::size_t read_here_bytes_max = 16u << 10;
/// The same of one frame's messages.
constexpr int read_here_messages_max = 16;
/// Roles that were told; who subscribes under ever new numbers does not fill the memory.
constexpr std::size_t addresses_max = 256;

/// Apart: where the size is known, g++ 12 warns of what a short string could not hold.
[[gnu::noinline]] bool is_large(const std::string& bytes) {
  return bytes.size() > read_here_bytes_max;
}

bool is_note(const v1::Envelope& envelope) { return envelope.call() == 0 && !envelope.is_reply(); }

}  // namespace

link_figures::link_figures(metrics& m, const node_id& peer)
    : refused{m.counter("dunlin_link_refused_total", "Greetings refused", {{"peer", peer}})},
      ups{m.counter("dunlin_link_connected_total", "Times connected", {{"peer", peer}})},
      calls{m.counter("dunlin_link_calls_total", "Calls to the peer", {{"peer", peer}})},
      calls_failed{m.counter("dunlin_link_calls_failed_total", "Calls that ended in an error",
                             {{"peer", peer}})},
      served{m.counter("dunlin_link_served_total", "Messages of the peer given to roles",
                       {{"peer", peer}})},
      late_replies{m.counter("dunlin_link_late_replies_total", "Answers nobody waited for",
                             {{"peer", peer}})},
      dropped{m.counter("dunlin_link_dropped_total",
                        "Messages dropped: no link, full, or not greeted", {{"peer", peer}})},
      frames_sent{
          m.counter("dunlin_link_frames_sent_total", "Frames to the peer", {{"peer", peer}})},
      connected{m.gauge("dunlin_link_connected", "1: connected", {{"peer", peer}})} {}

wire_words read_frame(std::uint64_t wire, const std::string& bytes) {
  auto frame = std::make_shared<v1::LinkFrame>();
  if (!frame->ParseFromString(bytes)) frame = nullptr;
  return {wire, std::move(frame)};
}

note_lane::note_lane(node_id self, node_id peer, std::shared_ptr<const link_table> table,
                     bool takes_turns, metrics& figures)
    : self_{std::move(self)},
      peer_{std::move(peer)},
      table_{std::move(table)},
      takes_turns_{takes_turns},
      figures_{figures, peer_} {}

void note_lane::open(std::uint64_t id, wire_ptr wire) {
  const auto lock = std::scoped_lock{guard_};
  wire_ = std::move(wire);
  live_ = id;
}

void note_lane::close() {
  wire_ptr last;  // dropped without the lock
  const auto lock = std::scoped_lock{guard_};
  last = std::exchange(wire_, nullptr);
  live_ = 0;
}

note_lane::traffic note_lane::take_traffic() {
  return {sent_.exchange(false, std::memory_order_relaxed),
          heard_.exchange(false, std::memory_order_relaxed)};
}

std::string_view note_lane::address_of(const std::string& role, std::uint64_t instance,
                                       std::string_view message) {
  if (addresses_.size() >= addresses_max) addresses_.clear();
  auto& known = addresses_[{role, instance, message}];
  if (known.empty()) {
    outgoing_note note;
    note.role = role;
    note.instance = instance;
    note.message = message;
    known = encode_address(peer_, note);
  }
  return known;
}

void note_lane::tell(const std::string& role, std::uint64_t instance, std::string_view message,
                     const buffer& bytes) {
  wire_ptr wire;
  buffer head;
  if (live_ != 0 && bytes->size() <= frame_bytes_max / 2) {
    const auto lock = std::scoped_lock{guard_};
    wire = wire_;
    if (wire) head = encode_head(address_of(role, instance, message), bytes->size());
  }
  if (!wire || !wire->send(std::move(head), bytes)) return figures_.dropped.add();
  sent_.store(true, std::memory_order_relaxed);
  figures_.frames_sent.add();
}

template <class Message>
void note_lane::hand_on(const link_actor& link, Message message) {
  ++behind_;
  caf::anon_send(link, std::move(message));
}

void note_lane::read(std::uint64_t wire, std::string bytes, const link_actor& link) {
  if (behind_ > 0 || live_ != wire || is_large(bytes))
    return hand_on(link, wire_frame{wire, std::move(bytes)});
  // Its strings keep their memory from one frame to the next.
  thread_local v1::LinkFrame frame;
  if (!frame.ParseFromString(bytes)) return hand_on(link, wire_words{wire, nullptr});
  if (deliver_all(frame)) return;
  auto words = std::make_shared<v1::LinkFrame>();
  words->Swap(&frame);
  hand_on(link, wire_words{wire, std::move(words)});
}

bool note_lane::deliver_all(const v1::LinkFrame& frame) {
  if (!frame.has_envelope() || !is_note(frame.envelope()) ||
      frame.more_size() >= read_here_messages_max ||
      !std::all_of(frame.more().begin(), frame.more().end(), is_note))
    return false;
  heard_.store(true, std::memory_order_relaxed);
  deliver_here(frame.envelope());
  for (const auto& next : frame.more())
    deliver_here(next);
  return true;
}

std::shared_ptr<const served_role> note_lane::role_of(const v1::Envelope& envelope) const {
  if (envelope.to().node() != self_) return nullptr;
  return table_->find({envelope.to().role(), envelope.to().instance()});
}

void note_lane::hand_over(const served_role* role, const v1::Envelope& envelope,
                          caf::execution_unit* context) {
  if (role == nullptr) return figures_.dropped.add();
  const auto handler = role->notes.find(envelope.message());
  if (handler == role->notes.end()) return figures_.dropped.add();
  figures_.served.add();
  handler->second(envelope.payload(), context);
}

void note_lane::deliver(const v1::Envelope& envelope, caf::execution_unit* context) {
  hand_over(role_of(envelope).get(), envelope, context);
}

void note_lane::deliver_here(const v1::Envelope& envelope) {
  const auto role = role_of(envelope);
  if (!takes_turns_ || !role || role->short_turns.empty())
    return hand_over(role.get(), envelope, nullptr);
  scheduling::turns_here turns{*role->handle->home_system, role->short_turns};
  hand_over(role.get(), envelope, &turns);
  turns.run();
}

}  // namespace dunlin::links
