#include "runtime/links/link_core.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>

namespace dunlin::links {

namespace {

constexpr std::size_t candidates_max = 4;
constexpr std::size_t nonce_bytes = 32;
// A port that never ends a dial must not end the link.
constexpr auto dial_given_up_after = std::chrono::seconds(30);
// A link that falls at once has not recovered: the back-off goes on.
constexpr auto recovered_after = std::chrono::seconds(1);

void append(link_core::effects& to, link_core::effects from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

void add_text(std::string& out, const std::string& text) {
  auto size = static_cast<std::uint64_t>(text.size());
  for (int i = 0; i < 8; ++i, size >>= 8)
    out += static_cast<char>(size & 0xff);
  out += text;
}

}  // namespace

std::string proof_text(bool by_dialer, const greeting& dialer, const greeting& acceptor) {
  std::string out;
  add_text(out, by_dialer ? "dunlin link: dialer" : "dunlin link: acceptor");
  for (const auto* side : {&dialer, &acceptor}) {
    add_text(out, side->nonce);
    add_text(out, side->cluster);
    add_text(out, side->node);
    add_text(out, std::to_string(side->incarnation));
  }
  return out;
}

link_core::link_core(link_options options, node_id peer, identity& identity, random_source& random)
    : options_{std::move(options)}, peer_{std::move(peer)}, identity_{identity}, random_{random} {}

link_core::effects link_core::start(time now) {
  dial_at_ = now;
  return dial_if_due(now);
}

link_core::effects link_core::on_tick(time now) {
  effects out;
  expire_candidates(now, out);
  expire_calls(now, out);
  if (live_ && now - last_received_ >= options_.dead_after) {
    DUNLIN_REACHED("link.peer_silent");
    append(out, drop_live(now, ec::timed_out, "nothing heard", true));
  }
  if (live_ && now - last_sent_ >= options_.ping_after) {
    last_sent_ = now;
    out.push_back(send_ping{*live_, ++pings_});
  }
  append(out, dial_if_due(now));
  return out;
}

link_core::effects link_core::dial_if_due(time now) {
  if (stopped_ || !dials() || live_ || now < dial_at_ || !candidates_.empty()) return {};
  if (dialing_) ++failures_;  // only dial_given_up_after leads here
  dialing_ = true;
  dial_at_ = now + dial_given_up_after;
  return {dial{++attempt_}};
}

void link_core::plan_dial(time now) {
  dialing_ = false;
  const auto doubled = options_.redial_min * (1u << std::min(failures_, 10u));
  const auto bound = std::min<time>(doubled, options_.redial_max);
  // Jitter: a node that returns must not be met by all its peers in one instant.
  const auto spread = static_cast<std::uint64_t>(bound.count()) / 2 + 1;
  dial_at_ = now + bound / 2 + time{random_.next() % spread};
  ++failures_;
}

link_core::effects link_core::on_dialed(time now, std::uint64_t attempt, wire_id wire,
                                        std::string transport_certificate) {
  if (stopped_ || attempt != attempt_ || !dialing_) return {close{wire}};
  dialing_ = false;
  auto& side = candidates_[wire];
  side = {
      true, now + options_.hello_deadline, std::move(transport_certificate), make_greeting(), {}};
  effects out;
  out.emplace_back(send_hello{wire, side.ours});
  return out;
}

link_core::effects link_core::on_dial_failed(time now, std::uint64_t attempt, ec reason) {
  if (attempt != attempt_ || !dialing_) return {};
  last_error_ = "cannot connect: " + std::string(to_string(reason));
  plan_dial(now);
  return {};
}

link_core::effects link_core::on_greeted(time now, wire_id wire, std::string transport_certificate,
                                         greeting words) {
  if (stopped_) return {close{wire}};
  auto side = candidate{
      false, now + options_.hello_deadline, std::move(transport_certificate), make_greeting(), {}};
  if (dials()) return refuse(now, wire, {ec::refused, "the smaller name dials"});
  if (auto why = judge(side, words)) return refuse(now, wire, std::move(*why));
  effects out;
  // A peer that greets again and again gives up its older attempts.
  if (candidates_.size() >= candidates_max) {
    out.push_back(close{candidates_.begin()->first});
    candidates_.erase(candidates_.begin());
  }
  side.theirs = std::move(words);
  out.push_back(send_hello{wire, side.ours});
  append(out, prove(wire, side, false));
  candidates_[wire] = std::move(side);
  return out;
}

link_core::effects link_core::on_hello(time now, wire_id wire, greeting words) {
  const auto found = candidates_.find(wire);
  if (found == candidates_.end() || !found->second.dialed || found->second.theirs) return {};
  if (auto why = judge(found->second, words)) return refuse(now, wire, std::move(*why));
  found->second.theirs = std::move(words);
  return {};
}

link_core::effects link_core::on_proof(time now, wire_id wire, const std::string& signature) {
  const auto found = candidates_.find(wire);
  if (found == candidates_.end() || !found->second.theirs) return {};
  const auto& side = found->second;
  const auto text = side.dialed ? proof_text(false, side.ours, *side.theirs)
                                : proof_text(true, *side.theirs, side.ours);
  if (!identity_.verify(side.theirs->certificate, peer_, text, signature))
    return refuse(now, wire, {ec::refused, "the proof of identity is wrong"});
  // Two greetings of different lives may have crossed.
  if (side.theirs->incarnation < incarnation_)
    return refuse(now, wire, {ec::stale, "a newer incarnation is connected"});
  effects out;
  if (side.dialed) append(out, prove(wire, side, true));
  append(out, promote(now, wire));
  return out;
}

greeting link_core::make_greeting() {
  return {options_.cluster,       options_.self,    options_.incarnation,
          wire_version_min,       wire_version_max, random_.bytes(nonce_bytes),
          identity_.certificate()};
}

std::optional<link_core::refused> link_core::judge(const candidate& wire,
                                                   const greeting& words) const {
  if (words.cluster != options_.cluster) return refused{ec::refused, "another cluster"};
  if (words.node != peer_) return refused{ec::refused, "another node's name"};
  if (words.nonce.size() != nonce_bytes) return refused{ec::bad_message, "nonce of a wrong size"};
  if (words.wire_min > wire_version_max || words.wire_max < wire_version_min)
    return refused{ec::unsupported, "no common wire version"};
  // Empty on a plain wire, where only the proof counts.
  if (!wire.transport_certificate.empty() && wire.transport_certificate != words.certificate)
    return refused{ec::refused, "not the certificate of the connection"};
  if (words.incarnation < incarnation_)
    return refused{ec::stale, "a newer incarnation has been seen"};
  return std::nullopt;
}

link_core::effects link_core::refuse(time now, wire_id wire, refused why) {
  // A stranger's wire changes neither our dialing nor what is told of a link that is well.
  if (candidates_.erase(wire) == 1 && dials()) plan_dial(now);
  if (!live_) last_error_ = "refused: " + why.detail;
  effects out;
  out.emplace_back(send_goodbye{wire, why.reason, why.detail});
  out.emplace_back(close{wire});
  out.emplace_back(std::move(why));
  return out;
}

link_core::effects link_core::prove(wire_id wire, const candidate& side, bool by_dialer) {
  const auto text = by_dialer ? proof_text(true, side.ours, *side.theirs)
                              : proof_text(false, *side.theirs, side.ours);
  effects out;
  out.emplace_back(send_proof{wire, identity_.sign(text)});
  return out;
}

link_core::effects link_core::promote(time now, wire_id wire) {
  const auto life = candidates_[wire].theirs->incarnation;
  candidates_.erase(wire);
  // The newest wire wins: its peer would not have made it if the older one were alive to it.
  effects out;
  if (live_) {
    DUNLIN_REACHED("link.replaced_by_newer_wire");
    out = drop_live(now, ec::peer_lost, "replaced by a newer connection", false);
  }
  live_ = wire;
  incarnation_ = life;
  last_received_ = last_sent_ = up_since_ = now;
  last_error_.clear();
  out.push_back(up{wire, life});
  return out;
}

link_core::effects link_core::drop_live(time now, ec reason, const std::string& detail,
                                        bool say_goodbye) {
  effects out;
  if (say_goodbye) out.push_back(send_goodbye{*live_, reason, detail});
  out.push_back(close{*live_});
  live_.reset();
  last_error_ = detail;
  if (!calls_.empty()) DUNLIN_REACHED("link.calls_failed_with_wire");
  for (const auto& [call, deadline] : calls_)
    out.push_back(fail_call{call, ec::peer_lost, detail});
  calls_.clear();
  if (now - up_since_ >= recovered_after) failures_ = 0;
  plan_dial(now);
  out.push_back(lost{incarnation_, reason, detail});
  return out;
}

link_core::effects link_core::on_goodbye(time now, wire_id wire, ec reason,
                                         const std::string& detail) {
  const auto text = "the peer said: " + detail.substr(0, 200);
  if (live_ == wire) return drop_live(now, reason, text, false);
  if (candidates_.erase(wire) == 0) return {};
  last_error_ = text;
  plan_dial(now);
  return {close{wire}};
}

link_core::effects link_core::on_garbage(time now, wire_id wire) {
  if (live_ == wire) {
    auto out = drop_live(now, ec::bad_message, "a frame cannot be parsed", true);
    out.push_back(refused{ec::bad_message, "a frame cannot be parsed"});
    return out;
  }
  if (!candidates_.contains(wire)) return {};
  return refuse(now, wire, {ec::bad_message, "a frame cannot be parsed"});
}

link_core::effects link_core::on_closed(time now, wire_id wire, ec reason) {
  const auto text = "connection lost: " + std::string(to_string(reason));
  if (live_ == wire) return drop_live(now, reason, text, false);
  if (candidates_.erase(wire) == 0) return {};
  last_error_ = text;
  plan_dial(now);
  return {close{wire}};
}

link_core::effects link_core::stop() {
  stopped_ = true;
  effects out;
  if (live_) out = drop_live({}, ec::stopping, "the node stops", true);
  for (const auto& [wire, side] : candidates_)
    out.push_back(close{wire});
  candidates_.clear();
  return out;
}

void link_core::on_received(time now, wire_id wire) {
  if (live_ == wire) last_received_ = now;
}

std::optional<link_core::wire_id> link_core::live() const { return live_; }

result<link_core::call_id> link_core::open_call(time now) {
  if (!live_) return ec::unavailable;
  if (calls_.size() >= options_.calls_max) return ec::overloaded;
  calls_.emplace(++last_call_, now + options_.call_deadline);
  return last_call_;
}

bool link_core::open_served() {
  if (served_ >= options_.calls_max) return false;
  ++served_;
  return true;
}

void link_core::expire_candidates(time now, effects& out) {
  std::vector<wire_id> late;
  for (const auto& [wire, side] : candidates_)
    if (now >= side.deadline) late.push_back(wire);
  for (const auto wire : late)
    append(out, refuse(now, wire, {ec::timed_out, "no greeting in time"}));
}

void link_core::expire_calls(time now, effects& out) {
  while (!calls_.empty() && calls_.begin()->second <= now) {
    out.push_back(fail_call{calls_.begin()->first, ec::timed_out, "no answer in time"});
    calls_.erase(calls_.begin());
  }
}

}  // namespace dunlin::links
