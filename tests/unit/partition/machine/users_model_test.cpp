/// Users, keys and policies beside a model of maps, under seeded commands; and whoever hears of the
/// changes alone comes to hold what the machine holds (Q7, Q16, docs/decisions/0012).
#include "tests/unit/partition/machine/root_fixture.hpp"

#include <cstdlib>
#include <random>

using namespace dunlin;
using namespace dunlin::testing_machine;

namespace {

using text_set = std::set<std::string>;

struct model_user {
  bool root = false;
  std::map<std::string, bool> keys;  ///< true: revoked
  text_set attached;
  std::map<std::string, std::string> own;  ///< documents

  bool in_use() const { return root || !keys.empty() || !attached.empty() || !own.empty(); }
  bool only_way_in(const std::string& key) const {
    if (!root || keys.at(key)) return false;
    return std::count_if(keys.begin(), keys.end(), [](auto& one) { return !one.second; }) == 1;
  }
};

/// What the commands mean, said as simply as can be.
struct model {
  std::map<std::string, model_user> users{{"root", {true, {{"AKROOT", false}}, {}, {}}}};
  std::map<std::string, std::string> managed;

  const model_user* owner_of(const std::string& key) const {
    for (const auto& [name, user] : users)
      if (user.keys.contains(key)) return &user;
    return nullptr;
  }
  int attachments(const std::string& policy) const {
    return static_cast<int>(std::count_if(users.begin(), users.end(), [&](auto& one) {
      return one.second.attached.contains(policy);
    }));
  }

  status::Status apply(const v1::CreateUser& wish) {
    return users.try_emplace(wish.name()).second ? status::OK : status::ALREADY_EXISTS;
  }
  status::Status apply(const v1::DeleteUser& wish) {
    const auto user = users.find(wish.name());
    if (user == users.end()) return status::NO_SUCH_KEY;
    if (user->second.in_use()) return status::IN_USE;
    users.erase(user);
    return status::OK;
  }
  status::Status apply(const v1::CreateAccessKey& wish) {
    const auto user = users.find(wish.user());
    if (user == users.end()) return status::NO_SUCH_KEY;
    if (owner_of(wish.access_key())) return status::ALREADY_EXISTS;
    if (user->second.keys.size() == 8) return status::TOO_MANY_OPEN;
    user->second.keys[wish.access_key()] = false;
    return status::OK;
  }
  /// The user, if the key is its own.
  model_user* holder(const std::string& name, const std::string& key) {
    const auto user = users.find(name);
    return user == users.end() || !user->second.keys.contains(key) ? nullptr : &user->second;
  }
  status::Status apply(const v1::SetAccessKey& wish) {
    auto* user = holder(wish.user(), wish.access_key());
    if (!user) return status::NO_SUCH_KEY;
    if (wish.revoked() && user->only_way_in(wish.access_key())) return status::IN_USE;
    user->keys[wish.access_key()] = wish.revoked();
    return status::OK;
  }
  status::Status apply(const v1::DeleteAccessKey& wish) {
    auto* user = holder(wish.user(), wish.access_key());
    if (!user) return status::NO_SUCH_KEY;
    if (user->only_way_in(wish.access_key())) return status::IN_USE;
    user->keys.erase(wish.access_key());
    return status::OK;
  }
  status::Status apply(const v1::PutPolicy& wish) {
    auto* place = &managed;
    std::size_t most = 10'000;
    if (!wish.user().empty()) {
      const auto user = users.find(wish.user());
      if (user == users.end()) return status::NO_SUCH_KEY;
      place = &user->second.own;
      most = 10;
    }
    const bool held = place->contains(wish.name());
    if (held && wish.must() == must::CREATE) return status::ALREADY_EXISTS;
    if (!held && wish.must() == must::REPLACE) return status::NO_SUCH_KEY;
    if (!held && wish.user() == "root") return status::INVALID;
    if (!held && place->size() == most) return status::TOO_MANY_OPEN;
    (*place)[wish.name()] = wish.document();
    return status::OK;
  }
  status::Status apply(const v1::DeletePolicy& wish) {
    if (wish.user().empty()) {
      if (!managed.contains(wish.name())) return status::NO_SUCH_KEY;
      if (attachments(wish.name()) > 0) return status::IN_USE;
      managed.erase(wish.name());
      return status::OK;
    }
    const auto user = users.find(wish.user());
    if (user == users.end() || user->second.own.erase(wish.name()) == 0) return status::NO_SUCH_KEY;
    return status::OK;
  }
  status::Status apply(const v1::AttachPolicy& wish) {
    const auto user = users.find(wish.user());
    if (user == users.end() || !managed.contains(wish.policy())) return status::NO_SUCH_KEY;
    if (user->second.root) return status::INVALID;
    auto& attached = user->second.attached;
    if (wish.detach()) return attached.erase(wish.policy()) ? status::OK : status::NO_SUCH_KEY;
    if (!attached.contains(wish.policy()) && attached.size() == 10) return status::TOO_MANY_OPEN;
    attached.insert(wish.policy());
    return status::OK;
  }
  status::Status apply(const v1::Command& command) {
    switch (command.body_case()) {
      case v1::Command::kCreateUser: return apply(command.create_user());
      case v1::Command::kDeleteUser: return apply(command.delete_user());
      case v1::Command::kCreateAccessKey: return apply(command.create_access_key());
      case v1::Command::kSetAccessKey: return apply(command.set_access_key());
      case v1::Command::kDeleteAccessKey: return apply(command.delete_access_key());
      case v1::Command::kPutPolicy: return apply(command.put_policy());
      case v1::Command::kDeletePolicy: return apply(command.delete_policy());
      default: return apply(command.attach_policy());
    }
  }

