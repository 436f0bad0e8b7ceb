/// FRAMES: between what the link core says and the bytes of v1.LinkFrame.
#pragma once

#include "messages/v1.hpp"
#include "runtime/links/dispatch.hpp"
#include "runtime/links/link_core.hpp"

namespace dunlin::links {

/// Longest hello; a stranger's first frame is not parsed beyond it.
inline constexpr std::size_t hello_bytes_max = 64u << 10;

buffer encode(const v1::LinkFrame& frame);
buffer encode(const greeting& words);
buffer encode_proof(std::string signature);
buffer encode_ping(std::uint64_t sequence);
buffer encode_pong(std::uint64_t sequence);
buffer encode_goodbye(ec reason, const std::string& detail);

greeting to_greeting(const v1::Hello& hello);

/// A code that crossed a node; one that this build does not know counts as unavailable.
ec to_ec(std::uint32_t code);

v1::Envelope to_envelope(const node_id& peer, outgoing&& message, std::uint64_t call,
                         std::chrono::milliseconds deadline);
/// The frame of one note without its payload, with which it ends: what all such notes to a role
/// have in common, and from it what goes before a payload of so many bytes.
std::string encode_address(const node_id& peer, const outgoing_note& note);
buffer encode_head(std::string_view address, std::size_t payload_bytes);
v1::Envelope to_reply(std::uint64_t call, served_answer&& answer);

}  // namespace dunlin::links
