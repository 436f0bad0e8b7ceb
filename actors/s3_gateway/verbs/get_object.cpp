#include "actors/s3_gateway/conditions.hpp"
#include "actors/s3_gateway/metadata.hpp"
#include "actors/s3_gateway/verbs.hpp"
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

task<v1::ObjectRecord> resolve(context& c) {
  v1::PartitionQuery query;
  query.mutable_get_object()->set_bucket_id(c.bucket.id());
  query.mutable_get_object()->set_key(c.where.key);
  auto route = to_bucket(c.bucket.id());
  auto reply = co_await ask(c, std::move(route), std::move(query));
  if (reply.status() == v1::CommandReply::NO_SUCH_KEY) {
    auto missing = error("NoSuchKey");
    missing.details.emplace_back("Key", c.where.key);
    throw missing;
  }
  expect_ok(reply.status());
  co_return std::move(*reply.mutable_object());
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
  if (record.parts().empty())
    co_await out.send_range(record.layout(), range.offset, range.length);
  else
    co_await send_parts(c, out, record, range);
}

}  // namespace

task<void> get_object(context& c) {
  for (int attempt = 1;; ++attempt) {
    const auto record = co_await resolve(c);
    std::optional<ec> lost;
    try {
      co_await send_object(c, record);
    } catch (const resolve_again& again) {
      lost = again.why;
    }
    if (!lost) co_return;
    // A replaced object's pages are freed after a grace; its successor has new ones (decision 18).
    const bool may_have_moved = *lost == ec::not_found || *lost == ec::damaged;
    if (!may_have_moved || attempt == 2) throw error_of(*lost);
    DUNLIN_REACHED("gateway.object_resolved_again");
  }
}

}  // namespace dunlin::s3
