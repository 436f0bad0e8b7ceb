#include "runtime/links/frames.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

namespace dunlin::links {

buffer encode(const v1::LinkFrame& frame) {
  return std::make_shared<const std::string>(frame.SerializeAsString());
}

buffer encode(const greeting& words) {
  v1::LinkFrame frame;
  auto& hello = *frame.mutable_hello();
  hello.set_cluster(words.cluster);
  hello.set_node(words.node);
  hello.set_incarnation(words.incarnation);
  hello.set_wire_min(words.wire_min);
  hello.set_wire_max(words.wire_max);
  hello.set_nonce(words.nonce);
  hello.set_certificate(words.certificate);
  return encode(frame);
}

buffer encode_proof(std::string signature) {
  v1::LinkFrame frame;
  frame.mutable_proof()->set_signature(std::move(signature));
  return encode(frame);
}

buffer encode_ping(std::uint64_t sequence) {
  v1::LinkFrame frame;
  frame.mutable_ping()->set_sequence(sequence);
  return encode(frame);
}

buffer encode_pong(std::uint64_t sequence) {
  v1::LinkFrame frame;
  frame.mutable_pong()->set_sequence(sequence);
  return encode(frame);
}

buffer encode_goodbye(ec reason, const std::string& detail) {
  v1::LinkFrame frame;
  auto& failure = *frame.mutable_goodbye()->mutable_reason();
  failure.set_code(static_cast<std::uint32_t>(reason));
  failure.set_detail(detail);
  return encode(frame);
}

greeting to_greeting(const v1::Hello& hello) {
  return {hello.cluster(),  hello.node(),  hello.incarnation(), hello.wire_min(),
          hello.wire_max(), hello.nonce(), hello.certificate()};
}

ec to_ec(std::uint32_t code) {
  const auto known = code >= 1 && code <= static_cast<std::uint32_t>(ec::closed);
  return known ? static_cast<ec>(code) : ec::unavailable;
}

v1::Envelope to_envelope(const node_id& peer, outgoing&& message, std::uint64_t call,
                         std::chrono::milliseconds deadline) {
  v1::Envelope envelope;
  auto& to = *envelope.mutable_to();
  to.set_node(peer);
  to.set_role(std::move(message.role));
  to.set_instance(message.instance);
  envelope.set_call(call);
  envelope.set_message(std::string(message.message));
  envelope.set_payload(std::move(message.payload));
  envelope.set_trace_id(std::move(message.trace_id));
  if (call != 0) envelope.set_deadline_ms(static_cast<std::uint64_t>(deadline.count()));
  return envelope;
}

namespace {

using stream = google::protobuf::io::CodedOutputStream;
using wire_format = google::protobuf::internal::WireFormatLite;

/// Of a field of so many bytes.
void append_head(std::string& out, int field, std::size_t size) {
  const auto tag = wire_format::MakeTag(field, wire_format::WIRETYPE_LENGTH_DELIMITED);
  const auto at = out.size();
  out.resize(at + stream::VarintSize32(tag) + stream::VarintSize64(size));
  auto* to = reinterpret_cast<std::uint8_t*>(out.data() + at);
  stream::WriteVarint64ToArray(size, stream::WriteVarint32ToArray(tag, to));
}

}  // namespace

std::string encode_address(const node_id& peer, const outgoing_note& note) {
  v1::Envelope rest;
  auto& to = *rest.mutable_to();
  to.set_node(peer);
  to.set_role(note.role);
  to.set_instance(note.instance);
  rest.set_message(std::string(note.message));
  rest.set_trace_id(note.trace_id);
  return rest.SerializeAsString();
}

buffer encode_head(std::string_view address, std::size_t payload_bytes) {
  std::string payload;
  append_head(payload, v1::Envelope::kPayloadFieldNumber, payload_bytes);
  std::string head;
  append_head(head, v1::LinkFrame::kEnvelopeFieldNumber,
              address.size() + payload.size() + payload_bytes);
  head += address;
  head += payload;
  return std::make_shared<const std::string>(std::move(head));
}

v1::Envelope to_reply(std::uint64_t call, served_answer&& answer) {
  v1::Envelope envelope;
  envelope.set_call(call);
  envelope.set_is_reply(true);
  if (answer.error == ec{}) {
    envelope.set_message(std::string(answer.message));
    envelope.set_payload(std::move(answer.payload));
    return envelope;
  }
  envelope.mutable_failure()->set_code(static_cast<std::uint32_t>(answer.error));
  envelope.mutable_failure()->set_detail(std::move(answer.detail));
  return envelope;
}

}  // namespace dunlin::links
