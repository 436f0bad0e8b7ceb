/// LINE: one client's connection at its balancer (B1, B7, B11, docs/decisions/0015). Ends the
/// client's TLS, waits for the first bytes, moves bytes between the client and the leg that its
/// owner attaches, keeps what could be asked again, and changes to another leg without the client
/// noticing. A leg that is lost between two requests costs the client nothing: the line rests, and
/// is placed anew when the client says more. Decides nothing. The next read only when the last
/// write has gone; a line that waits for bytes has no buffers: thousands of lines are idle.
///
/// Verbs are thread safe; each `done` is called once, on the line's strand. ec::refused: not now;
/// ec::unavailable: the leg cannot be reached; ec::closed: the line has ended.
#pragma once

#include "runtime/proxy/line_events.hpp"
#include "runtime/proxy/request_tracker.hpp"
#include "runtime/sockets/stream_port.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::proxy {

/// What the lines of one listener share.
struct line_host {
  sockets::stream_port& legs;
  line_limits limits;
  line_events events;  ///< not changed any more once a line has started
};

class line final : public std::enable_shared_from_this<line> {
public:
  static constexpr std::size_t unread_bytes_max = 64u << 10;

  using done = std::function<void(result<void>)>;
  using stopped = std::function<void(result<std::uint64_t>)>;

  line(std::shared_ptr<line_host> host, line_number number, sockets::stream_ptr client);

  /// The handshake, then the first bytes.
  void start();
  /// There is no room for this client.
  void start_refused();

  /// After first_bytes, of whichever kind, or a loss that is replayable: dials, says `header` and
  /// what the client said that nobody has answered, and moves bytes from then on. After an error it
  /// can be tried again.
  void attach(sockets::endpoint leg, std::string header, done done);
  /// In place of attach(): 503 SlowDown, and the end.
  void refuse(std::chrono::seconds retry_after, std::string request_id);

  /// Dials a second leg and says `header` there. Nothing else changes.
  void prepare(sockets::endpoint leg, std::string header, done done);
  /// Reads no more of the client; when all that was read has been written, how many of its bytes
  /// have gone to the leg after the header.
  void stop_reading(stopped done);
  /// Stopped and prepared: waits for the end of the first leg, so that all it said has reached the
  /// client, then goes on with the second one, to which it says `unread` first.
  void switch_over(std::string unread, done done);
  /// Drops the second leg, and reads on for the first one. If that has ended, it is lost now.
  void stay();

  /// The access node of its leg cannot be reached otherwise. A second time within one `outage`: the
  /// leg is lost, unless a byte has passed it in between or the client does not read.
  void doubt(std::uint64_t outage);

  /// Any time: the end, both ways.
  void close();
  /// The end if nothing is open between client and leg.
  void close_if_idle();

  line_counts counts() const { return {from_client_, to_client_}; }
  line_number number() const { return number_; }
  /// Has the client said anything yet?
  bool fresh() const { return fresh_; }

private:
  using task = sockets::asio::awaitable<void>;

  /// A leg, as long as it is this line's.
  struct attachment {
    sockets::stream_ptr leg;
    std::uint64_t forwarded = 0;
    std::uint64_t received = 0;
    bool broken = false;     // what was written did not leave
    bool held_back = false;  // by a client that does not read
    std::uint64_t outage = 0;
    std::uint64_t passed = 0;  // bytes, when it was doubted in that outage
    bool ended = false;        // its sending
    bool in_order = false;
  };
  using attachment_ptr = std::shared_ptr<attachment>;

  enum class phase : std::uint8_t { opening, waiting, dialling, attached, resting, ending, ended };

  template <class Work>
  void on_strand(Work work);
  template <class Work>
  void spawn(Work work);

  task open();
  task hear_more();
  void place(std::string_view heard, bool again);
  task answer_overload();
  task dial_and_attach(sockets::endpoint leg, std::string header, done done);
  task dial_second(sockets::endpoint leg, std::string header, done done);
  task go_over(std::string unread, done done);
  task answer_refusal(std::string answer);

  void set_out(attachment_ptr with);
  task let_others_in();
  task pump_up(attachment_ptr to);
  task pump_down(attachment_ptr from);
  sockets::asio::awaitable<bool> take_from_leg(attachment& from);
  sockets::asio::awaitable<bool> take_from_client(attachment& to);
  void settle();
  void leg_ended(attachment& which);
  void lose_leg();
  void rest(leg_loss loss);
  bool survives(const attachment& leg) const;
  std::optional<std::string_view> again_after(const attachment& leg) const;
  void change_legs();
  task linger();
  void drop_second();
  void end();
  leg_loss loss_of(const attachment& leg) const;

  const std::shared_ptr<line_host> host_;
  const line_number number_;
  const sockets::stream_ptr client_;
  const sockets::asio::any_io_executor executor_;

  // On the strand.
  phase phase_ = phase::opening;
  request_tracker tracker_;
  /// For the next leg, after its header. With a leg: what it was too late for.
  std::string pending_;
  attachment_ptr current_;
  attachment_ptr second_;
  bool preparing_ = false;
  bool up_running_ = false;
  bool client_ended_ = false;  // its sending, in order
  bool stopping_ = false;      // reading is to stop: settle() when it has
  stopped stop_done_;          // for a move
  bool stopped_ = false;       // it has, for a move
  std::string unread_;
  done switched_;  // the move waits for the end of the first leg

  std::atomic<bool> fresh_ = true;
  std::atomic<std::uint64_t> from_client_ = 0;
  std::atomic<std::uint64_t> to_client_ = 0;
};

}  // namespace dunlin::proxy
