/// RACE WORKLOAD: clients that meet at one key or bucket, through different nodes: conditional
/// writes of which one may win, a bucket that is deleted while it gets an object, parts that are
/// uploaded at once. Each round has a key or bucket of its own; its outcome is judged when all
/// answers are there, and once more at the end.
#pragma once

#include "apps/testkit/virtual_cluster.hpp"

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct race_options {
  std::string bucket = "work";  ///< exists
  int rounds = 12;
  int uploads = 1;  ///< of them multipart: a part has 5 MiB at least
  std::chrono::milliseconds pause{300};
};

class race_workload {
public:
  race_workload(virtual_cluster& cluster, race_options options = {});

  /// One round after the other, as virtual time goes by.
  void begin() { next(); }
  bool finished() const { return finished_; }

  /// Reads everything again through every node: call when the cluster is whole.
  void check_all();
  const std::vector<std::string>& mistakes() const { return mistakes_; }
  /// Rounds in which every contestant got an answer.
  int decided() const { return decided_; }

private:
  using answer = virtual_cluster::answer;
  struct contestant {
    std::string value;
    int status = 0;
  };
  struct round {
    std::string path;
    std::vector<contestant> contestants;
    std::size_t open = 0;
  };
  using round_ptr = std::shared_ptr<round>;
  struct upload {
    std::string path, query, first, second;
    std::string etags[2];
    int open = 2;
  };
  using upload_ptr = std::shared_ptr<upload>;

  void next();
  void end_round();
  node_id any_node();
  void conditional_round();
  void judge_conditional(const round& it);
  void bucket_round();
  void race_for_bucket(const std::string& bucket);
  void judge_bucket(const std::string& bucket, const round& it);
  void upload_round();
  void send_parts(const upload_ptr& it);
  void complete(const upload_ptr& it);
  void check_path(const node_id& through, const std::string& path,
                  const std::set<std::optional<std::string>>& possible);

  virtual_cluster& cluster_;
  race_options options_;
  std::mt19937_64 random_;
  int started_ = 0;
  int decided_ = 0;
  bool finished_ = false;
  std::map<std::string, std::set<std::optional<std::string>>> possible_;  // by path
  std::vector<std::string> mistakes_;
};

}  // namespace dunlin::testkit
