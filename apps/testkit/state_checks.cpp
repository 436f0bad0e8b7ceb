#include "apps/testkit/state_checks.hpp"

#include "actors/partition/machine/key_codec.hpp"
#include "actors/partition/machine/page_run.hpp"
#include "messages/cache_types.hpp"
#include "messages/page_id.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dunlin::testkit {

namespace {

constexpr std::uint64_t outbox_rows_max = 4096;  // decision 13
constexpr std::uint64_t answers_max = 1024;      // decision 14
const std::string state_key = "state";
constexpr std::size_t bucket_bytes = 8 + keys::id_bytes;

template <class Record>
Record parsed(const std::string& bytes) {
  Record record;
  record.ParseFromString(bytes);
  return record;
}

/// One look at one partition; gathers what is wrong.
class examination {
public:
  explicit examination(const partition_rows& rows) : rows_(rows) {
    const auto& meta = rows.of(table::meta);
    if (const auto found = meta.find(state_key); found != meta.end())
      state_ = parsed<v1::PartitionState>(found->second);
  }

  std::vector<std::string> run() {
    check_ticks();
    check_versions();
    check_outbox();
    check_ordinals();
    check_pages();
    check_garbage_items();
    check_parts();
    check_seals();
    check_clients();
    check_fence_times();
    check_keys();
    check_policies();
    check_counts();
    return std::move(wrong_);
  }

private:
  template <class... Parts>
  void fail(fmt::format_string<Parts...> text, Parts&&... parts) {
    wrong_.push_back(
        fmt::format("partition {} at {}: ", state_.partition(), state_.applied_index()) +
        fmt::format(text, std::forward<Parts>(parts)...));
  }

  /// Visits the parsed records of a table.
  template <class Record, class Visit>
  void each(table which, Visit visit) const {
    for (const auto& [key, value] : rows_.of(which))
      visit(key, parsed<Record>(value));
  }

  // ---- one change, one tick ----

  void take_tick(std::uint64_t tick, const char* what) {
    if (tick == 0 || tick > state_.tick())
      fail("{} has tick {}, the partition {}", what, tick, state_.tick());
    const auto [other, fresh] = ticks_.emplace(tick, what);
    if (!fresh) fail("{} and {} share tick {}", what, other->second, tick);
  }

  template <class Record>
  void take_ticks(table which, const char* what) {
    each<Record>(which, [&](const auto&, const Record& one) { take_tick(one.tick(), what); });
  }

  void check_ticks() {
    take_ticks<v1::ObjectRecord>(table::objects, "an object");
    take_ticks<v1::UploadRecord>(table::uploads, "an upload");
    take_ticks<v1::PartRecord>(table::parts, "a part");
    take_ticks<v1::GarbageRecord>(table::garbage, "garbage");
    take_ticks<v1::BucketRecord>(table::buckets, "a bucket");
    take_ticks<v1::UserRecord>(table::users, "a user");
    take_ticks<v1::AccessKeyRecord>(table::access_keys, "an access key");
    take_ticks<v1::PolicyRecord>(table::policies, "a policy");
    take_ticks<v1::ClusterMap>(table::settings, "the map");
    for (const auto& [row, tick] : rows_.of(table::seals))
      take_tick(keys::read_number(tick), "a seal");
  }

  void check_versions() {
    std::string before;
    each<v1::ObjectRecord>(table::objects, [&](const std::string& row, const auto& object) {
      const auto key = row.substr(0, row.size() - 8);
      if (~keys::read_number(std::string_view(row).substr(row.size() - 8)) != object.tick())
        fail("the row of an object says another tick than {}", object.tick());
      if (key == before) fail("an object has two versions, one of them {}", object.tick());
      before = key;
    });
  }

  // ---- announcements ----

  void expect_announced(std::uint64_t tick, std::string_view type, const std::string& key) {
    if (tick <= announced_) return;
    const auto found = rows_.of(table::outbox).find(keys::number(tick));
    if (found == rows_.of(table::outbox).end())
      return fail("the change of a {} at tick {} is not announced", type, tick);
    const auto row = parsed<v1::OutboxRecord>(found->second);
    if (row.type() != type || row.key() != key)
      fail("tick {} changed a {}, announced is a {}", tick, type, row.type());
  }

