#include "apps/testkit/race_workload.hpp"

#include "apps/testkit/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dunlin::testkit {

namespace {

bool unknown(int status) { return status == 0 || status >= 500; }

}  // namespace

race_workload::race_workload(virtual_cluster& cluster, race_options options)
    : cluster_(cluster), options_(std::move(options)), random_(cluster.seed() + 77) {}

node_id race_workload::any_node() { return cluster_.any_access_node(random_); }

void race_workload::next() {
  if (started_ >= options_.rounds) {
    finished_ = true;
    return;
  }
  const auto number = started_++;
  if (number < options_.uploads) return upload_round();
  number % 2 == 0 ? conditional_round() : bucket_round();
}

void race_workload::end_round() {
  cluster_.time().events().after(options_.pause, [this] { next(); });
}

// ---- If-None-Match: * ----

void race_workload::conditional_round() {
  auto it = std::make_shared<round>();
  it->path = fmt::format("/{}/race-{}", options_.bucket, started_);
  it->open = 3;
  for (std::size_t i = 0; i < it->open; ++i) {
    it->contestants.push_back({fmt::format("race {} contestant {}", started_, i)});
    cluster_.send(any_node(), "PUT", it->path, "", it->contestants.back().value,
                  [this, it, i](const answer& seen) {
                    it->contestants[i].status = seen.status;
                    if (--it->open > 0) return;
                    judge_conditional(*it);
                    end_round();
                  },
                  {{"If-None-Match", "*"}});
  }
}

void race_workload::judge_conditional(const round& it) {
  std::set<std::optional<std::string>> winners, doubtful;
  bool refused = false;
  std::string statuses;
  for (const auto& one : it.contestants) {
    statuses += " " + std::to_string(one.status);
    if (one.status == 200) winners.insert(one.value);
    if (unknown(one.status)) doubtful.insert(one.value);
    refused = refused || one.status == 412;
  }
  if (doubtful.empty()) ++decided_;
  if (winners.size() > 1 || (winners.empty() && doubtful.empty()))
    mistakes_.push_back("If-None-Match: * at " + it.path + " answered" + statuses);
  if (winners.empty() && !refused) doubtful.insert(std::nullopt);
  possible_[it.path] = winners.empty() ? doubtful : winners;
}

// ---- a bucket that goes while an object comes ----

void race_workload::bucket_round() {
  const auto bucket = fmt::format("race-{}", started_);
  cluster_.send(any_node(), "PUT", "/" + bucket, "", "", [this, bucket](const answer& seen) {
    if (seen.status != 200) return end_round();
    if (random_() % 3 > 0) return race_for_bucket(bucket);
    // An upload that is open goes with its bucket.
    cluster_.send(any_node(), "POST", "/" + bucket + "/upload", "uploads=", "",
                  [this, bucket](const answer&) { race_for_bucket(bucket); });
  });
}

void race_workload::race_for_bucket(const std::string& bucket) {
  auto it = std::make_shared<round>();
  it->path = "/" + bucket + "/object";
  it->open = 2;
  it->contestants.resize(2);
  it->contestants[0].value = "kept of " + bucket;
  const auto ended = [this, it, bucket](std::size_t who) {
    return [this, it, bucket, who](const answer& seen) {
      it->contestants[who].status = seen.status;
      if (--it->open > 0) return;
      judge_bucket(bucket, *it);
      end_round();
    };
  };
  cluster_.send(any_node(), "PUT", it->path, "", it->contestants[0].value, ended(0));
  const auto wait = std::chrono::milliseconds(random_() % 12);
  cluster_.time().events().after(wait, [this, bucket, ended] {
    cluster_.send(any_node(), "DELETE", "/" + bucket, "", "", ended(1));
  });
}

