/// What a link actor hears inside its own node. Plain structs: none of this crosses a node.
#pragma once

#include "messages/v1.hpp"
#include "messages/vocabulary.hpp"
#include "runtime/links/wire.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>
#include <caf/message.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace dunlin::links {

/// A stub's message for (role, instance) of the peer, encoded.
struct outgoing {
  std::string role;
  std::uint64_t instance = 0;
  std::string_view message;  ///< Protobuf name; static storage
  std::string payload;
  std::string trace_id;
};
struct outgoing_call : outgoing {
  /// What the caller gets, from the peer's answer: its Protobuf name and bytes.
  caf::message (*read)(std::string_view name, const std::string& payload) = nullptr;
};
struct outgoing_note : outgoing {};

/// Stands for whatever the remote role answers.
struct call_answer {};

/// A dial ended; `wire` is null when it failed.
struct wire_dialed {
  std::uint64_t attempt = 0;
  wire_ptr wire;
  ec error{};
};
/// An accepted wire whose first frame was this hello of the link's peer.
struct wire_greeted {
  std::uint64_t wire_id = 0;
  wire_ptr wire;
  v1::Hello hello;
};
struct wire_frame {
  std::uint64_t wire_id = 0;
  std::string bytes;
};
/// The same, read already.
struct wire_words {
  std::uint64_t wire_id = 0;
  std::shared_ptr<v1::LinkFrame> frame;  ///< null: it cannot be parsed
};
struct wire_closed {
  std::uint64_t wire_id = 0;
  ec reason{};
};

using tick_atom = caf::atom_constant<caf::atom("tick")>;
using flush_atom = caf::atom_constant<caf::atom("flush")>;

/// LINK: all traffic with one peer.
using link_actor = caf::typed_actor<
    // Answered to its sender as the role itself would. Errors: unavailable (not connected),
    // overloaded, peer_lost and timed_out (outcome unknown), and whatever the remote role answers.
    caf::replies_to<outgoing_call>::with<call_answer>,
    // Dropped and counted when the peer is not connected.
    caf::reacts_to<outgoing_note>,
    // INTERNAL: from the wires.
    caf::reacts_to<wire_dialed>, caf::reacts_to<wire_greeted>, caf::reacts_to<wire_frame>,
    caf::reacts_to<wire_words>, caf::reacts_to<wire_closed>,
    // INTERNAL: time passed; the turn is over, send what it gathered.
    caf::reacts_to<tick_atom>, caf::reacts_to<flush_atom>>;

}  // namespace dunlin::links

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::outgoing_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::outgoing_note)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::call_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::wire_dialed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::wire_greeted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::wire_frame)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::wire_words)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::wire_closed)
