#include "actors/partition/machine/key_codec.hpp"

#include "messages/bucket_hash.hpp"
#include "messages/vocabulary.hpp"

namespace dunlin::keys {

static constexpr char zero = '\0';
static constexpr char escaped_zero = '\xff';
static constexpr char end_mark = '\x01';  // below escaped_zero, so that "a" sorts before "a\0"

template <class Number>
static void append(std::string& to, Number value) {
  for (int shift = 8 * (static_cast<int>(sizeof(Number)) - 1); shift >= 0; shift -= 8)
    to += static_cast<char>(value >> shift);
}

static void append_escaped(std::string& to, std::string_view text) {
  for (const char c : text) {
    to += c;
    if (c == zero) to += escaped_zero;
  }
}

static void append_end(std::string& to) {
  to += zero;
  to += end_mark;
}

std::string number(std::uint64_t value) {
  std::string bytes;
  append(bytes, value);
  return bytes;
}

std::uint64_t read_number(std::string_view eight_bytes) {
  DUNLIN_ASSERT(eight_bytes.size() == 8);
  std::uint64_t value = 0;
  for (const char c : eight_bytes)
    value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

std::string bucket(std::string_view id) {
  DUNLIN_ASSERT(id.size() == id_bytes);
  return number(bucket_hash(id)).append(id);
}

std::string key_prefix(std::string_view bucket_id, std::string_view key_prefix) {
  auto row = bucket(bucket_id);
  append_escaped(row, key_prefix);
  return row;
}

std::string object_key(std::string_view bucket_id, std::string_view key) {
  auto row = key_prefix(bucket_id, key);
  append_end(row);
  return row;
}

std::string version(std::string_view bucket_id, std::string_view key, std::uint64_t tick) {
  return object_key(bucket_id, key).append(number(~tick));
}

std::string upload(std::string_view bucket_id, std::string_view key, std::string_view upload_id) {
  DUNLIN_ASSERT(upload_id.size() == id_bytes);
  return object_key(bucket_id, key).append(upload_id);
}

std::string part(std::string_view upload_row, std::uint32_t number) {
  std::string row(upload_row);
  append(row, number);
  return row;
}

std::string item(std::string_view bucket_id, std::string_view key, std::string_view upload_id) {
  if (upload_id.empty()) return upload(bucket_id, key, std::string(id_bytes, zero));
  return upload(bucket_id, key, upload_id);
}

std::string pages(std::string_view item_row, std::uint32_t replica_set,
                  std::string_view last_page) {
  std::string row(item_row);
  append(row, replica_set);
  return row.append(last_page);
}

std::string client_node(std::string_view node) {
  std::string row;
  append_escaped(row, node);
  append_end(row);
  return row;
}

std::string client(std::string_view node, std::uint64_t incarnation) {
  return client_node(node).append(number(incarnation));
}

std::string answer(std::string_view client_row, std::uint64_t sequence) {
  return std::string(client_row).append(number(sequence));
}

std::string owner(std::string_view owner) {
  std::string row;
  append_escaped(row, owner);
  append_end(row);
  return row;
}

std::string owned_bucket(std::string_view owner_name, std::string_view name) {
  return owner(owner_name).append(name);
}

std::string keys_of_user(std::string_view user) { return owner(user); }

std::string user_key(std::string_view user, std::string_view access_key) {
  return keys_of_user(user).append(access_key);
}

std::string policy(std::string_view user, std::string_view name) {
  std::string row{user};
  if (!row.empty()) row += '/';
  return row.append(name);
}

std::string after_prefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff')
    prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

std::optional<tail> read_tail(std::string_view row) {
  if (row.size() < 8 + id_bytes) return std::nullopt;
  row.remove_prefix(8 + id_bytes);
  tail read;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] != zero) {
      read.key += row[i];
    } else if (++i < row.size() && row[i] == escaped_zero) {
      read.key += zero;
    } else if (i < row.size() && row[i] == end_mark) {
      read.rest = row.substr(i + 1);
      return read;
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace dunlin::keys
