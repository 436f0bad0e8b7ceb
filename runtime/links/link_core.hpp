/// LINK CORE: one peer's link as a state machine (decisions 3, 20): when to dial, who the other
/// side is, whether it lives, which calls are in flight. Knows no actor, no Protobuf, no clock:
/// time is an argument, answers are effects.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/clock.hpp"
#include "runtime/links/identity.hpp"
#include "runtime/links/link_options.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace dunlin::links {

/// What a hello says.
struct greeting {
  std::string cluster;
  node_id node;
  std::uint64_t incarnation = 0;
  std::uint32_t wire_min = 0;
  std::uint32_t wire_max = 0;
  std::string nonce;
  std::string certificate;
};

/// What a proof signs: both sides' words, and who of them dialed.
std::string proof_text(bool by_dialer, const greeting& dialer, const greeting& acceptor);

class link_core {
public:
  using time = std::chrono::milliseconds;  ///< since any fixed moment
  using wire_id = std::uint64_t;
  using call_id = std::uint64_t;

  struct dial {
    std::uint64_t attempt;
  };  ///< answer with on_dialed()
  struct send_hello {
    wire_id wire;
    greeting words;
  };
  struct send_proof {
    wire_id wire;
    std::string signature;
  };
  struct send_ping {
    wire_id wire;
    std::uint64_t sequence;
  };
  struct send_goodbye {
    wire_id wire;
    ec reason;
    std::string detail;
  };
  struct close {
    wire_id wire;
  };  ///< and forget it
  struct up {
    wire_id wire;
    std::uint64_t incarnation;
  };
  struct lost {
    std::uint64_t incarnation;
    ec reason;
    std::string detail;
  };
  struct fail_call {
    call_id call;
    ec reason;
    std::string detail;
  };
  struct refused {
    ec reason;
    std::string detail;
  };  ///< a greeting that failed; for log and metrics
  using effect = std::variant<dial, send_hello, send_proof, send_ping, send_goodbye, close, up,
                              lost, fail_call, refused>;
  using effects = std::vector<effect>;

  /// `identity` and `random` outlive the core.
  link_core(link_options options, node_id peer, identity& identity, random_source& random);

  /// Of a pair, the smaller name dials.
  bool dials() const { return options_.self < peer_; }

  effects start(time now);
  effects on_tick(time now);

  /// The dial's wire, or why there is none. The shell has started the wire.
  effects on_dialed(time now, std::uint64_t attempt, wire_id wire,
                    std::string transport_certificate);
  effects on_dial_failed(time now, std::uint64_t attempt, ec reason);

  /// An accepted wire said hello first.
  effects on_greeted(time now, wire_id wire, std::string transport_certificate, greeting words);
  effects on_hello(time now, wire_id wire, greeting words);
  effects on_proof(time now, wire_id wire, const std::string& signature);
  effects on_goodbye(time now, wire_id wire, ec reason, const std::string& detail);
  effects on_garbage(time now, wire_id wire);
  effects on_closed(time now, wire_id wire, ec reason);
  effects stop();

  /// Something arrived on, or left by, the wire.
  void on_received(time now, wire_id wire);
  void on_sent(time now) { last_sent_ = now; }

  /// The wire that passed its greeting; envelopes travel on no other.
  std::optional<wire_id> live() const;

  /// A new call in flight; unavailable without a live wire, overloaded at the bound.
  result<call_id> open_call(time now);
  /// False: unknown, so answered, failed or never made: the reply is dropped.
  bool close_call(call_id call) { return calls_.erase(call) == 1; }

  /// Calls of the peer that are being served; false at the bound.
  bool open_served();
  void close_served() { --served_; }

  std::size_t calls() const { return calls_.size(); }
  std::uint64_t incarnation() const { return incarnation_; }
  const std::string& last_error() const { return last_error_; }

private:
  struct candidate {
    bool dialed = false;
    time deadline{};
    std::string transport_certificate;
    greeting ours;
    std::optional<greeting> theirs;
  };

  greeting make_greeting();
  std::optional<refused> judge(const candidate& wire, const greeting& words) const;
  effects refuse(time now, wire_id wire, refused why);
  effects prove(wire_id wire, const candidate& side, bool by_dialer);
  effects promote(time now, wire_id wire);
  effects drop_live(time now, ec reason, const std::string& detail, bool say_goodbye);
  void plan_dial(time now);
  effects dial_if_due(time now);
  void expire_candidates(time now, effects& out);
  void expire_calls(time now, effects& out);

  link_options options_;
  node_id peer_;
  identity& identity_;
  random_source& random_;

  std::map<wire_id, candidate> candidates_;
  std::optional<wire_id> live_;
  std::uint64_t incarnation_ = 0;  ///< newest life of the peer that proved itself
  time last_received_{}, last_sent_{}, up_since_{};
  std::uint64_t pings_ = 0;
  std::string last_error_ = "not connected yet";
  bool stopped_ = false;

  bool dialing_ = false;
  std::uint64_t attempt_ = 0;
  std::uint32_t failures_ = 0;
  time dial_at_{};

  std::map<call_id, time> calls_;  ///< deadline; ids and deadlines rise together
  call_id last_call_ = 0;
  std::size_t served_ = 0;
};

}  // namespace dunlin::links
