/// BALANCER CORE: what becomes of each client's line: placed, refused, replayed, moved (B1, B5,
/// B11, B13; docs/decisions/0015 "The way of a connection", "The way of a move"). Pure: inputs are
/// `on_…`, outputs effects, time comes in. Late, lost and doubled answers are expected: whatever
/// waits has a number and a deadline.
#pragma once

#include "actors/balancer/failure_window.hpp"
#include "actors/balancer/selection.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace dunlin {

class balancer_core {
public:
  using time = std::chrono::milliseconds;
  using line_number = std::uint64_t;

  // ---- effects ----

  /// Ask `node`; on_offer_reply() or on_offer_failed().
  struct offer {
    line_number line = 0;
    std::uint64_t serial = 0;
    node_id node;
    std::uint32_t attempt = 1;
    bool last_resort = false;
    bool moved = false;
    double demand = 0;
  };
  /// on_attached().
  struct attach {
    line_number line = 0;
    std::uint64_t serial = 0;
    node_id node;
    std::uint64_t connection = 0;
    std::string token;
  };
  struct refuse {
    line_number line = 0;
    time retry_after{0};
  };
  /// A second leg; on_prepared().
  struct prepare {
    line_number line = 0;
    std::uint64_t serial = 0;
    node_id node;
    std::uint64_t connection = 0;
    std::string token;
  };
  /// on_stopped().
  struct stop_reading {
    line_number line = 0;
    std::uint64_t serial = 0;
  };
  /// on_switched().
  struct switch_over {
    line_number line = 0;
    std::uint64_t serial = 0;
    std::string unread;
  };
  struct stay {
    line_number line = 0;
  };
  struct close {
    line_number line = 0;
  };
  /// Its access node cannot be reached; a second time in one outage, its leg is lost if it has been
  /// silent since: on_lost().
  struct doubt {
    line_number line = 0;
    std::uint64_t outage = 0;
  };
  /// Of on_offer_move() with that ticket, once each.
  struct answer_move {
    std::uint64_t ticket = 0;
    bool ready = false;
    std::uint64_t forwarded = 0;
    bool all_refused = false;  ///< not ready: whoever was asked has refused
  };
  using effect = std::variant<offer, attach, refuse, prepare, stop_reading, switch_over, stay,
                              close, doubt, answer_move>;
  using effects = std::vector<effect>;

  // ---- inputs ----

  enum class refusal : std::uint8_t { none, over, cooling, draining, full, starting };
  struct offer_reply {
    bool accepted = false;
    refusal why = refusal::none;
    std::uint64_t connection = 0;
    std::string token;
    std::vector<level_report> digest;
  };
  struct loss {
    bool in_order = false;
    bool stopped = false;
    bool replayable = false;
    bool unanswered = false;
    std::uint64_t request = 0;
    bool silent = false;
    bool resting = false;  ///< nothing was open: on_first_bytes() when the client says more
  };
  struct move_wish {
    std::uint64_t ticket = 0;
    node_id node;
    std::uint64_t connection = 0;
    bool draining = false;
    double demand = 0;
    std::uint64_t incarnation = 0;  ///< of the node; 0: not said
  };

