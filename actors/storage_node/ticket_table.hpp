/// TICKETS of a storage node: who may transfer which pages, each page once (decision 4). Pure.
#pragma once

#include "messages/vocabulary.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace dunlin {

enum class transfer_kind : std::uint8_t { write, read };

/// What a ticket allows.
struct transfer_grant {
  transfer_kind kind = transfer_kind::read;
  std::string first_page;
  std::uint64_t pages = 0;
  std::uint32_t replica_set = 0;
  std::string bucket_id;  ///< of the item that goes into the page headers
  std::string key;
  std::string upload_id;
};

class ticket_table {
public:
  using time = std::chrono::nanoseconds;  ///< on the actor clock

  struct limits {
    std::size_t tickets_max = 8192;
    std::size_t ahead_max = 1024;  ///< pages of one ticket spent out of order
    /// A full table drops the ticket that is late next if it is this old: writers that went away
    /// leave theirs behind, and one that is only slow asks for another.
    time droppable_after = std::chrono::seconds(30);
  };
  ticket_table() : ticket_table(limits{}) {}
  explicit ticket_table(limits bounds) : limits_(bounds) {}

  /// overloaded when tickets_max live ones are out that may not be dropped.
  result<void> add(const std::string& secret, transfer_grant grant, time now, time lifetime);

  /// Uses `page` of the ticket up. refused: unknown or late ticket, other operation, a page outside
  /// of it or spent before.
  result<transfer_grant> spend(const std::string& secret, transfer_kind kind,
                               const std::string& page, time now);

  std::size_t size() const { return tickets_.size(); }

private:
  struct ticket {
    transfer_grant grant;
    time since{};
    time deadline{};
    std::uint64_t spent_below = 0;  // every page before it is spent
    std::set<std::uint64_t> spent;  // beyond that
  };
  bool take(ticket& of, std::uint64_t index) const;
  void drop_late(time now);
  bool make_room(time now);

  limits limits_;
  std::map<std::string, ticket> tickets_;
  std::multimap<time, std::string> deadlines_;
};

}  // namespace dunlin
