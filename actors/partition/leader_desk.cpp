#include "actors/partition/leader_desk.hpp"

#include <utility>

namespace dunlin {

result<void> leader_desk::add(request_id request, std::size_t bytes, time now) {
  if (bytes > limits_.bytes_max) return ec::invalid_argument;
  if (size() >= limits_.waiting_max) return ec::overloaded;
  waiting_.push_back({request, bytes, now});
  return {};
}

leader_desk::round leader_desk::next_round() {
  if (waiting_.empty() || in_flight_.size() >= limits_.rounds_max) return {};
  round next{++last_round_, {}};
  auto& members = in_flight_[next.id];
  std::size_t bytes = 0;
  while (!waiting_.empty() && members.size() < limits_.commands_max) {
    bytes += waiting_.front().bytes;
    if (!members.empty() && bytes > limits_.bytes_max) break;
    next.members.push_back(waiting_.front().id);
    members.push_back(waiting_.front());
    waiting_.pop_front();
  }
  in_flight_count_ += members.size();
  return next;
}

leader_desk::requests leader_desk::finish(round_id round) {
  requests members;
  const auto found = in_flight_.find(round);
  if (found == in_flight_.end()) return members;
  for (const auto& member : found->second)
    members.push_back(member.id);
  in_flight_count_ -= found->second.size();
  in_flight_.erase(found);
  return members;
}

leader_desk::ending leader_desk::expire(time before) {
  ending late;
  // Requests come in order, so the oldest are in front; a round is as old as its first.
  while (!waiting_.empty() && waiting_.front().since < before) {
    late.unsent.push_back(waiting_.front().id);
    waiting_.pop_front();
  }
  std::vector<round_id> rounds;
  for (const auto& [id, members] : in_flight_)
    if (members.front().since < before) rounds.push_back(id);
  for (const auto id : rounds) {
    const auto members = finish(id);
    late.in_flight.insert(late.in_flight.end(), members.begin(), members.end());
  }
  return late;
}

leader_desk::ending leader_desk::close() { return expire(time::max()); }

}  // namespace dunlin
