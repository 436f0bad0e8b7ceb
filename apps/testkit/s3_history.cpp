#include "apps/testkit/s3_history.hpp"

#include "messages/cache_types.hpp"
#include "runtime/crypto/hash.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dunlin::testkit {

namespace {

bool unknown(int status) { return status == 0 || status >= 500; }

std::string id_of(std::string_view bytes) { return crypto::hex(crypto::md5::of(bytes)); }

std::string quoted(const std::string& etag) { return '"' + etag + '"'; }

std::string header_of(const virtual_cluster::answer& seen, std::string_view name) {
  const auto same = [name](const http::header& one) {
    return std::equal(one.name.begin(), one.name.end(), name.begin(), name.end(),
                      [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
  };
  const auto found = std::find_if(seen.headers.begin(), seen.headers.end(), same);
  return found == seen.headers.end() ? std::string() : found->value;
}

/// Every other tag is as long as metadata may be: logs fill, are cut and recycled.
std::string lengthened(std::string tag, bool really) {
  if (really) tag.append(1800, tag.back());
  return tag;
}

std::string brief(const std::optional<std::string>& id) {
  return id ? id->substr(0, 8) : "nothing";
}

/// A cache may have had what it says for so long; 404 is confirmed first.
std::chrono::milliseconds staleness_of(const topology::cluster& of) {
  const auto& cache = of.options.caches.find(cached::object)->second;
  const auto bounded = !cache.validated && !of.nodes_with(topology::role::queue).empty();
  return bounded ? cache.staleness_max + std::chrono::milliseconds(5)
                 : std::chrono::milliseconds(0);
}

}  // namespace

s3_history::s3_history(virtual_cluster& cluster)
    : cluster_(cluster), staleness_(staleness_of(cluster.topology())) {}

std::string completion_xml(const std::vector<std::string>& etags) {
  std::string body = "<CompleteMultipartUpload>";
  for (std::size_t i = 0; i < etags.size(); ++i)
    body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i + 1, etags[i]);
  return body + "</CompleteMultipartUpload>";
}

// ---- writes ----

std::size_t s3_history::begin_write(const std::string& path, std::optional<std::string> id,
                                    write_condition when, const std::string& match) {
  register_operation one;
  one.writes = true;
  one.value = std::move(id);
  one.called = cluster_.time().now();
  if (when != write_condition::none) {
    one.when = register_operation::condition::one_of;
    one.before = {when == write_condition::absent ? std::optional<std::string>() : match};
  }
  histories_[path].push_back(std::move(one));
  return histories_[path].size() - 1;
}

// A condition that did not hold says what was not there, or what was.
void s3_history::refused(const std::string& path, register_operation& one, int status) {
  using condition = register_operation::condition;
  const bool wanted_absent = one.before == std::vector<std::optional<std::string>>{std::nullopt};
  if (one.when == condition::none || (status == 404 && wanted_absent)) {
    mistakes_.push_back(fmt::format("a write of {} answered {}", path, status));
    return;
  }
  one.writes = false;
  if (status == 404) {
    one.when = condition::one_of;
    one.before = {std::nullopt};
  } else {
    one.when = condition::none_of;
    if (!wanted_absent) one.before.push_back(std::nullopt);
  }
  one.answered = cluster_.time().now();
}

/// Over streams a body can stop on its way until its node gives up.
static bool stalled(const virtual_cluster::answer& seen) {
  return seen.status == 400 && seen.body.find("RequestTimeout") != seen.body.npos;
}

void s3_history::end_write(const std::string& path, std::size_t at, const answer& seen) {
  auto& one = histories_[path][at];
  if (seen.status == 200 || seen.status == 204) {
    one.answered = cluster_.time().now();
    ++counts_["writes acknowledged"];
    if (one.value)
      seen_[path] = *one.value;
    else
      seen_.erase(path);
  } else if (unknown(seen.status) || stalled(seen)) {
    ++counts_["writes unknown"];
  } else if (seen.status == 412 || seen.status == 404) {
    ++counts_["writes refused"];
    refused(path, one, seen.status);
  } else {
    mistakes_.push_back(fmt::format("a write of {} answered {} {}", path, seen.status, seen.body));
  }
}

void s3_history::put(const node_id& through, const std::string& path, const std::string& body,
                     write_condition when, on_answer done) {
  const auto id = note_body(body);
  std::vector<http::header> headers{tag_header(written_[id].tag)};
  std::string match;
  if (when == write_condition::absent) headers.push_back({"If-None-Match", "*"});
  if (when == write_condition::matches) {
    const auto found = seen_.find(path);
    if (found == seen_.end()) {
      when = write_condition::none;
    } else {
      match = found->second;
      headers.push_back({"If-Match", written_[match].etag});
    }
  }
  const auto at = begin_write(path, id, when, match);
  cluster_.send(through, "PUT", path, "", body, expect_etag(path, id, at, std::move(done)),
                std::move(headers));
}

void s3_history::put_mark(const node_id& through, const std::string& path, on_answer done) {
  const auto id = fmt::format("mark {}", ++marks_);
  written_[id] = {quoted(id_of({})), lengthened(id, marks_ % 2 == 0)};
  const auto at = begin_write(path, id, write_condition::none, {});
  cluster_.send(through, "PUT", path, "", "", expect_etag(path, id, at, std::move(done)),
                {tag_header(written_[id].tag)});
}

void s3_history::put_slowly(const node_id& through, const std::string& path,
                            const std::string& body, stop where, on_answer done) {
  const auto id = note_body(body);
  const auto at = begin_write(path, id, write_condition::none, {});
  cluster_.send_slowly(through, path, body, where.first, where.pause,
                       expect_etag(path, id, at, std::move(done)), {tag_header(written_[id].tag)});
}

std::string s3_history::note_body(const std::string& body) {
  const auto id = id_of(body);
  written_[id] = {quoted(id), lengthened("of " + id, id.front() < '8')};
  return id;
}

s3_history::on_answer s3_history::expect_etag(const std::string& path, const std::string& id,
                                              std::size_t at, on_answer done) {
  return [this, path, at, id, done = std::move(done)](const answer& seen) {
    end_write(path, at, seen);
    if (seen.status == 200 && header_of(seen, "etag") != written_[id].etag)
      mistakes_.push_back("PUT " + path + " answered the ETag " + header_of(seen, "etag") +
                          " for " + id);
    done(seen);
  };
}

void s3_history::remove(const node_id& through, const std::string& path, on_answer done) {
  const auto at = begin_write(path, std::nullopt, write_condition::none, {});
  cluster_.send(through, "DELETE", path, "", "",
                [this, path, at, done = std::move(done)](const answer& seen) {
                  end_write(path, at, seen);
                  done(seen);
                });
}

void s3_history::remove_many(const node_id& through, const std::string& bucket,
                             const std::vector<std::string>& keys, on_answer done) {
  std::string body = "<Delete>";
  std::vector<std::pair<std::string, std::size_t>> begun;
  for (const auto& key : keys) {
    body += "<Object><Key>" + key + "</Key></Object>";
    const auto path = "/" + bucket + "/" + key;
    begun.emplace_back(path, begin_write(path, std::nullopt, write_condition::none, {}));
  }
  body += "</Delete>";
  cluster_.send(through, "POST", "/" + bucket, "delete=", body,
                [this, begun, keys, done = std::move(done)](const answer& seen) {
                  for (std::size_t i = 0; i < keys.size(); ++i) {
                    auto one = seen;
                    const auto deleted = "<Deleted><Key>" + keys[i] + "</Key>";
                    if (seen.status == 200 && seen.body.find(deleted) == std::string::npos)
                      one.status = 500;
                    end_write(begun[i].first, begun[i].second, one);
                  }
                  done(seen);
                },
                {{"Content-MD5", crypto::base64(crypto::md5::of(body))}});
}

void s3_history::complete(const node_id& through, const std::string& path, const std::string& query,
                          const std::vector<std::string>& parts, const std::string& tag,
                          on_answer done) {
  std::string whole, sums;
  std::vector<std::string> etags;
  for (const auto& part : parts) {
    whole += part;
    sums += crypto::md5::of(part);
    etags.push_back(quoted(id_of(part)));
  }
  const auto id = id_of(whole);
  written_[id] = {quoted(fmt::format("{}-{}", id_of(sums), parts.size())), tag};
  const auto at = begin_write(path, id, write_condition::none, {});
  cluster_.send(through, "POST", path, query, completion_xml(etags),
                [this, path, at, done = std::move(done)](const answer& seen) {
                  auto one = seen;
                  // An error may come after the head, when it is too late for a status.
                  if (seen.status == 200 && seen.body.find("<ETag>") == std::string::npos)
                    one.status = 500;
                  // Gone: aborted, or completed by an attempt whose answer was lost.
                  if (seen.status == 404) one.status = 500;
                  end_write(path, at, one);
                  done(one);
                });
}

// ---- reads ----

void s3_history::check_bytes(const std::string& where, const std::string& id, const answer& seen) {
  const auto found = written_.find(id);
  if (found == written_.end()) {
    mistakes_.push_back(fmt::format("{} answered {} bytes that nobody wrote: {}", where,
                                    seen.body.size(), seen.body.substr(0, 40)));
    return;
  }
  const auto& [etag, tag] = found->second;
  if (header_of(seen, "etag") != etag)
    mistakes_.push_back(fmt::format("{} answered the ETag {} for bytes of {}", where,
                                    header_of(seen, "etag"), etag));
  if (header_of(seen, "x-amz-meta-tag") != tag)
    mistakes_.push_back(fmt::format("{} answered the metadata '{}' for bytes of '{}'", where,
                                    header_of(seen, "x-amz-meta-tag"), tag));
}

std::size_t s3_history::begin_read(const std::string& path) {
  register_operation one;
  one.called = cluster_.time().now();
  histories_[path].push_back(one);
  return histories_[path].size() - 1;
}

bool s3_history::read_answered(const std::string& what, const answer& seen) {
  const auto answered = seen.status == 200 || seen.status == 404;
  ++counts_[answered ? "reads answered" : "reads failed"];
  if (!answered && !unknown(seen.status))
    mistakes_.push_back(fmt::format("{} answered {} {}", what, seen.status, seen.body));
  return answered;
}

void s3_history::end_read(const node_id& through, const std::string& path, std::size_t at,
                          const answer& seen) {
  if (!read_answered("GET " + path, seen)) return;
  auto& one = histories_[path][at];
  one.answered = cluster_.time().now();
  if (seen.status == 404) {
    seen_.erase(path);
    return;
  }
  one.called -= staleness_;
  one.value = seen.body.empty() ? id_by(header_of(seen, "etag"), header_of(seen, "x-amz-meta-tag"))
                                : id_of(seen.body);
  check_bytes("GET " + path + " through " + through, *one.value, seen);
  if (written_.contains(*one.value)) seen_[path] = *one.value;
}

void s3_history::get(const node_id& through, const std::string& path, on_answer done) {
  const auto at = begin_read(path);
  cluster_.send(through, "GET", path, "", "",
                [this, through, path, at, done = std::move(done)](const answer& seen) {
                  end_read(through, path, at, seen);
                  done(seen);
                });
}

/// Neither names bytes alone: a completed upload's ETag is none of their sums.
std::string s3_history::id_by(const std::string& etag, const std::string& tag) const {
  const auto found = std::find_if(written_.begin(), written_.end(), [&](const auto& each) {
    return each.second.etag == etag && each.second.tag == tag;
  });
  return found == written_.end() ? etag : found->first;
}

void s3_history::end_head(const node_id& through, const std::string& path, std::size_t at,
                          const answer& seen) {
  const auto what = "HEAD " + path + " through " + through;
  if (!read_answered(what, seen)) return;
  auto& one = histories_[path][at];
  one.answered = cluster_.time().now();
  if (seen.status == 404) return;
  one.called -= staleness_;
  const auto etag = header_of(seen, "etag"), tag = header_of(seen, "x-amz-meta-tag");
  one.value = id_by(etag, tag);
  if (!written_.contains(*one.value))
    mistakes_.push_back(
        fmt::format("{} answered the ETag {} with the metadata '{}'", what, etag, tag));
}

void s3_history::head(const node_id& through, const std::string& path, on_answer done) {
  const auto at = begin_read(path);
  cluster_.send(through, "HEAD", path, "", "",
                [this, through, path, at, done = std::move(done)](const answer& seen) {
                  end_head(through, path, at, seen);
                  done(seen);
                });
}

void s3_history::read_all() {
  const auto open = std::make_shared<std::size_t>(0);
  std::vector<std::string> paths;
  for (const auto& [path, history] : histories_)
    paths.push_back(path);
  for (const auto& path : paths)
    for (const auto& name : cluster_.access_nodes()) {
      ++*open;
      get(name, path, [this, open, path, name](const answer& seen) {
        --*open;
        if (seen.status != 200 && seen.status != 404)
          mistakes_.push_back(
              fmt::format("GET {} through {} answered {} though the cluster is whole", path, name,
                          seen.status));
      });
      // A few at a time: the bound of an access node is not what is tried here.
      cluster_.time().run_until([open] { return *open < 8; }, std::chrono::seconds(60));
    }
  cluster_.time().run_until([open] { return *open == 0; }, std::chrono::seconds(60));
}

// ---- judgement ----

std::vector<std::string> s3_history::judge_all(std::size_t states_max) const {
  std::vector<std::string> wrong;
  undecided_ = 0;
  for (const auto& [path, all] : histories_) {
    auto history = all;
    std::erase_if(history, [](const auto& one) { return !one.writes && !one.answered; });
    const auto said = judge(history, states_max);
    if (said == judgement::undecided) ++undecided_;
    if (said == judgement::wrong)
      wrong.push_back("no order explains the history of " + path + to_text(history));
  }
  return wrong;
}

std::string to_text(const std::vector<register_operation>& history) {
  using condition = register_operation::condition;
  std::string text;
  for (const auto& one : history) {
    text += fmt::format(
        "\n    {:9.3f} to {:>9} s: ", static_cast<double>(one.called.count()) / 1e9,
        one.answered ? fmt::format("{:.3f}", static_cast<double>(one.answered->count()) / 1e9)
                     : "?");
    if (one.writes || one.when == condition::none)
      text += (one.writes ? "writes " : "reads ") + brief(one.value);
    if (one.when == condition::none) continue;
    text += one.writes ? " if " : "refused, is ";
    text += one.when == condition::one_of ? "one of" : "none of";
    for (const auto& value : one.before)
      text += " " + brief(value);
  }
  return text;
}

}  // namespace dunlin::testkit
