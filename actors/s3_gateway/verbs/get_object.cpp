#include "actors/s3_gateway/conditions.hpp"
#include "actors/s3_gateway/metadata.hpp"
#include "actors/s3_gateway/object_write.hpp"
#include "actors/s3_gateway/verbs.hpp"
#include "messages/cache_types.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace dunlin::s3 {

namespace {

constexpr std::uint32_t parts_a_query = 200;

/// The object behind a GET changed or lost its pages before the first byte went out.
struct resolve_again {
  ec why;
};

failure no_such_key(const context& c) {
  auto missing = error("NoSuchKey");
  missing.details.emplace_back("Key", c.where.key);
  return missing;
}

/// The object's record, from the near cache as its mode says, or as the leader says from now on.
/// That there is none is never said by a cache alone (decision 16).
task<cache_answer> resolve(context& c, bool confirmed) {
  auto item = object_item(c, c.where.key);
  auto said = co_await c.world.look_up(cached::object, std::move(item), confirmed);
  if (said && !said->record && !said->confirmed) {
    item = object_item(c, c.where.key);
    said = co_await c.world.look_up(cached::object, std::move(item), true);
  }
  // Its bucket is being deleted, or was; to a reader it is gone.
  if (!said && said.error() == ec::not_found) throw error("NoSuchBucket");
  if (!said) throw error_of(said.error());
  if (!said->record) throw no_such_key(c);
  co_return std::move(*said);
}

/// Sends the bytes of a range. The first piece is fetched before the head goes out, so that a
/// reader which fails at once still becomes an error or a second look.
class sender {
public:
  sender(context& c, int status, std::vector<http::header> headers, std::uint64_t length)
      : c_(c), status_(status), headers_(std::move(headers)), left_(length), length_(length) {}

  task<void> send_range(const v1::Layout& layout, std::uint64_t offset, std::uint64_t length) {
    auto opened = co_await c_.world.open_read(layout, offset, length);
    if (!opened) fail(opened.error());
    while (length > 0) {
      const auto wanted = std::min<std::uint64_t>(length, c_.world.options().piece_bytes);
      auto piece = co_await c_.world.next(wanted);
      if (!piece) fail(piece.error());
      // A layout that is shorter than its record would end the answer early.
      if (!*piece || (*piece)->empty() || (*piece)->size() > length) fail(ec::damaged);
      length -= (*piece)->size();
      co_await send(std::move(*piece));
    }
  }

  bool done() const { return left_ == 0; }

private:
  [[noreturn]] void fail(ec code) {
    if (!c_.answered) throw resolve_again{code};
    throw error_of(code);
  }

  task<void> send(buffer piece) {
    left_ -= piece->size();
    if (!c_.answered) {
      co_await answer_head(c_, status_, std::move(headers_), length_, std::move(piece));
      co_return;
    }
    auto written = co_await c_.world.write_body(std::move(piece));
    if (!written) throw error_of(written.error());
  }

  context& c_;
  int status_;
  std::vector<http::header> headers_;
  std::uint64_t left_;
  std::uint64_t length_;
};

task<v1::QueryReply> parts_after(context& c, const v1::ObjectRecord& record, std::uint32_t after) {
  v1::PartitionQuery query;
  auto& list = *query.mutable_list_parts();
  list.set_bucket_id(c.bucket.id());
  list.set_key(c.where.key);
  list.set_upload_id(record.upload_id());
  list.set_after(after);
  list.set_items_max(parts_a_query);
  auto route = to_bucket(c.bucket.id());
  auto reply = co_await ask(c, std::move(route), std::move(query));
  if (reply.status() == v1::CommandReply::NO_SUCH_UPLOAD) {
    if (!c.answered) throw resolve_again{ec::not_found};
    throw error("ServiceUnavailable");
  }
  expect_ok(reply.status());
  co_return reply;
}

/// Walks the part rows of a multipart object; only those that the object lists count.
task<void> send_parts(context& c, sender& out, const v1::ObjectRecord& record, byte_range range) {
  std::uint64_t start = 0;  // of the part at hand, within the object
  std::uint32_t after = 0;
  bool more = true;
  while (more && !out.done()) {
    const auto reply = co_await parts_after(c, record, after);
    more = reply.truncated() && !reply.parts().empty();
    for (const auto& part : reply.parts()) {
      after = part.number();
      if (!std::binary_search(record.parts().begin(), record.parts().end(), part.number()))
        continue;
      const auto end = start + part.size();
      const auto from = std::max(start, range.offset);
      const auto to = std::min(end, range.offset + range.length);
      if (from < to) co_await out.send_range(part.layout(), from - start, to - from);
      start = end;
      if (out.done()) break;
    }
  }
  if (out.done()) co_return;
  if (!c.answered) throw resolve_again{ec::damaged};
  throw error("InternalError");
}

task<void> send_object(context& c, const v1::ObjectRecord& record) {
  auto headers = object_headers(record, c.where);
  switch (judge_read(c.request(), record.etag(), record.modified_ms())) {
    case verdict::failed: throw error("PreconditionFailed");
    case verdict::not_modified:
      co_await answer(c, 304, std::move(headers), std::string());
      co_return;
    case verdict::go_on: break;
  }
  const auto asked = read_range(c.request(), record.etag(), record.modified_ms(), record.size());
  const auto range = asked.value_or(byte_range{0, record.size()});
  const int status = asked ? 206 : 200;
  if (asked)
    headers.push_back({"Content-Range", "bytes " + std::to_string(range.offset) + "-" +
                                            std::to_string(range.offset + range.length - 1) + "/" +
                                            std::to_string(record.size())});
  if (c.head_only() || range.length == 0) {
    auto nothing = std::make_shared<const std::string>();
    co_await answer_head(c, status, std::move(headers), range.length, std::move(nothing));
    co_return;
  }
  sender out(c, status, std::move(headers), range.length);
  // Of very many parts the record names only the numbers.
  if (record.parts().empty() || !record.layout().runs().empty())
    co_await out.send_range(record.layout(), range.offset, range.length);
  else
    co_await send_parts(c, out, record, range);
}

}  // namespace

// A record from the cache may be as old as the bound: what it makes fail is tried once more with
// what the leader says. And a replaced object's pages are freed after a grace; its successor has
// new ones (decision 18).
task<void> get_object(context& c) {
  bool confirmed = false;
  for (int attempt = 1;; ++attempt) {
    const auto said = co_await resolve(c, confirmed);
    std::optional<failure> failed;
    bool gone = false;
    try {
      co_await send_object(c, said.record->object());
    } catch (const resolve_again& again) {
      gone = again.why == ec::not_found || again.why == ec::damaged;
      failed = error_of(again.why);
    } catch (const failure& why) {
      failed = why;
    }
    if (!failed) co_return;
    const bool may_differ = gone || !said.confirmed;
    if (c.answered || !may_differ || attempt == 2) throw std::move(*failed);
    DUNLIN_REACHED("gateway.object_resolved_again");
    confirmed = true;
  }
}

}  // namespace dunlin::s3
