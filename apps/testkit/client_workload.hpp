/// CLIENT WORKLOAD: virtual S3 clients that do everything there is to do with objects: each has
/// keys of its own, and all meet at a few hot ones, through different nodes. Writes with and
/// without conditions, deletes of one and of many, reads, multipart uploads that are completed,
/// completed twice, aborted or left behind, uploads that break off in the middle, and listings page
/// by page. What is right is judged by s3_history and check_listing.
#pragma once

#include "apps/testkit/listing_check.hpp"
#include "apps/testkit/s3_history.hpp"

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct client_options {
  std::string bucket = "work";  ///< exists
  int clients = 6;
  int own_keys = 4;  ///< of each client
  int hot_keys = 3;  ///< of all
  int operations = 300;
  std::chrono::milliseconds pause_max{4500};  ///< of a client, between two operations
  std::chrono::milliseconds hurry_max{400};   ///< the same while they hurry
  std::size_t bytes_max = 3000;               ///< of most objects
  int large_max = 3;                          ///< objects of several pages: they cost CPU
  /// Where crowds meet: each is in some partition, and a fault hits one.
  std::vector<std::string> crowd_buckets{"work"};
  int crowd_max = 500;                      ///< visitors of all crowds
  std::chrono::milliseconds crowd_gap{40};  ///< at most, between two visitors
};

class client_workload {
public:
  client_workload(virtual_cluster& cluster, client_options options = {});

  /// Starts the clients; they go on in virtual time until all operations are through.
  void begin();
  bool finished() const { return open_ == 0; }
  /// No further operation begins.
  void stop() {
    options_.operations = started_;
    stopped_ = true;
  }

  /// For so long all clients are busy, most of them with one key that all of them know: what is
  /// stale or done twice shows where somebody looks at once. And a crowd comes: clients of one
  /// request each, about a new key, who do not wait for one another. Clients who do soon all hang
  /// on what was cut off, and nobody is left to see what the rest of the cluster does.
  void hurry(std::chrono::milliseconds length);

  /// Reads and lists everything once more: call when the cluster is whole.
  void read_all();

  const s3_history& history() const { return history_; }
  /// Of listings.
  const std::vector<std::string>& mistakes() const { return mistakes_; }

private:
  struct upload {
    std::string path, query, tag;
    std::vector<std::string> parts;
  };
  struct page_walk {
    listing seen;
    std::string token;
    unsigned items_max = 0;
    bool failed = false;
  };
  using walk_ptr = std::shared_ptr<page_walk>;

  void next(int client);
  void act(int client, std::uint64_t dice);
  void act_in_hurry(int client, std::uint64_t dice);
  bool hurries() const;
  void read(int client, const std::string& path);
  void gather_crowd(std::chrono::milliseconds length);
  void visit(const std::string& path, std::uint64_t dice);
  void visit_to_write(const node_id& through, const std::string& path, std::uint64_t dice);
  void put(int client);
  void put_slowly(int client);
  void break_off(int client);
  void remove_many(int client);
  void begin_upload(int client);
  void send_part(int client, std::shared_ptr<upload> it, int attempts);
  void end_upload(int client, const std::shared_ptr<upload>& it);
  void list(int client);
  void list_page(const walk_ptr& it, const std::function<void()>& done);
  void walked(const page_walk& it);
  void finish(int client);
  void pause(int client);
  node_id any_node() { return cluster_.any_access_node(random_); }
  /// As real clients do, each stays with one node most of the time.
  node_id node_of(int client);
  std::string own_key(int client);
  std::string any_path(int client);
  std::string make_body();
  std::string path(const std::string& key) const { return "/" + options_.bucket + "/" + key; }

  virtual_cluster& cluster_;
  client_options options_;
  std::mt19937_64 random_;
  s3_history history_;
  int started_ = 0;
  int open_ = 0;
  int large_ = 0;
  int crowds_ = 0;
  int visitors_ = 0;
  std::map<node_id, int> crowd_writes_;  // without an answer, by node
  bool stopped_ = false;
  std::uint64_t values_ = 0;
  std::vector<std::uint64_t> waits_;  // of each client: which pause it is in, so that one can end
  std::set<int> idle_;
  std::chrono::nanoseconds hurries_until_{0};
  std::string hot_path_;
  std::vector<std::string> mistakes_;
};

}  // namespace dunlin::testkit