  void check_outbox() {
    const auto& outbox = rows_.of(table::outbox);
    if (outbox.size() != state_.outbox_rows() || outbox.size() > outbox_rows_max)
      fail("the outbox has {} rows, counted are {}", outbox.size(), state_.outbox_rows());
    announced_ = state_.announced_through();
    each<v1::OutboxRecord>(table::outbox, [&](const std::string& row, const auto& one) {
      if (keys::read_number(row) != one.tick() || one.tick() > state_.tick())
        fail("the outbox has a row of tick {} that says {}", keys::read_number(row), one.tick());
      if (one.type() == cached::dropped_rows) announced_ = std::max(announced_, one.tick());
    });
    each<v1::ObjectRecord>(table::objects, [&](const std::string& row, const auto& object) {
      if (const auto tail = keys::read_tail(row))
        expect_announced(object.tick(), "object", row.substr(8, keys::id_bytes) + tail->key);
    });
    // An object's pages become garbage one tick before the change that took the object away.
    each<v1::GarbageRecord>(table::garbage, [&](const auto&, const v1::GarbageRecord& one) {
      if (one.item().upload_id().empty())
        expect_announced(one.tick() + 1, "object", one.item().bucket_id() + one.item().key());
    });
    each<v1::BucketRecord>(table::buckets, [&](const auto&, const v1::BucketRecord& bucket) {
      expect_announced(bucket.tick(), "bucket", bucket.name());
    });
    each<v1::AccessKeyRecord>(table::access_keys, [&](const auto&, const v1::AccessKeyRecord& key) {
      expect_announced(key.tick(), "user", key.access_key());
    });
    each<v1::PolicyRecord>(table::policies, [&](const std::string& row, const auto& policy) {
      expect_announced(policy.tick(), "policy", row);
    });
    each<v1::ClusterMap>(table::settings, [&](const auto&, const v1::ClusterMap& map) {
      expect_announced(map.tick(), "cluster_map", "cluster_map");
    });
  }

  /// A row of the outbox, in the order of ticks: of its type no ordinal is left out or comes twice.
  void take_ordinal(const v1::OutboxRecord& row, std::map<std::string, std::uint64_t>& last) {
    if (row.type() == cached::dropped_rows) {
      for (const auto& one : row.dropped_through())
        last[one.type()] = one.ordinal();
      return;
    }
    const auto [before, first] = last.try_emplace(row.type(), 0);
    const auto trimmed = first && state_.announced_through() > 0;
    if (trimmed ? row.ordinal() == 0 : row.ordinal() != before->second + 1)
      fail("the change of a {} at tick {} has ordinal {} after {}", row.type(), row.tick(),
           row.ordinal(), before->second);
    before->second = row.ordinal();
  }

  void check_ordinals() {
    std::map<std::string, std::uint64_t> last;
    each<v1::OutboxRecord>(table::outbox,
                           [&](const auto&, const auto& row) { take_ordinal(row, last); });
    std::string before;
    for (const auto& one : state_.announced()) {
      if (one.type() <= before) fail("the announced types are not in order: {}", one.type());
      before = one.type();
      const auto found = last.find(one.type());
      const auto seen = found == last.end() ? 0 : found->second;
      if (found != last.end()) last.erase(found);
      // All rows of a type may be gone, once a queue has them.
      if (seen != one.ordinal() && (seen > 0 || state_.announced_through() == 0))
        fail("{} changes of a {} are counted, the outbox ends with {}", one.ordinal(), one.type(),
             seen);
    }
    for (const auto& [type, ordinal] : last)
      fail("the outbox has {} changes of a {}, counted is none", ordinal, type);
  }

  // ---- pages ----

  template <class Visit>
  static void each_page(const v1::Layout& layout, Visit visit) {
    for (const auto& run : layout.runs())
      for (std::uint64_t i = 0; i < page_run::pages(run); ++i)
        visit(page_at(run.first_page(), i));
  }

  void name_pages(const v1::Layout& layout, const char* what) {
    each_page(layout, [&](const std::string& page) {
      const auto [other, fresh] = named_.emplace(page, what);
      if (!fresh) fail("page {} is named by {} and {}", page_text(page), what, other->second);
    });
  }

  void check_pages() {
    each<v1::ObjectRecord>(table::objects, [&](const auto&, const v1::ObjectRecord& one) {
      name_pages(one.layout(), "an object");
    });
    each<v1::PartRecord>(table::parts, [&](const auto&, const v1::PartRecord& one) {
      name_pages(one.layout(), "a part");
    });
    each<v1::GarbageRecord>(table::garbage, [&](const auto&, const v1::GarbageRecord& one) {
      name_pages(one.layout(), "garbage");
    });
    each<v1::FenceRecord>(table::fences, [&](const std::string& row, const auto& fence) {
      const auto last = row.substr(row.size() - page_id_bytes);
      const auto found = named_.lower_bound(fence.first_page());
      if (found != named_.end() && found->first <= last)
        fail("page {} of {} is fenced", page_text(found->first), found->second);
    });
  }

