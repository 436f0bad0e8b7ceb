#include "actors/message_queue/news_board.hpp"

#include <algorithm>

namespace dunlin::queue {

namespace {

bool sensible(const options& limits, const partition_news& news) {
  if (news.last.size() > limits.news_types_max || news.tick > ordinal_limit) return false;
  return std::all_of(news.last.begin(), news.last.end(), [&](const auto& last) {
    return last.first.size() <= limits.name_bytes_max && last.second <= ordinal_limit;
  });
}

}  // namespace

std::uint32_t age_ms(time now, time asked) {
  const auto age = std::max<time::rep>(0, (now - asked).count());
  return static_cast<std::uint32_t>(std::min<time::rep>(age + age / 1000 + 1, 1u << 31));
}

bool news_board::put(const options& limits, time now, time asked, partition_news news) {
  if (asked > now || !sensible(limits, news)) return false;
  const auto found = entries_.find(news.partition);
  if (found != entries_.end()) {
    if (asked <= found->second.asked) return false;
    found->second = {asked, std::move(news)};
    return true;
  }
  if (entries_.size() >= limits.partitions_max) return false;
  const auto partition = news.partition;
  entries_.emplace(partition, entry{asked, std::move(news)});
  return true;
}

bool news_board::complete() const {
  return std::all_of(entries_.begin(), entries_.end(),
                     [&](const auto& one) { return one.second.asked >= round_; });
}

std::vector<aged_news> news_board::look(const options& limits, time now) {
  std::erase_if(entries_,
                [&](const auto& one) { return now - one.second.asked > limits.news_age_max; });
  std::vector<aged_news> out;
  out.reserve(entries_.size());
  for (const auto& [partition, one] : entries_)
    out.push_back({&one.news, age_ms(now, one.asked)});
  return out;
}

}  // namespace dunlin::queue
