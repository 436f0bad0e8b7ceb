#include "runtime/simulation/sim_http.hpp"

#include <gtest/gtest.h>

#include <vector>

using namespace dunlin;
using namespace dunlin::simulation;

struct SimHttp : testing::Test {
  std::shared_ptr<sim_exchange> ask(std::string method, std::deque<std::string> body = {},
                                    std::optional<ec> failure = {}) {
    sim_request request;
    request.head.method = std::move(method);
    request.body = std::move(body);
    request.body_failure = failure;
    return sim_exchange::make(
        std::move(request), [this](auto task) { queue.push_back(std::move(task)); },
        [this](const sim_response& seen) { heard = seen; });
  }
  void run() {
    while (!queue.empty()) {
      auto task = std::move(queue.front());
      queue.erase(queue.begin());
      task();
    }
  }
  result<std::string> read(sim_exchange& from, std::size_t size) {
    std::optional<result<std::string>> got;
    from.read(size, [&](result<std::string> part) { got = std::move(part); });
    EXPECT_FALSE(got) << "called back from inside the call";
    run();
    return *got;
  }
  result<void> outcome = ec::unavailable;
  std::function<void(result<void>)> note() {
    return [this](result<void> of) { outcome = of; };
  }
  static buffer bytes(std::string of) { return std::make_shared<const std::string>(std::move(of)); }

  std::vector<std::function<void()>> queue;
  std::optional<sim_response> heard;
};

TEST_F(SimHttp, GivesTheBodyInPiecesAndThenItsEnd) {
  auto asked = ask("PUT", {"hello", "", " world"});
  EXPECT_EQ(read(*asked, 3).value(), "hel");
  EXPECT_EQ(read(*asked, 100).value(), "lo");
  EXPECT_EQ(read(*asked, 100).value(), " world");
  EXPECT_EQ(read(*asked, 100).value(), "");
  EXPECT_EQ(asked->body_bytes_read(), 11u);
}

TEST_F(SimHttp, PlaysASlowOrVanishedClient) {
  EXPECT_EQ(read(*ask("PUT", {}, ec::timed_out), 1).error(), ec::timed_out);
  auto gone = ask("PUT", {"x"});
  gone->hang_up();
  EXPECT_EQ(read(*gone, 1).error(), ec::closed);
}

TEST_F(SimHttp, RecordsAnAnswerInParts) {
  auto asked = ask("GET");
  asked->respond({200, {{"ETag", "x"}}, 4}, bytes("ab"), note());
  run();
  EXPECT_TRUE(outcome);
  EXPECT_FALSE(heard);
  asked->write(bytes("cd"), note());
  run();
  ASSERT_TRUE(heard);
  EXPECT_TRUE(heard->finished);
  EXPECT_EQ(heard->body, "abcd");
  EXPECT_EQ(heard->header("etag"), "x");
}

TEST_F(SimHttp, FinishesHeadAndEmptyAnswersAtOnce) {
  ask("HEAD")->respond({200, {}, 10}, nullptr, note());
  run();
  EXPECT_TRUE(heard->finished && !heard->cut);
  heard.reset();
  ask("GET")->respond({200, {}, 0}, nullptr, note());
  run();
  EXPECT_TRUE(heard->finished && !heard->cut);
}

TEST_F(SimHttp, ShowsACutWhenDroppedUnfinished) {
  auto asked = ask("GET");
  asked->respond({200, {}, 10}, bytes("half"), note());
  asked.reset();
  run();
  EXPECT_TRUE(heard->cut && !heard->finished);
}

TEST_F(SimHttp, CutsAnAnswerThatIsLongerThanAnnounced) {
  auto asked = ask("GET");
  asked->respond({200, {}, 3}, bytes("four"), note());
  run();
  EXPECT_EQ(outcome.error(), ec::invalid_argument);
  EXPECT_TRUE(heard->cut);
}

TEST_F(SimHttp, RefusesASecondAnswer) {
  auto asked = ask("GET");
  asked->respond({200, {}, 0}, nullptr, note());
  asked->respond({500, {}, 0}, nullptr, note());
  run();
  EXPECT_EQ(outcome.error(), ec::closed);
  EXPECT_EQ(heard->head->status, 200);
}
