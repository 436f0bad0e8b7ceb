/// NEWS BOARD: the newest that the leaders have said of their partitions, and since when it is
/// known.
#pragma once

#include "actors/message_queue/batch_writer.hpp"
#include "actors/message_queue/queue_options.hpp"
#include "actors/message_queue/queue_words.hpp"

#include <map>
#include <vector>

namespace dunlin::queue {

class news_board {
public:
  /// A new round of questions begins.
  void ask(time now) { round_ = now; }
  /// `asked`: when the leader was asked. False: absurd, or nothing new.
  bool put(const options& limits, time now, time asked, partition_news news);
  /// All partitions that are known have answered the questions of this round.
  bool complete() const;
  /// With ages as of now; what is too old to be of use is left out, and forgotten.
  std::vector<aged_news> look(const options& limits, time now);
  bool empty() const { return entries_.empty(); }

private:
  struct entry {
    time asked;
    partition_news news;
  };
  time round_{};
  std::map<partition_id, entry> entries_;
};

/// Rounded up, with room for a clock that goes wrong by a thousandth: an age that is too great
/// proves too little, one that is too small proves what is false.
std::uint32_t age_ms(time now, time asked);

}  // namespace dunlin::queue
