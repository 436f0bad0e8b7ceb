/// What the balance driver works out from its own demand and from who answered (docs/testing.md):
/// utilisation of each access node, how long events take to settle, what clients noticed.
#pragma once

#include "apps/bench/balance_client.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dunlin::bench {

double percentile(std::vector<double> values, double part);

/// Times are seconds since the run began; demand is in unit nodes.
class figures {
public:
  /// Access nodes are called `names`, in the order of `capacities`; the last one, of capacity 1,
  /// is added while it runs.
  figures(std::vector<std::string> names, std::vector<double> capacities, double seconds,
          double compress);

  void begins(std::size_t connection);
  void ends(std::size_t connection);
  /// `took`: for the answer; `node`: who gave it.
  void answered(std::size_t connection, double at, double took, const got& said, double demand);
  /// A request without a good answer, asked at `asked`; `was_open`: on a connection that had been
  /// there. Without any answer that connection is lost: by the kill if the killed node held it.
  void failed(std::size_t connection, double asked, double at, bool was_open, const got& said);
  /// "add", "kill" of the first access node, "back".
  void event(const std::string& what, double at);
  void sample(double at);

  /// Connections that some access node holds now.
  std::size_t open() const { return placed_.size(); }
  std::string json() const;
  /// Of each access node, as it stands.
  std::string utilisation_text() const {
    return fmt::format("{:.4f}", fmt::join(utilisation(), ","));
  }

private:
  struct place {
    std::size_t node = 0;
    double demand = 0;
  };
  /// Held by the access node that was killed, and not answered since.
  struct orphan {
    double asked = 0;  // first after the kill; 0: not yet
    bool lost = false;
  };
  void moved(std::size_t connection, double at, double took);
  bool came_back(std::size_t connection, std::size_t node, double asked, double at);
  bool steady(double at) const { return at >= .2 * seconds_ && at < .6 * seconds_; }
  /// A new access node is there and has not its share yet.
  bool filling() const { return added_at_ > 0 && killed_at_ == 0 && filled_minutes_ == 0; }
  std::vector<double> utilisation() const;
  bool up(std::size_t node) const;
  void sample_steady(const std::vector<double>& all, double mean);
  void watch_added(const std::vector<double>& all, double mean, double at);

  const std::vector<std::string> names_;
  const std::vector<double> capacities_;
  const double seconds_, compress_;
  std::map<std::size_t, place> placed_;
  std::map<std::size_t, orphan> orphans_;
  std::map<std::size_t, double> moved_at_;
  double added_at_ = 0, killed_at_ = 0, back_at_ = 0;
  double filling_ = 0, filled_minutes_ = 0, kill_peak_ = 0;

  std::uint64_t alive_ = 0, connects_ = 0, connect_failures_ = 0, operations_ = 0;
  std::uint64_t lost_by_kill_ = 0, lost_otherwise_ = 0, orphaned_ = 0, survived_ = 0;
  std::uint64_t moves_ = 0, steady_closes_ = 0, add_closes_ = 0, moved_twice_ = 0, refused_ = 0;
  std::uint64_t over_ = 0, samples_ = 0;
  std::map<std::string, std::uint64_t> errors_;
  std::vector<double> max_mean_, utilisations_, population_, latencies_, connect_latencies_;
  std::vector<double> move_latencies_, return_times_;
};

}  // namespace dunlin::bench
