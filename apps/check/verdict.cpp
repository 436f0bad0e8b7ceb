#include "apps/check/verdict.hpp"

#include "apps/testkit/linearizable.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

namespace dunlin::check {

namespace {

constexpr auto never = std::numeric_limits<std::int64_t>::max();

using operations = std::vector<const operation*>;
using testkit::register_operation;

/// Until when it may take effect.
std::int64_t latest(const operation& one) { return one.ended == outcome::ok ? one.end : never; }

bool absent(const operation& read) { return read.status == 404; }

std::string describe(const operation& one) {
  static constexpr const char* verbs[] = {"put", "get", "delete", "list"};
  return fmt::format("{} /{}/{} at {}..{} ns answered {} {}", verbs[static_cast<int>(one.op)],
                     one.bucket, one.key, one.start, one.end, one.status, one.sha.substr(0, 12));
}

/// One key's history and the rules for it.
class key_judge {
public:
  key_judge(const operations& all, std::size_t states_max, verdict& into)
      : all_{all}, states_max_{states_max}, into_{into} {
    for (const auto* one : all_) {
      if (one->op == verb::put && one->writes()) {
        puts_[one->sha] = one;
        sha_of_[one->etag] = one->sha;
      }
    }
  }

  void run() {
    const auto before = into_.wrong.size() + into_.lost.size() + into_.stale.size();
    for (const auto* one : all_)
      judge_bytes(*one);
    for (const auto* one : all_)
      if (one->op == verb::get && one->ended == outcome::ok) judge_read(*one);
    // One read that is wrong leaves no order for the rest: no news.
    if (into_.wrong.size() + into_.lost.size() + into_.stale.size() == before) judge_order();
  }

private:
  void judge_bytes(const operation& one) {
    if (one.op == verb::put && !one.answered_etag.empty())
      into_.wrong.push_back(describe(one) + ": ETag of other bytes " + one.answered_etag);
    if (one.op != verb::get || one.ended != outcome::ok || absent(one)) return;
    const auto put = puts_.find(one.sha);
    if (put == puts_.end())
      into_.wrong.push_back(describe(one) + ": nobody wrote these bytes there");
    else if (put->second->start > one.end)
      into_.wrong.push_back(describe(one) + ": read before it was written");
    else if (put->second->etag != one.etag)
      into_.wrong.push_back(describe(one) + ": ETag of other bytes " + one.etag);
  }

  void judge_read(const operation& read) {
    absent(read) ? judge_absence(read) : judge_presence(read);
  }

  /// Lost: a write acknowledged before the read, which no delete can have followed.
  void judge_absence(const operation& read) {
    for (const auto* put : all_) {
      if (put->op != verb::put || put->ended != outcome::ok || put->end >= read.start) continue;
      if (std::none_of(all_.begin(), all_.end(), [&](const operation* one) {
            return one->op == verb::remove && one->writes() && one->start < read.end &&
                   latest(*one) > put->start;
          })) {
        into_.lost.push_back(describe(read) + ": not there, after " + describe(*put));
        return;
      }
    }
  }

  /// Stale: another write began after the one that was read, and was acknowledged before the read.
  void judge_presence(const operation& read) {
    const auto seen = puts_.find(read.sha);
    if (seen == puts_.end() || seen->second->ended != outcome::ok) return;
    for (const auto* one : all_) {
      if (!one->writes() || one->ended != outcome::ok) continue;
      if (one->start > seen->second->end && one->end < read.start) {
        into_.stale.push_back(describe(read) + ": replaced by " + describe(*one));
        return;
      }
    }
  }

  void judge_order() {
    std::vector<register_operation> history;
    for (const auto* one : all_)
      add(*one, history);
    switch (testkit::judge(std::move(history), states_max_)) {
      case testkit::judgement::explained: return;
      case testkit::judgement::wrong: into_.order.push_back(story()); return;
      case testkit::judgement::undecided: into_.undecided.push_back(story()); return;
    }
  }

  void add(const operation& one, std::vector<register_operation>& to) const {
    using condition = register_operation::condition;
    register_operation as;
    as.called = register_operation::time{one.start};
    if (one.ended != outcome::unknown) as.answered = register_operation::time{one.end};
    if (one.op == verb::get) {
      if (one.ended != outcome::ok) return;
      if (!absent(one)) as.value = one.sha;
      return to.push_back(std::move(as));
    }
    if (one.ended == outcome::none) {
      // Only what its condition refused tells something about the key.
      if (!one.conditional() || (one.status != 412 && one.status != 404)) return;
      as.when = one.status == 404 ? condition::one_of : condition::none_of;
      as.before = {{}};
      if (one.status == 412 && one.if_match) as.before.push_back(named(*one.if_match));
      return to.push_back(std::move(as));
    }
    as.writes = true;
    if (one.op == verb::put) as.value = one.sha;
    if (one.conditional()) {
      as.when = condition::one_of;
      as.before = {one.if_match ? std::optional{named(*one.if_match)} : std::nullopt};
    }
    to.push_back(std::move(as));
  }

