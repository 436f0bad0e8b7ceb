/// NOTE LANE: one-way messages of a link that pass beside its actor (decision 0014): out from the
/// thread that tells, in on the thread that reads. Nothing above the greeting needs the order of
/// frames (runtime/simulation/sim_network.hpp), and a link's turns cost more than such a message.
#pragma once

#include "runtime/links/link_messages.hpp"
#include "runtime/links/link_table.hpp"
#include "runtime/observe/metrics.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

namespace dunlin::links {

struct link_figures {
  link_figures(metrics& figures, const node_id& peer);
  counter &refused, &ups, &calls, &calls_failed, &served, &late_replies, &dropped, &frames_sent;
  gauge& connected;
};

/// Parses a frame.
wire_words read_frame(std::uint64_t wire, const std::string& bytes);

/// One per peer, for as long as its link. Thread safe.
class note_lane {
public:
  /// `takes_turns`: frames are read on a thread that may run actors.
  note_lane(node_id self, node_id peer, std::shared_ptr<const link_table> table, bool takes_turns,
            metrics& figures);

  // ---- the link's ----

  /// This wire has passed its greeting: envelopes travel on it, and on no other.
  void open(std::uint64_t id, wire_ptr wire);
  void close();
  /// One one-way message of the peer, to its role; dropped and counted where there is none.
  void deliver(const v1::Envelope& envelope, caf::execution_unit* context);
  /// A frame that read() handed on has been dealt with, in the link's turn.
  void caught_up() { --behind_; }
  /// Has anything been sent, heard, here since the last time?
  struct traffic {
    bool sent, heard;
  };
  traffic take_traffic();
  link_figures& figures() { return figures_; }

  // ---- from any thread ----

  /// `bytes` are the message itself; dropped and counted when the peer is not connected, or full.
  void tell(const std::string& role, std::uint64_t instance, std::string_view message,
            const buffer& bytes);

  // ---- from the wire's thread ----

  /// A frame that arrived: notes of the live wire are delivered, all else is for the link's turn,
  /// and what comes behind it as well until it has been dealt with: nothing overtakes.
  void read(std::uint64_t wire, std::string bytes, const link_actor& link);

private:
  void deliver_here(const v1::Envelope& envelope);
  std::shared_ptr<const served_role> role_of(const v1::Envelope& envelope) const;
  void hand_over(const served_role* role, const v1::Envelope& envelope,
                 caf::execution_unit* context);
  template <class Message>
  void hand_on(const link_actor& link, Message message);
  bool deliver_all(const v1::LinkFrame& frame);
  /// What goes before the payload's size, encoded once for each role that is told.
  std::string_view address_of(const std::string& role, std::uint64_t instance,
                              std::string_view message);

  const node_id self_, peer_;
  const std::shared_ptr<const link_table> table_;
  const bool takes_turns_;
  link_figures figures_;
  std::atomic<std::uint64_t> live_{0};  ///< its id; zero: none
  std::atomic<bool> sent_{false}, heard_{false};
  std::atomic<std::size_t> behind_{0};  ///< frames in the link's mailbox

  std::mutex guard_;  // of what follows
  wire_ptr wire_;
  std::map<std::tuple<std::string, std::uint64_t, std::string_view>, std::string> addresses_;
};

}  // namespace dunlin::links
