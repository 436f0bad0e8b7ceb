/// S3 HISTORY: requests of virtual S3 clients for objects, kept as one history a key: what was
/// asked, when, and what is known of its outcome. Two things are judged: whether some order of all
/// operations of a key explains them (linearizable.hpp: so nothing acknowledged is lost, nothing
/// stale is read, no retry takes effect twice), and whether each answer by itself is right: bytes
/// that somebody wrote, with the ETag and the metadata that they were written with.
#pragma once

#include "apps/testkit/linearizable.hpp"
#include "apps/testkit/virtual_cluster.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::testkit {

enum class write_condition : std::uint8_t {
  none,
  absent,   ///< If-None-Match: *
  matches,  ///< If-Match: the ETag that was last seen under this key; none seen: no condition
};

/// A part list in XML, as CompleteMultipartUpload wants it.
std::string completion_xml(const std::vector<std::string>& etags);

class s3_history {
public:
  using answer = virtual_cluster::answer;
  using on_answer = virtual_cluster::on_answer;

  explicit s3_history(virtual_cluster& cluster);

  /// `path` is "/bucket/key". Bodies differ from each other, or reads could not tell them apart.
  void put(const node_id& through, const std::string& path, const std::string& body,
           write_condition when, on_answer done);
  /// The same from a client that stops after `first` bytes for a while: collectors may come by.
  struct stop {
    std::size_t first = 0;
    std::chrono::milliseconds pause{0};
  };
  void put_slowly(const node_id& through, const std::string& path, const std::string& body,
                  stop where, on_answer done);
  /// An empty object, known by its metadata: it has no pages, so that a partition alone takes it.
  /// For keys without conditional writes, because all of them share one ETag.
  void put_mark(const node_id& through, const std::string& path, on_answer done);
  void get(const node_id& through, const std::string& path, on_answer done);
  /// The same without the bytes, which its ETag and metadata stand for: asks the partition alone.
  void head(const node_id& through, const std::string& path, on_answer done);
  void remove(const node_id& through, const std::string& path, on_answer done);
  /// Several keys of one bucket with one request.
  void remove_many(const node_id& through, const std::string& bucket,
                   const std::vector<std::string>& keys, on_answer done);
  /// Completes an upload whose parts are `parts`; `tag` is the metadata it was begun with.
  void complete(const node_id& through, const std::string& path, const std::string& query,
                const std::vector<std::string>& parts, const std::string& tag, on_answer done);

  /// What an upload must be begun with so that complete() can say the tag.
  static http::header tag_header(const std::string& tag) { return {"x-amz-meta-tag", tag}; }

  /// Reads every key through every node that serves S3: call when the cluster is whole.
  void read_all();

  /// Answers that are wrong by themselves, in the order in which they came.
  const std::vector<std::string>& mistakes() const { return mistakes_; }
  /// Keys whose histories no order explains; looks at no more than `states_max` states of each.
  std::vector<std::string> judge_all(std::size_t states_max) const;
  /// How many were too hard to judge within the bound of the last judge_all().
  std::size_t undecided() const { return undecided_; }

  const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

  /// By path.
  using history = std::vector<register_operation>;
  const std::map<std::string, history>& histories() const { return histories_; }

private:
  struct written {
    std::string etag, tag;
  };
  /// What the body is known by from now on, and the metadata that goes with it.
  std::string note_body(const std::string& body);
  on_answer expect_etag(const std::string& path, const std::string& id, std::size_t at,
                        on_answer done);
  std::size_t begin_write(const std::string& path, std::optional<std::string> id,
                          write_condition when, const std::string& match);
  void end_write(const std::string& path, std::size_t at, const answer& seen);
  void refused(const std::string& path, register_operation& one, int status);
  std::size_t begin_read(const std::string& path);
  void end_read(const node_id& through, const std::string& path, std::size_t at,
                const answer& seen);
  void end_head(const node_id& through, const std::string& path, std::size_t at,
                const answer& seen);
  /// What is known by this ETag with this metadata; nothing: the ETag itself.
  std::string id_by(const std::string& etag, const std::string& tag) const;
  /// False: it says nothing about the object.
  bool read_answered(const std::string& what, const answer& seen);
  void check_bytes(const std::string& where, const std::string& id, const answer& seen);
  void expect_status(const std::string& what, const answer& seen, std::initializer_list<int> fine);

  virtual_cluster& cluster_;
  std::chrono::milliseconds staleness_;  ///< of objects, as the topology promises
  std::map<std::string, history> histories_;
  std::map<std::string, written>
      written_;  // by what names the bytes: their MD5; marks: their number
  std::map<std::string, std::string> seen_;  // path: what was last acknowledged or read there
  std::vector<std::string> mistakes_;
  std::map<std::string, std::uint64_t> counts_;
  std::uint64_t marks_ = 0;
  mutable std::size_t undecided_ = 0;
};

/// For people: one line an operation.
std::string to_text(const std::vector<register_operation>& history);

}  // namespace dunlin::testkit