  void check_garbage_items() {
    std::map<std::string, std::string> expected;
    each<v1::GarbageRecord>(table::garbage, [&](const auto&, const v1::GarbageRecord& one) {
      const auto& item = one.item();
      const auto of_item = keys::item(item.bucket_id(), item.key(), item.upload_id());
      for (const auto& run : one.layout().runs())
        expected[keys::pages(of_item, run.replica_set(),
                             page_at(run.first_page(), page_run::pages(run) - 1))] =
            run.first_page();
    });
    if (expected != rows_.of(table::garbage_items))
      fail("garbage has {} runs, by item there are {} or others", expected.size(),
           rows_.of(table::garbage_items).size());
  }

  // ---- uploads, buckets, clients ----

  void check_parts() {
    std::set<std::string> needed;
    each<v1::ObjectRecord>(table::objects, [&](const std::string& row, const auto& object) {
      const auto upload = row.substr(0, row.size() - 8) + object.upload_id();
      for (const auto number : object.parts())
        needed.insert(keys::part(upload, number));
    });
    for (const auto& row : needed)
      if (!rows_.of(table::parts).contains(row)) fail("an object has lost a part");
    for (const auto& [row, value] : rows_.of(table::parts))
      if (!needed.contains(row) &&
          !rows_.of(table::uploads).contains(row.substr(0, row.size() - 4)))
        fail("a part belongs to no upload and no object");
  }

  void check_seals() {
    for (const auto& [bucket, tick] : rows_.of(table::seals)) {
      const auto found = rows_.of(table::objects).lower_bound(bucket);
      if (found != rows_.of(table::objects).end() && found->first.starts_with(bucket))
        fail("a sealed bucket holds an object of tick {}",
             parsed<v1::ObjectRecord>(found->second).tick());
    }
  }

  void check_clients() {
    const auto& answers = rows_.of(table::answers);
    if (rows_.of(table::clients).size() != state_.clients())
      fail("{} clients, counted are {}", rows_.of(table::clients).size(), state_.clients());
    std::size_t owned = 0;
    each<v1::ClientRecord>(table::clients, [&](const std::string& row, const auto& client) {
      std::uint64_t kept = 0;
      for (auto at = answers.lower_bound(row); at != answers.end() && at->first.starts_with(row);
           ++at)
        ++kept;
      owned += kept;
      if (kept != client.answers() || kept > answers_max)
        fail("a client has {} answers, counted are {}", kept, client.answers());
    });
    if (owned != answers.size()) fail("{} answers are of no client", answers.size() - owned);
  }

  void check_fence_times() {
    each<v1::FenceRecord>(table::fences, [&](const std::string& row, const auto& fence) {
      const auto since = static_cast<std::uint64_t>(fence.since_ms());
      if (!rows_.of(table::fence_times).contains(keys::number(since) + row))
        fail("a fence would never be forgotten");
    });
  }

  // ---- users and policies ----

  /// The key of the seed is in no index until the first command on a user.
  void check_keys() {
    std::map<std::string, std::string> expected;
    each<v1::AccessKeyRecord>(table::access_keys, [&](const std::string& row, const auto& key) {
      expected[keys::user_key(key.user(), key.access_key())];
      if (row != key.access_key()) fail("the row of a key says {}", key.access_key());
      const auto user = rows_.of(table::users).find(key.user());
      if (user == rows_.of(table::users).end())
        return fail("key {} is of a user that is gone", row);
      if (parsed<v1::UserRecord>(user->second).tick() > key.tick())
        fail("key {} has a tick before that of its user", row);
    });
    const auto& index = rows_.of(table::user_keys);
    if (index.empty() ? expected.size() > 1 : index != expected)
      fail("there are {} keys, {} by user or others", expected.size(), index.size());
  }

  template <class Names>
  void expect_policies(const std::string& user, const Names& names, const char* what) {
    if (!std::is_sorted(names.begin(), names.end()) || names.size() > 10)
      fail("user {} has {} {} policies, or not in order", user, names.size(), what);
  }