  /// How long it waits for what surely comes, unless something is lost.
  struct options {
    time offer_slack{1'000};     ///< over offer_timeout
    time look_again{200};        ///< where nobody can be asked, while patience lasts
    time attach_timeout{6'000};  ///< a dial and the first write
    time stop_timeout{5'000};    ///< the client's bytes may be stuck behind a slow leg
    time ready_timeout{8'000};   ///< an access node asks no longer; then it may offer again
    time hand_over_timeout{12'000};
    time ended_timeout{1'000};  ///< for the HandOver of a leg that has ended
    time switch_timeout{15'000};
    std::size_t moves_max = 64;  ///< at once; more are not ready
  };

  /// `random` outlives it.
  balancer_core(options limits, std::string rack, random_source& random);

  void set_nodes(const selection::nodes& all) { selection_.set_nodes(all); }
  void set_settings(const balance::settings& now);

  /// `again`: after a loss that left it resting.
  effects on_first_bytes(time now, line_number line, bool again = false);
  effects on_offer_reply(time now, std::uint64_t serial, offer_reply reply);
  effects on_offer_failed(time now, std::uint64_t serial);
  effects on_attached(time now, line_number line, std::uint64_t serial, bool fine);
  effects on_lost(time now, line_number line, const loss& how);
  effects on_ended(line_number line);
  /// The link to it has come up: those who wait for somebody to ask need not wait longer.
  effects on_reachable(time now, const node_id& node);
  /// The link to it has gone down.
  effects on_unreachable(time now, const node_id& node);

  effects on_offer_move(time now, const move_wish& wish);
  effects on_prepared(time now, line_number line, std::uint64_t serial, bool fine);
  effects on_stopped(time now, line_number line, std::uint64_t serial, bool fine,
                     std::uint64_t forwarded);
  /// False: too late, or never heard of; the access node must close its leg.
  std::pair<effects, bool> on_hand_over(time now, const node_id& node, std::uint64_t connection,
                                        bool declined, std::string unread,
                                        std::uint64_t incarnation = 0);
  effects on_switched(time now, line_number line, std::uint64_t serial, bool fine);

  effects on_timer(time now);
  std::optional<time> next_wake() const;

  // ---- for operators ----

  struct counts {
    std::uint64_t connects = 0;           ///< placed
    std::uint64_t failed = 0;             ///< nobody took them
    std::vector<std::uint64_t> attempts;  ///< connects by attempts that they took
    std::uint64_t offers = 0;
    std::uint64_t last_resorts = 0;  ///< offers of that kind
    std::uint64_t waits = 0;         ///< nobody could be asked at once
    std::uint64_t unreachable = 0;   ///< offers without an answer, legs that could not be dialled
    std::uint64_t moves = 0;
    std::uint64_t moves_refused = 0;  ///< nobody took them
    std::uint64_t moves_stayed = 0;   ///< declined, or not ended in time
    std::uint64_t replays = 0;
    std::uint64_t rested = 0;  ///< clients that outlived their leg, as nothing was open
    std::uint64_t resets = 0;
    std::uint64_t late = 0;  ///< answers that nobody waited for any more
  };
  const counts& count() const { return count_; }
  std::size_t lines() const { return lines_.size(); }
  std::size_t moving() const { return moving_; }
  std::map<node_id, std::uint64_t> lines_by_node() const;
  std::vector<selection::view> picks(time now) const { return selection_.all(now); }
  bool more_access_nodes_needed(time now) const;
  /// What must always hold, in words; empty: it does. For tests.
  std::string broken(time now) const;

private:
  enum class phase : std::uint8_t {
    placing,
    waiting,  // nobody can be asked now
    attaching,
    attached,  // without a leg; with one
    seeking,
    preparing,
    stopping,
    handing,
    switching  // with one, on the way to another
  };
  struct search {
    std::uint32_t attempt = 1;
    bool last_resort = false;
    bool may_last_resort = true;
    bool moved = false;
    double demand = 0;
    node_id excluded;           // whose connection it is
    std::set<node_id> foreign;  // of other peer groups than that
    std::set<node_id> refused;  // in this round; the last resort is one of its own
    std::set<node_id> hard;     // refused, whatever the attempt
    std::set<node_id> unreachable;
    std::map<node_id, double> at_least;  // levels, by what they refused
    bool no_room = false;                // somebody has said so: waiting would not help
    std::optional<time> patient_until;   // since nobody could be asked
  };
  struct leg {
    node_id node;
    std::uint64_t connection = 0;
    std::uint64_t incarnation = 0;  // of the node that took it; 0: not said
  };
  /// An access node whose link is down.
  struct outage {
    std::uint64_t number = 0;
    time next{0};  // its legs are doubted again
  };
  struct line_state {
    phase now = phase::placing;
    std::uint64_t serial = 0;  // of what it waits for
    std::optional<time> deadline;
    search way;
    leg current;
    leg next;
    std::optional<std::uint64_t> ticket;  // of the move
    time wished{0};                       // when it was last asked for
    std::uint64_t forwarded = 0;
    std::uint64_t replayed = 0;  // the request that was asked again
  };
  struct offer_out {
    line_number line = 0;
    node_id node;
    std::uint32_t attempt = 1;
    bool last_resort = false;
  };
  using line_table = std::map<line_number, line_state>;
  using entry = line_table::value_type;

  void ask_next(time now, entry& line, effects& out);
  std::optional<node_id> choose(time now, search& way);
  void give_up(time now, entry& line, effects& out);
  bool may_wait(time now, search& way);
  void look_again(time now, entry& line, effects& out);
  void take(time now, entry& line, const offer_reply& reply, effects& out);
  void note_refusal(time now, search& way, const offer_out& asked, refusal why) const;
  void miss(time now, entry& line, const node_id& node, effects& out);
  void lose(time now, entry& line, const loss& how, effects& out);
  void begin_move(time now, entry& line, const move_wish& wish, effects& out);
  void end_move(entry& line, bool stay_there, effects& out);
  void expire(time now, entry& line, effects& out);
  bool waits(entry* line, phase in, std::uint64_t serial);

  entry* find(line_number line);
  entry* find(const node_id& node, std::uint64_t connection);
  void await(time now, entry& line, phase in, time within);
  void rest(entry& line, phase in);
  void set_deadline(entry& line, std::optional<time> when);
  void own(entry& line, leg what);
  void disown(entry& line);
  void erase(entry& line);
  void doubt_legs(time now, const node_id& node, effects& out);
  entry* find_leg(const node_id& node, std::uint64_t connection, std::uint64_t incarnation);

  const options limits_;
  balance::settings settings_;
  random_source& random_;
  selection selection_;
  line_table lines_;
  std::map<std::pair<node_id, std::uint64_t>, line_number> legs_;
  std::map<std::uint64_t, offer_out> offers_;  // by serial
  std::set<std::pair<time, line_number>> deadlines_;
  std::set<line_number> waiting_;  // as `waiting`
  std::map<node_id, outage> away_;
  std::uint64_t outages_ = 0;
  std::uint64_t serials_ = 0;
  std::size_t moving_ = 0;
  failure_window window_;
  counts count_;
};

}  // namespace dunlin