  // What caches hold when all is quiet, as text by type and key.
  std::string user_text(const std::string& name) const {
    const auto& user = users.at(name);
    std::string text = name;
    for (const auto& policy : user.attached)
      text += " +" + policy;
    for (const auto& [policy, document] : user.own)
      text += " ." + policy;
    return text;
  }
  std::map<std::pair<std::string, std::string>, std::string> cacheable() const {
    std::map<std::pair<std::string, std::string>, std::string> all;
    for (const auto& [name, user] : users) {
      for (const auto& [key, revoked] : user.keys)
        all[{"user", key}] = (revoked ? "revoked " : "") + user_text(name);
      for (const auto& [policy, document] : user.own)
        all[{"policy", name + "/" + policy}] = document;
    }
    for (const auto& [policy, document] : managed)
      all[{"policy", policy}] = document + " x" + std::to_string(attachments(policy));
    return all;
  }
};

struct UsersModel : seeded_root, testing::WithParamInterface<std::uint64_t> {
  static std::uint64_t seed() {
    const char* given = std::getenv("DUNLIN_SEED");
    return given ? std::strtoull(given, nullptr, 10) : GetParam();
  }
  UsersModel() : random(seed()) { RecordProperty("seed", std::to_string(seed())); }

  std::uint64_t below(std::uint64_t bound) { return random() % bound; }
  std::string one_of(const std::vector<std::string>& all) { return all[below(all.size())]; }
  std::string user() { return one_of({"ann", "an", "bob", "root"}); }
  std::string key() { return "K" + std::to_string(below(20)); }
  std::string root_key() { return below(3) == 0 ? "AKROOT" : key(); }
  std::string policy() { return "p" + std::to_string(below(14)); }
  std::string owner_or_none() { return below(2) ? user() : std::string{}; }

  v1::Command some_command() {
    switch (below(12)) {
      case 0: return create_user(user());
      case 1: return delete_user(user());
      case 2:
      case 3: return create_key(user(), key());
      case 4: return set_key(user(), root_key(), below(2) == 0);
      case 5: return delete_key(user(), root_key());
      case 6:
      case 7:
      case 8: {
        const auto document = "{" + std::to_string(below(1000)) + "}";
        return put_policy(owner_or_none(), policy(), document, static_cast<must::Must>(below(3)));
      }
      case 9: return delete_policy(owner_or_none(), policy());
      default: return attach(user(), policy(), below(3) == 0);
    }
  }