  void check_policies() {
    std::map<std::string, std::uint32_t> wanted;  // by row; of managed ones, how many want it
    each<v1::UserRecord>(table::users, [&](const std::string& name, const auto& user) {
      expect_policies(name, user.attached(), "attached");
      expect_policies(name, user.inline_policies(), "own");
      for (const auto& policy : user.attached())
        ++wanted[policy];
      for (const auto& policy : user.inline_policies())
        ++wanted[keys::policy(name, policy)];
    });
    each<v1::PolicyRecord>(table::policies, [&](const std::string& row, const auto& policy) {
      if (row != keys::policy(policy.user(), policy.name())) fail("policy {} is misplaced", row);
      const auto users = wanted.contains(row) ? wanted.at(row) : 0;
      wanted.erase(row);
      if (policy.user().empty() ? policy.attachments() != users : users != 1)
        fail("{} users have policy {}, counted are {}", users, row, policy.attachments());
    });
    for (const auto& [row, users] : wanted)
      fail("{} users have policy {}, which is not there", users, row);
  }

  void check_counts() {
    const auto& policies = rows_.of(table::policies);
    const auto managed = std::count_if(policies.begin(), policies.end(), [](const auto& one) {
      return one.first.find('/') == std::string::npos;
    });
    expect_count("users", rows_.of(table::users).size());
    expect_count("policies", static_cast<std::size_t>(managed));
  }

  void expect_count(const char* what, std::size_t rows) {
    const auto found = rows_.of(table::meta).find(what);
    if (found != rows_.of(table::meta).end() && keys::read_number(found->second) != rows)
      fail("there are {} {}, counted are {}", rows, what, keys::read_number(found->second));
  }

  const partition_rows& rows_;
  v1::PartitionState state_;
  std::map<std::uint64_t, const char*> ticks_;
  std::map<std::string, const char*> named_;
  std::uint64_t announced_ = 0;  // rows up to it may be gone
  std::vector<std::string> wrong_;
};

}  // namespace

const std::map<std::string, std::string>& partition_rows::of(table which) const {
  static const std::map<std::string, std::string> none;
  const auto found = tables.find(which);
  return found == tables.end() ? none : found->second;
}

partition_rows rows_of(kv_store& state) {
  partition_rows rows;
  for (int number = 0; number < table_count; ++number)
    state.scan(static_cast<table>(number), "", [&](std::string_view key, std::string_view value) {
      rows.tables[static_cast<table>(number)].emplace(key, value);
      return true;
    });
  return rows;
}

std::vector<std::string> check_rows(const partition_rows& rows) { return examination(rows).run(); }

std::vector<std::string> check_buckets(const partition_rows& root, const partition_rows& other) {
  std::map<std::string, v1::BucketRecord> buckets;
  for (const auto& [name, value] : root.of(table::buckets)) {
    auto bucket = parsed<v1::BucketRecord>(value);
    buckets.emplace(bucket.id(), std::move(bucket));
  }
  std::vector<std::string> wrong;
  for (const auto which : {table::objects, table::uploads})
    for (const auto& [row, value] : other.of(which))
      if (!buckets.contains(row.substr(8, keys::id_bytes)))
        wrong.push_back(which == table::objects ? "an object is in a bucket that is gone"
                                                : "an upload is in a bucket that is gone");
  for (const auto& [row, tick] : other.of(table::seals)) {
    const auto found = buckets.find(row.substr(8, bucket_bytes - 8));
    if (found != buckets.end() && found->second.state() == v1::BucketRecord::ACTIVE)
      wrong.push_back("bucket " + found->second.name() + " is sealed for ever");
  }
  return wrong;
}

v1::PartitionState state_of(kv_store& store) {
  v1::PartitionState state;
  if (const auto held = store.get(table::meta, state_key)) state.ParseFromString(*held);
  return state;
}

std::vector<std::string> tick_watch::observe(partition_id partition,
                                             const v1::PartitionState& state) {
  std::vector<std::string> wrong;
  auto& known = ticks_[partition];
  const auto [at, fresh] = known.emplace(state.applied_index(), state.tick());
  const auto fail = [&](std::uint64_t index, std::uint64_t tick) {
    wrong.push_back(fmt::format("partition {} has tick {} at {}, and {} at {}", partition,
                                state.tick(), state.applied_index(), tick, index));
  };
  if (!fresh && at->second != state.tick()) fail(at->first, at->second);
  if (at != known.begin() && std::prev(at)->second > state.tick())
    fail(std::prev(at)->first, std::prev(at)->second);
  if (const auto next = std::next(at); next != known.end() && next->second < state.tick())
    fail(next->first, next->second);
  return wrong;
}

}  // namespace dunlin::testkit
