/// ACCESS HISTORY: what one user, its access keys and its policies were when, and so what a request
/// that one of the keys has signed may be told (Q16, decision 16, docs/decisions/0012): a "yes" may
/// rest on what caches may still hold, each item as old as the bound of its type; a "no" only on
/// what was so while the request was on its way. Pure: no cluster, no clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::testkit {

/// What a policy's document says about the request that is asked about.
enum class document : std::uint8_t { none, allows, denies, silent };

struct account_state {
  struct key {
    std::string secret;
    bool revoked = false;
  };
  bool exists = false;
  std::map<std::string, key> keys;    ///< by access key
  document managed = document::none;  ///< of the one that it may have attached
  bool attached = false;
  document own = document::none;  ///< none: it has none
};

/// What a request was told.
enum class verdict : std::uint8_t { allowed, denied, unknown_key, bad_signature };
const char* to_text(verdict said);
/// As S3's answer says it; none: it says something else.
std::optional<verdict> verdict_of(int status, const std::string& body);

/// A node through which a change was made, and what its caches have to know of it from then on.
struct known_at {
  std::string node;  ///< empty: nobody has to
  bool user = false, managed = false, own = false;
};

struct access_attempt {
  using time = std::chrono::nanoseconds;
  std::string through;  ///< node
  std::string access_key;
  std::string secret;  ///< that signed it
  time called{0};
  time answered{0};
  verdict said = verdict::allowed;
  /// account_history::changes() when it was called: of what is answered in that same moment, only
  /// this came before.
  std::size_t after = std::numeric_limits<std::size_t>::max();
};

class account_history {
public:
  using time = std::chrono::nanoseconds;

  /// At first there is no such account. Changes do not overlap; after one whose outcome is not
  /// known there is none.
  const account_state& newest() const { return states_.back().state; }
  void begin(account_state next, time now) { states_.push_back({std::move(next), now, {}}); }
  void took_place(time now, known_at where = {}) {
    states_.back().answered = now;
    states_.back().where = std::move(where);
  }
  /// What only the answer has told, and nobody knew before: a new key and its secret.
  void amend(account_state newest) { states_.back().state = std::move(newest); }
  void was_refused() { states_.pop_back(); }
  /// That have been answered so far.
  std::size_t changes() const;

  /// How old what caches hold may be.
  struct bounds {
    time user{0};
    time policy{0};
  };
  /// Everything that it might have been told.
  std::set<verdict> possible(const access_attempt& one, const bounds& most) const;
  bool explains(const access_attempt& one, const bounds& most) const {
    return possible(one, most).contains(one.said);
  }

private:
  struct version {
    account_state state;
    time called{0};
    std::optional<time> answered;
    known_at where{};
  };
  /// As the request may have found each item.
  using versions = std::vector<const account_state*>;
  struct found {
    versions users, managed, own;
  };
  versions between(time from, time to, std::size_t first) const;
  bool is_about(std::size_t at, const std::string& access_key) const;
  std::size_t known_to(const access_attempt& one, bool known_at::*item) const;
  found found_by(const access_attempt& one, const bounds& most) const;
  static std::set<verdict> told(const access_attempt& one, const found& by);

  std::vector<version> states_{{{}, time{0}, time{0}}};
};

}  // namespace dunlin::testkit
