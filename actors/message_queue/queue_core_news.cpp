// QUEUE CORE, news: what the leaders say of their partitions, passed on with its age (decision
// 0011).
#include "actors/message_queue/queue_core.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

queue_core::effects queue_core::on_news(time now, time asked, queue::partition_news news) {
  if (!news_.put(limits_, now, asked, std::move(news))) ++count_.refused;
  effects out;
  if (tell_at_ && news_.complete()) send_news_to_all(now, out);
  return out;
}

void queue_core::news_timer(time now, effects& out) {
  if (now >= ask_at_) {
    ask_at_ = now + limits_.news_interval;
    tell_at_ = now + limits_.news_gather;
    news_.ask(now);
    out.push_back(ask_news{});
  } else if (tell_at_ && now >= *tell_at_) {
    send_news_to_all(now, out);
  }
}

void queue_core::send_news_to_all(time now, effects& out) {
  tell_at_.reset();
  for (auto& [types, set] : sets_) {
    std::vector<news_recipient> to;
    for (auto& [who, member] : set.members) {
      member.wants_news = false;
      to.push_back(address(set, who, member));
    }
    send_news_of(now, set, std::move(to), out);
  }
}

queue_core::news_recipient queue_core::address(const queue::type_set& set,
                                               const queue::subscriber_key& who,
                                               const queue::subscriber& of) const {
  const auto lost = std::max(set.ring.kept_after(), of.cursor.lost_through());
  return {who, lost + 1, of.stamp};
}

void queue_core::send_news_of(time now, queue::type_set& set, std::vector<news_recipient> to,
                              effects& out) {
  if (to.empty()) return;
  count_.news += to.size();
  const auto idle = set.idle_through(spool_.last());
  auto words = queue::write_news(self_, incarnation_, set.ring.last(), idle, set.types,
                                 news_.look(limits_, now));
  out.push_back(send_news{std::make_shared<const std::string>(std::move(words)), std::move(to)});
}

}  // namespace dunlin
