/// KEY CODEC: keys of the partition's tables, whose byte order is the order that listings and cuts
/// need (decision 10): bucket hash, bucket id, object key, then what tells rows of one key apart.
/// Numbers are big-endian. An object key is escaped so that no key is a prefix of another: 0x00
/// becomes 0x00 0xFF, and 0x00 0x01 ends it. Part of the stored format: never changes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::keys {

inline constexpr std::size_t id_bytes = 16;  ///< bucket ids, upload ids and page ids

std::string number(std::uint64_t value);
std::uint64_t read_number(std::string_view eight_bytes);

/// Start of every row of a bucket; `id` has 16 bytes.
std::string bucket(std::string_view id);

/// Start of every row whose object key starts with `key_prefix`.
std::string key_prefix(std::string_view bucket_id, std::string_view key_prefix);

/// Start of every row of exactly this object key.
std::string object_key(std::string_view bucket_id, std::string_view key);

/// One version of an object; newer ticks sort first.
std::string version(std::string_view bucket_id, std::string_view key, std::uint64_t tick);

std::string upload(std::string_view bucket_id, std::string_view key, std::string_view upload_id);
std::string part(std::string_view upload_row, std::uint32_t number);

/// Start of the fences or garbage of one item. An absent upload id counts as sixteen zero bytes.
std::string item(std::string_view bucket_id, std::string_view key, std::string_view upload_id);

/// One run of pages of an item, found by its last page: the first row at or after (set, page) is
/// the only one that can hold `page`, since runs never overlap.
std::string pages(std::string_view item_row, std::uint32_t replica_set, std::string_view last_page);

std::string client(std::string_view node, std::uint64_t incarnation);
std::string client_node(std::string_view node);  ///< start of every client of a node
std::string answer(std::string_view client_row, std::uint64_t sequence);

std::string owned_bucket(std::string_view owner, std::string_view name);
std::string owner(std::string_view owner);  ///< start of an owner's buckets

std::string user_key(std::string_view user, std::string_view access_key);
std::string keys_of_user(std::string_view user);  ///< start of a user's access keys

/// Row of a policy, which is also the key under which caches hold it (messages/cache_types.hpp).
/// Neither name has a slash; no user: a managed policy.
std::string policy(std::string_view user, std::string_view name);

/// The smallest string greater than every one that starts with `prefix`; empty: there is none.
std::string after_prefix(std::string prefix);

/// What a row of the objects, uploads or parts table says after its bucket; none: malformed.
struct tail {
  std::string key;
  std::string_view rest;  ///< inverted tick, upload id, or upload id and part number
};
std::optional<tail> read_tail(std::string_view row);

}  // namespace dunlin::keys
