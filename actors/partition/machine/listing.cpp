#include "actors/partition/machine/commands.hpp"

#include "runtime/observe/planted.hpp"

#include <algorithm>

namespace dunlin::machine {

/// What both listings ask.
struct list_request {
  std::string_view bucket_id;
  std::string_view prefix;
  std::string_view delimiter;
  std::string_view after;  ///< exclusive
  std::string from;        ///< first row that may be listed
  std::uint32_t wanted = 0;
};

/// Rows of one bucket in key order, with keys that share prefix + … + delimiter rolled into one.
/// A common prefix costs one seek however many keys are below it.
class lister {
public:
  /// Adds a row to the answer; `key` is unescaped, `rest` what follows it.
  using adder = std::function<void(const keys::tail&, std::string_view value)>;

  lister(const context& at, table where, list_request request, v1::QueryReply& reply)
      : at_(at), where_(where), request_(std::move(request)), reply_(reply) {}

  void run(const adder& add) {
    const auto bucket = keys::bucket(request_.bucket_id);
    const auto within = keys::key_prefix(request_.bucket_id, request_.prefix);
    auto position = std::max(request_.from, within);
    while (!position.empty() && !reply_.truncated()) {
      skip_to_.clear();
      at_.store.scan(where_, position, [&](std::string_view row, std::string_view value) {
        return row.starts_with(within) && visit(row, value, add);
      });
      position = skip_to_;
    }
  }

private:
  bool visit(std::string_view row, std::string_view value, const adder& add) {
    const auto tail = keys::read_tail(row);
    if (!tail) throw store_error(ec::damaged, "a key cannot be read");
    if (const auto common = common_prefix(tail->key)) return visit_common(*common);
    if (full(tail->key.size() + value.size())) {
      if (planted(bug::listing_skips_at_border)) reply_.set_next_after(tail->key);
      return false;
    }
    add(*tail, value);
    ++listed_;
    return true;
  }

  bool visit_common(const std::string& common) {
    // One that the caller has already seen is passed over, with all below it.
    if (common > request_.after) {
      if (full(common.size())) return false;
      reply_.add_common_prefixes(common);
      reply_.set_next_after(common);
      reply_.clear_next_upload_id();
      ++listed_;
    }
    skip_to_ = keys::after_prefix(keys::key_prefix(request_.bucket_id, common));
    return false;
  }

  std::optional<std::string> common_prefix(const std::string& key) const {
    if (request_.delimiter.empty()) return std::nullopt;
    const auto at = key.find(request_.delimiter, request_.prefix.size());
    if (at == std::string::npos) return std::nullopt;
    return key.substr(0, at + request_.delimiter.size());
  }

  bool full(std::size_t bytes) {
    bytes_ += bytes;
    const bool is_full = listed_ == request_.wanted || (listed_ > 0 && bytes_ > reply_bytes_max);
    reply_.set_truncated(is_full);
    return is_full;
  }

  const context& at_;
  table where_;
  list_request request_;
  v1::QueryReply& reply_;
  std::string skip_to_;
  std::uint32_t listed_ = 0;
  std::size_t bytes_ = 0;
};

static status::Status check(const context& at, std::string_view bucket_id, std::string_view prefix,
                            std::string_view delimiter, std::string_view after) {
  if (std::max({prefix.size(), delimiter.size(), after.size()}) > key_bytes_max)
    return status::INVALID;
  if (const auto code = at.owns(bucket_id); code != status::OK) return code;
  return at.sealed(bucket_id) ? status::SEALED : status::OK;
}

static v1::ListedObject listed(const std::string& key, const v1::ObjectRecord& record) {
  v1::ListedObject item;
  item.set_key(key);
  item.set_size(record.size());
  item.set_etag(record.etag());
  item.set_modified_ms(record.modified_ms());
  item.set_owner(record.owner());
  item.set_tick(record.tick());
  item.set_storage_class(record.storage_class());
  return item;
}

status::Status answer(const context& at, const v1::ListObjects& query, v1::QueryReply& reply) {
  const auto code = check(at, query.bucket_id(), query.prefix(), query.delimiter(), query.after());
  if (code != status::OK || query.items_max() == 0) return code;
  const auto from = query.after().empty()
                        ? keys::bucket(query.bucket_id())
                        : keys::after_prefix(keys::object_key(query.bucket_id(), query.after()));
  lister list(at, table::objects,
              {query.bucket_id(), query.prefix(), query.delimiter(), query.after(), from,
               std::min(query.items_max(), items_max)},
              reply);
  list.run([&](const keys::tail& tail, std::string_view value) {
    *reply.add_objects() = listed(tail.key, context::parse<v1::ObjectRecord>(value));
    reply.set_next_after(tail.key);
  });
  return status::OK;
}

/// Uploads after the marker: of greater keys, and of the marker's key with a greater upload id.
static std::string first_upload(const v1::ListUploads& query) {
  if (query.key_marker().empty()) return keys::bucket(query.bucket_id());
  const auto row = keys::object_key(query.bucket_id(), query.key_marker());
  return keys::after_prefix(query.upload_id_marker().empty() ? row
                                                             : row + query.upload_id_marker());
}

status::Status answer(const context& at, const v1::ListUploads& query, v1::QueryReply& reply) {
  auto code = check(at, query.bucket_id(), query.prefix(), query.delimiter(), query.key_marker());
  if (query.upload_id_marker().size() > key_bytes_max) code = status::INVALID;
  if (code != status::OK || query.items_max() == 0) return code;
  lister list(at, table::uploads,
              {query.bucket_id(), query.prefix(), query.delimiter(), query.key_marker(),
               first_upload(query), std::min(query.items_max(), items_max)},
              reply);
  list.run([&](const keys::tail& tail, std::string_view value) {
    auto& item = *reply.add_uploads();
    item.set_key(tail.key);
    *item.mutable_record() = context::parse<v1::UploadRecord>(value);
    reply.set_next_after(tail.key);
    reply.set_next_upload_id(std::string(tail.rest));
  });
  return status::OK;
}

}  // namespace dunlin::machine
