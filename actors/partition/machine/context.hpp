/// CONTEXT: what the commands of one partition share: its store, its counters, and the changes that
/// more than one family makes. Internal to the machine.
#pragma once

#include "actors/partition/machine/key_codec.hpp"
#include "messages/dunlin/v1/stored.pb.h"
#include "runtime/storage/kv_store.hpp"

#include <google/protobuf/message_lite.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::machine {

using status = v1::CommandReply;  ///< status::NO_SUCH_KEY and its kin

inline constexpr std::size_t record_bytes_max = 64u << 10;  ///< decision 10
inline constexpr std::size_t key_bytes_max = 1024;          ///< as S3 says
inline constexpr std::size_t name_bytes_max = 256;          ///< buckets, owners, users, nodes
inline constexpr std::size_t short_name_bytes_max = 128;    ///< users, access keys, policies
inline constexpr std::uint64_t outbox_rows_max = 4096;
inline constexpr std::uint32_t part_number_max = 10'000;
inline constexpr std::uint32_t items_max = 1000;                ///< of one command or answer
inline constexpr std::size_t reply_bytes_max = 512u << 10;      ///< of one answer, about
inline constexpr std::uint64_t part_bytes_min = 5ull << 20;     ///< of all parts but the last
inline constexpr std::uint64_t part_rows_per_command = 20'000;  ///< moved to garbage at once

/// What is bounded in number and counted in table::meta.
enum class counted : std::uint8_t { users, policies };
inline constexpr std::uint64_t counted_max = 10'000;  ///< of each; policies: managed ones

struct context {
  kv_store& store;
  std::uint64_t first_hash = 0;
  std::uint64_t last_hash = 0;
  v1::PartitionState state{};
  std::function<void(std::uint64_t tick, std::string_view type, std::string_view key)> heard{};

  bool root() const { return state.partition() == 0; }

  /// OK, INVALID (no 16-byte id) or WRONG_PARTITION.
  status::Status owns(std::string_view bucket_id) const;
  /// As owns(bucket_id), and INVALID for a key that S3 does not allow.
  status::Status owns(std::string_view bucket_id, std::string_view key) const;
  bool sealed(std::string_view bucket_id) const;

  /// The tick of the next change (decision 12).
  std::uint64_t next_tick();

  /// Lets caches hear of a change (decision 13), under the next ordinal of its type. Called right
  /// after next_tick(), so that ordinals rise with ticks. Over its bound the oldest rows collapse
  /// to one of type "partition". announcements.cpp.
  void announce(std::uint64_t tick, std::string_view type, std::string_view key);

  /// Takes rows away that a queue has (decision 13).
  void trim_outbox(std::uint64_t announced_through);

  /// False, and not counted: there are as many as there may be.
  bool count_one_more(counted what);
  void count_one_less(counted what);

  /// Moves pages that nothing refers to any more to garbage (decision 18). Nothing for no pages.
  void bury(const v1::Item& item, const v1::Layout& layout);

  template <class Record>
  std::optional<Record> get(table where, std::string_view key) const {
    const auto bytes = store.get(where, key);
    if (!bytes) return std::nullopt;
    return parse<Record>(*bytes);
  }

  template <class Record>
  static Record parse(std::string_view bytes) {
    Record record;
    // SQLite checks pages, not meaning: going on with half a record would spread the damage.
    if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
      throw store_error(ec::damaged, "a stored record cannot be parsed");
    return record;
  }

  void put(table where, std::string_view key, const google::protobuf::MessageLite& record) {
    store.put(where, key, record.SerializeAsString());
  }

private:
  std::uint64_t count(counted what) const;
  std::uint64_t next_ordinal(std::string_view type);
  void collapse_outbox();
};

/// The rows of `where` that start with `prefix`, in order, until `visit` answers false.
void each(kv_store& store, table where, std::string_view prefix, const kv_store::visitor& visit);

/// Whether the record and its key are within the 64 KiB of decision 10.
bool small_enough(const google::protobuf::MessageLite& record);

/// Printable ASCII without blanks, 1 to 256 bytes.
bool is_name(std::string_view text);
/// A name of at most 128 bytes without a slash.
bool is_short_name(std::string_view text);

/// Key of the partition's rows about a bucket and key in announcements: bucket id, then key.
std::string object_item(std::string_view bucket_id, std::string_view key);

v1::CommandReply reply(status::Status code, std::uint64_t tick = 0);

}  // namespace dunlin::machine