void race_workload::judge_bucket(const std::string& bucket, const round& it) {
  const auto put = it.contestants[0].status, removed = it.contestants[1].status;
  if (!unknown(put) && !unknown(removed)) ++decided_;
  if (put == 200 && removed == 204)
    mistakes_.push_back(bucket + " was deleted though it had taken an object");
  if (!unknown(put) && !unknown(removed) && put != 200 && removed != 204)
    mistakes_.push_back(
        fmt::format("{}: PUT answered {} and DELETE {}: nobody won", bucket, put, removed));
  auto& possible = possible_[it.path];
  if (put == 200 || (unknown(put) && removed != 204)) possible.insert(it.contestants[0].value);
  if (put != 200) possible.insert(std::nullopt);
}

// ---- parts at once ----

void race_workload::upload_round() {
  auto it = std::make_shared<upload>();
  it->path = fmt::format("/{}/upload-{}", options_.bucket, started_);
  possible_[it->path] = {std::nullopt};
  cluster_.send(any_node(), "POST", it->path, "uploads=", "", [this, it](const answer& seen) {
    const auto id = between(seen.body, "<UploadId>", "</UploadId>");
    if (seen.status != 200 || id.empty()) return end_round();
    it->query = "uploadId=" + id;
    send_parts(it);
  });
}

void race_workload::send_parts(const upload_ptr& it) {
  it->first.assign((5u << 20) + random_() % 1000, static_cast<char>('a' + random_() % 26));
  it->second.assign(1 + random_() % 300'000, static_cast<char>('a' + random_() % 26));
  for (int i = 0; i < 2; ++i)
    cluster_.send(any_node(), "PUT", it->path, fmt::format("partNumber={}&{}", i + 1, it->query),
                  i == 0 ? it->first : it->second, [this, it, i](const answer& seen) {
                    for (const auto& header : seen.headers)
                      if (seen.status == 200 && header.name == "ETag") it->etags[i] = header.value;
                    if (--it->open == 0) complete(it);
                  });
}

void race_workload::complete(const upload_ptr& it) {
  if (it->etags[0].empty() || it->etags[1].empty())
    return cluster_.send(any_node(), "DELETE", it->path, it->query, "",
                         [this](const answer&) { end_round(); });
  std::string body = "<CompleteMultipartUpload>";
  for (int i = 0; i < 2; ++i)
    body +=
        fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i + 1, it->etags[i]);
  const auto whole = it->first + it->second;
  possible_[it->path].insert(whole);
  cluster_.send(any_node(), "POST", it->path, it->query, body + "</CompleteMultipartUpload>",
                [this, it, whole](const answer& seen) {
                  if (seen.status == 200 && seen.body.find("<ETag>") != std::string::npos) {
                    possible_[it->path] = {whole};
                    ++decided_;
                  } else if (!unknown(seen.status) && seen.status != 200) {
                    mistakes_.push_back(fmt::format("completing {} answered {} {}", it->path,
                                                    seen.status, seen.body));
                  }
                  end_round();
                });
}

// ---- at the end ----

void race_workload::check_all() {
  for (const auto& [path, possible] : possible_) {
    const auto before = mistakes_.size();
    for (const auto& name : cluster_.access_nodes())
      if (cluster_.runs(name) && mistakes_.size() == before)
        check_path(name, path, possible_[path]);
  }
}

void race_workload::check_path(const node_id& through, const std::string& path,
                               const std::set<std::optional<std::string>>& possible) {
  const auto seen = cluster_.call(through, "GET", path);
  if (seen.status != 200 && seen.status != 404) {
    mistakes_.push_back(fmt::format("GET {} through {} answered {} though the cluster is whole",
                                    path, through, seen.status));
    return;
  }
  const auto value = seen.status == 200 ? std::optional(seen.body) : std::optional<std::string>();
  if (!possible.contains(value)) {
    mistakes_.push_back(fmt::format("GET {} through {} answered {} {}", path, through, seen.status,
                                    seen.body.substr(0, 60)));
    return;
  }
  possible_[path] = {value};  // what one node says the others must say
}

}  // namespace dunlin::testkit
