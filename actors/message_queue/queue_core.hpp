/// MESSAGE QUEUE CORE: takes the changes that leaders announce, gathers them per set of types, and
/// tells every subscriber of those types, again and again until it has them, they are too old, or
/// it is too far behind (Q7 to Q10, Q12, Q13, Q25; decision 0011). Time is an argument, answers are
/// effects. What an update costs depends on how many sets of types there are, not on how many
/// listen.
///
/// An enqueue becomes a row; its number is the sequence. Rows go to subscribers at once, and to the
/// leader an answer when they are on disk. After a restart the numbers go on behind a gap wider
/// than what can have been sent without being on disk, so that no number ever names two rows.
#pragma once

#include "actors/message_queue/news_board.hpp"
#include "actors/message_queue/queue_options.hpp"
#include "actors/message_queue/queue_words.hpp"
#include "actors/message_queue/spool_log.hpp"
#include "actors/message_queue/type_set.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace dunlin {

class queue_core {
public:
  using time = queue::time;
  using request_id = std::uint64_t;  ///< the caller's

  /// Keep the changes of the request under this number, to be written with the next `store`; then
  /// on_persisted() or on_persist_failed(). After a restart the row must come back with what is
  /// left of its time.
  struct persist {
    request_id request;
    std::uint64_t row;
    time time_to_live;
  };
  struct store {};  ///< write what there is to persist, as one: a write costs more than a row
  struct accept {
    request_id request;
  };  ///< an EnqueueReply
  struct refuse {
    request_id request;
    ec reason;
    std::string detail;
  };  ///< of an enqueue or a subscription
  struct accept_subscription {
    request_id request;
    std::uint64_t queue_incarnation;
    std::uint64_t next_sequence;
    bool missed;
  };
  struct send_batch {
    buffer bytes;  ///< a CacheBatch
    std::vector<queue::subscriber_key> to;
  };
  struct news_recipient {
    queue::subscriber_key who;
    std::uint64_t first_kept;
    std::uint64_t echo;
  };
  struct send_news {
    buffer shared;  ///< to each goes news_for_one() of it
    std::vector<news_recipient> to;
  };
  struct ask_news {};  ///< of every partition; answers come by on_news()
  struct trim_spool {
    std::uint64_t through;
  };
  struct forget_subscriber {
    queue::subscriber_key who;
  };  ///< not heard of for long
  using effect = std::variant<persist, store, accept, refuse, accept_subscription, send_batch,
                              send_news, ask_news, trim_spool, forget_subscriber>;
  using effects = std::vector<effect>;

  struct figures {
    std::uint64_t rows = 0, updates = 0, refused = 0, overloaded = 0;
    std::uint64_t batches = 0;      ///< flushes
    std::uint64_t frames = 0;       ///< batches to subscribers, resends included
    std::uint64_t frame_bytes = 0;  ///< of these
    std::uint64_t resends = 0, given_up = 0;
    std::uint64_t missed = 0;  ///< times that a subscriber was too far behind
    std::uint64_t forgotten = 0, stray_acks = 0, news = 0;
  };
  /// Of one subscriber, for the report (Q25).
  struct backlog {
    queue::subscriber_key who;
    std::uint64_t rows;
    std::size_t in_flight;
    time silent_for;
  };

  /// `incarnation`: greater than in every life before. `stored`, `rows`: what the spool held,
  /// ascending.
  queue_core(queue::options limits, node_id self, std::uint64_t incarnation, time now,
             queue::spool_header stored = {}, std::vector<queue::spool_row> rows = {});

  /// Has to be on disk before any effect of this life is done.
  queue::spool_header header() const { return spool_.header(); }

  effects on_enqueue(time now, request_id request, queue::enqueue what);
  /// All rows up to this one are on disk (those that failed apart).
  effects on_persisted(std::uint64_t row);
  effects on_persist_failed(std::uint64_t row, ec reason);

  effects on_subscribe(time now, request_id request, queue::subscription wish);
  effects on_ack(time now, const queue::acknowledgement& said);
  /// The link to the node is gone: its subscribers get nothing until one of them is heard of.
  void on_peer_lost(const node_id& node);
  /// `asked`: when the question left.
  effects on_news(time now, time asked, queue::partition_news news);

  effects on_timer(time now);
  /// When on_timer() has work.
  time next_wake() const;

  figures count() const;
  std::vector<backlog> backlogs(time now) const;
  std::size_t sets() const { return sets_.size(); }
  std::size_t subscribers() const { return homes_.size(); }
  std::size_t spool_bytes() const { return spool_.bytes(); }
  std::size_t ring_bytes() const;

private:
  using set_key = std::vector<std::string>;
  struct place {
    queue::type_set* set;
    queue::subscriber* who;
  };

  std::optional<std::string> flaw(const queue::enqueue& what) const;
  std::optional<std::string> flaw(const queue::subscription& wish) const;
  void take(time now, const queue::spool_row& row, effects& out);
  void store_soon(time now, std::size_t bytes, effects& out);
  void store_now(time now, effects& out);
  void flush(time now, queue::type_set& set, effects& out);
  void fill(time now, queue::type_set& set, const queue::subscriber_key& who, queue::subscriber& of,
            effects& out);

  std::optional<place> find(const queue::subscriber_key& who);
  queue::type_set* open_set(const set_key& types);
  void rebuild(queue::type_set& set);
  void leave(const queue::subscriber_key& who);
  void drop_idle_sets();
  std::pair<std::uint64_t, bool> starting_point(const queue::type_set& set,
                                                const queue::subscription& wish) const;

  void send_news_to_all(time now, effects& out);
  void send_news_of(time now, queue::type_set& set, std::vector<news_recipient> to, effects& out);
  news_recipient address(const queue::type_set& set, const queue::subscriber_key& who,
                         const queue::subscriber& of) const;
  void scan(time now, effects& out);
  void housekeeping(time now, effects& out);
  void news_timer(time now, effects& out);

  queue::options limits_;
  node_id self_;
  std::uint64_t incarnation_;
  time born_;
  queue::spool_log spool_;
  std::map<set_key, queue::type_set> sets_;
  std::map<queue::subscriber_key, set_key> homes_;  ///< in whose set each subscriber is
  queue::news_board news_;
  time ask_at_, housekeeping_at_, scan_at_;
  std::optional<time> tell_at_;
  time last_store_;
  std::optional<time> store_at_;    ///< rows wait for it …
  std::size_t unstored_bytes_ = 0;  ///< … so many bytes of them
  bool scanning_ = false;           ///< something may be on its way
  figures count_;
};

}  // namespace dunlin