  static std::string text_of(const v1::CachedRecord& record) {
    if (record.has_policy()) {
      std::string text = record.policy().document();
      if (record.policy().user().empty())
        text += " x" + std::to_string(record.policy().attachments());
      return text;
    }
    std::string text =
        (record.user().key().revoked() ? "revoked " : "") + record.user().user().name();
    for (const auto& name : record.user().user().attached())
      text += " +" + name;
    for (const auto& name : record.user().user().inline_policies())
      text += " ." + name;
    return text;
  }

  /// Takes in what was announced: each ordinal of a type once, in the order of ticks, and no item
  /// older than its news.
  void hear() {
    for (const auto& row : machine->outbox(heard_tick, SIZE_MAX)) {
      if (row.type() == cached::cluster_map) continue;
      ASSERT_EQ(row.ordinal(), ++ordinals[row.type()]);
      ASSERT_GT(row.tick(), heard_tick);
      heard_tick = row.tick();
      const auto now = machine->current(row.type(), row.key());
      ASSERT_TRUE(now);
      ASSERT_GE(now->tick, row.tick());
      newest[{row.type(), row.key()}] = row.tick();
      if (now->record)
        held[{row.type(), row.key()}] = text_of(*now->record);
      else
        held.erase({row.type(), row.key()});
    }
    ASSERT_EQ(held, naive.cacheable());
    // The tick of an item is that of its last announced change.
    for (const auto& [item, text] : held) {
      ASSERT_EQ(machine->current(item.first, item.second)->tick, newest[item]);
    }
  }

  void compare_reads() {
    std::vector<std::string> users, managed;
    for (const auto& [name, user] : naive.users)
      users.push_back(name);
    for (const auto& [name, document] : naive.managed)
      managed.push_back(name);
    std::vector<std::string> listed_users, listed_policies;
    const auto all_users = list_users();
    const auto all_policies = list_policies();
    for (const auto& user : all_users.users())
      listed_users.push_back(user.name());
    for (const auto& policy : all_policies.policies())
      listed_policies.push_back(policy.name());
    ASSERT_EQ(listed_users, users);
    ASSERT_EQ(listed_policies, managed);
    for (const auto& [name, user] : naive.users) {
      std::map<std::string, bool> found;
      const auto reply = get_user(name);
      for (const auto& key : reply.access_keys())
        found[key.access_key()] = key.revoked();
      ASSERT_EQ(found, user.keys) << name;
    }
  }

  std::mt19937_64 random;
  model naive;
  std::map<std::pair<std::string, std::string>, std::string> held;
  std::map<std::pair<std::string, std::string>, std::uint64_t> newest;
  std::map<std::string, std::uint64_t> ordinals;
  std::uint64_t heard_tick = 0;
};

TEST_P(UsersModel, AgreesWithTheMapsAndItsNewsSayAll) {
  SCOPED_TRACE("DUNLIN_SEED=" + std::to_string(seed()));
  for (int step = 0; step < 3000; ++step) {
    now_ms += static_cast<std::int64_t>(below(50));
    const auto command = some_command();
    const auto before = machine->tick();
    const auto wanted = naive.apply(command);
    const auto reply = run(command);
    ASSERT_EQ(reply.status(), wanted) << command.ShortDebugString();
    if (wanted != status::OK) {
      ASSERT_EQ(machine->tick(), before) << "a refused command changed something";
    }
    if (below(4) == 0) hear();
    if (HasFatalFailure()) return;
    if (below(20) == 0) run_all({}, heard_tick);
    if (below(50) == 0) restart();
    if (step % 100 == 0) compare_reads();
    if (HasFatalFailure()) return;
  }
  hear();
  compare_reads();
}

INSTANTIATE_TEST_SUITE_P(Seeds, UsersModel, testing::Range<std::uint64_t>(1, 9));

}  // namespace