  /// The bytes an ETag stands for; an ETag of nobody's bytes matches none.
  std::string named(const std::string& etag) const {
    const auto found = sha_of_.find(etag);
    return found == sha_of_.end() ? "etag " + etag : found->second;
  }

  std::string story() const {
    auto text = fmt::format("/{}/{}", all_.front()->bucket, all_.front()->key);
    for (const auto* one : all_)
      if (one->writes() || one->ended == outcome::ok || one->conditional())
        text += "\n    " + describe(*one) +
                (one->if_absent  ? " if absent"
                 : one->if_match ? " if " + named(*one->if_match).substr(0, 12)
                                 : "");
    return text;
  }

  const operations& all_;
  std::size_t states_max_;
  verdict& into_;
  std::map<std::string, const operation*> puts_;  ///< by sha
  std::map<std::string, std::string> sha_of_;     ///< by etag
};

using key_name = std::pair<std::string, std::string>;
using keyed = std::map<key_name, operations>;

/// Present from before the list until after it, whatever the order of the writes was.
bool present_throughout(const operations& key, const operation& list) {
  return std::any_of(key.begin(), key.end(), [&](const operation* put) {
    if (put->op != verb::put || put->ended != outcome::ok || put->end >= list.start) return false;
    return std::none_of(key.begin(), key.end(), [&](const operation* one) {
      return one->op == verb::remove && one->writes() && one->start < list.end &&
             latest(*one) > put->start;
    });
  });
}

/// Whether some write can have made it present, with these bytes, at some time of the list.
bool may_be_listed(const operations& key, const operation& list, const std::string& etag) {
  return std::any_of(key.begin(), key.end(), [&](const operation* put) {
    if (put->op != verb::put || !put->writes() || put->etag != etag || put->start > list.end)
      return false;
    const auto until = latest(*put);
    return std::none_of(key.begin(), key.end(), [&](const operation* later) {
      return later->writes() && later->ended == outcome::ok && later->start > until &&
             later->end < list.start;
    });
  });
}

void judge_list(const operation& list, const keyed& keys, verdict& into) {
  std::set<std::string> listed;
  for (const auto& [key, etag] : list.found) {
    const auto known = keys.find({list.bucket, key});
    if (!listed.insert(key).second)
      into.listings.push_back(describe(list) + ": twice " + key);
    else if (!key.starts_with(list.key))
      into.listings.push_back(describe(list) + ": not of its prefix " + key);
    else if (known == keys.end() || !may_be_listed(known->second, list, etag))
      into.listings.push_back(describe(list) + ": what is not there " + key + " " + etag);
  }
  for (auto at = keys.lower_bound({list.bucket, list.key});
       at != keys.end() && at->first.first == list.bucket && at->first.second.starts_with(list.key);
       ++at)
    if (!listed.contains(at->first.second) && present_throughout(at->second, list))
      into.listings.push_back(describe(list) + ": misses " + at->first.second);
}

void count(const operation& one, verdict& into) {
  ++into.operations;
  if (one.op == verb::get) ++into.reads;
  if (one.op == verb::list) ++into.lists;
  switch (one.ended) {
    case outcome::ok: ++into.acknowledged; break;
    case outcome::none: ++into.refused; break;
    case outcome::unknown: ++into.unknown; break;
  }
}

boost::json::array array(const std::vector<std::string>& words) {
  return boost::json::array(words.begin(), words.end());
}

}  // namespace

verdict judge(const std::vector<operation>& history, const judge_options& options) {
  verdict said;
  keyed keys;
  for (const auto& one : history) {
    count(one, said);
    if (one.op != verb::list) keys[{one.bucket, one.key}].push_back(&one);
  }
  said.keys = keys.size();
  for (const auto& [name, all] : keys)
    key_judge{all, options.states_max, said}.run();
  for (const auto& one : history)
    if (one.op == verb::list && one.ended == outcome::ok) judge_list(one, keys, said);
  return said;
}

std::string to_json(const verdict& said) {
  return boost::json::serialize(boost::json::object{
      {"passed", said.passed()},
      {"operations", said.operations},
      {"acknowledged", said.acknowledged},
      {"refused", said.refused},
      {"unknown", said.unknown},
      {"keys", said.keys},
      {"reads", said.reads},
      {"lists", said.lists},
      {"lost", array(said.lost)},
      {"wrong", array(said.wrong)},
      {"stale", array(said.stale)},
      {"order", array(said.order)},
      {"listings", array(said.listings)},
      {"undecided", array(said.undecided)},
  });
}

}  // namespace dunlin::check
