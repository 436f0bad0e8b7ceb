// What the balance driver makes of what clients notice.
#include "apps/bench/balance_figures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dunlin::bench {
namespace {

using testing::HasSubstr;

class Figures : public testing::Test {
protected:
  void answered(std::size_t connection, const std::string& node, double asked, double at,
                bool fresh = false) {
    got said;
    said.status = 200;
    said.node = node;
    said.fresh_connection = fresh;
    figures_.answered(connection, at, at - asked, said, 0.1);
  }
  void failed(std::size_t connection, double asked, double at, bool was_open, int status = 0) {
    got said;
    said.status = status;
    figures_.failed(connection, asked, at, was_open, said);
  }
  void expect(const std::string& what) { EXPECT_THAT(figures_.json(), HasSubstr(what)); }

  figures figures_{{"a", "b", "c"}, {1, 1}, 100, 60};
};

TEST_F(Figures, WhoIsKeptWhenItsAccessNodeIsKilledIsNotLost) {
  answered(1, "a", 10, 10.1, true);
  answered(2, "a", 10, 10.1, true);
  answered(3, "b", 10, 10.1, true);
  figures_.event("kill", 80);
  answered(1, "a", 80, 80.01);   // told to die, and has not yet
  answered(1, "b", 81, 81.02);   // kept
  failed(2, 81, 81.1, true);     // lost
  failed(2, 81.1, 81.2, false);  // and still nobody is there
  answered(2, "b", 81.9, 82, true);
  answered(3, "b", 82, 82.1);
  expect(R"("lost_by_kill": 1, "lost_otherwise": 0)");
  expect(R"("orphaned": 2, "returned": 2, "survived": 1)");
  expect(R"("return_p99_ms": 20.0)");  // of two the lower one
  expect(R"("moves": 0)");
  expect(R"("connect_failures": 1)");
}

TEST_F(Figures, AConnectionThatAnotherAccessNodeHeldIsLostOtherwiseThoughItComesBack) {
  answered(1, "b", 10, 10.1, true);
  failed(1, 12, 12.1, true);
  answered(1, "b", 12.1, 12.2, true);
  figures_.event("kill", 80);
  failed(1, 81, 81.1, true);
  answered(1, "b", 81.1, 81.2, true);
  expect(R"("lost_by_kill": 0, "lost_otherwise": 2)");
  expect(R"("orphaned": 0, "returned": 0, "survived": 0)");
}

TEST_F(Figures, ARefusalIsNoLoss) {
  answered(1, "a", 10, 10.1, true);
  figures_.event("kill", 80);
  failed(1, 81, 81.5, true, 503);
  answered(1, "b", 82, 82.5, true);
  expect(R"("lost_by_kill": 0, "lost_otherwise": 0)");
  expect(R"("orphaned": 1, "returned": 1, "survived": 0)");
  expect(R"("return_p99_ms": 1500.0)");  // since it was first asked
}

}  // namespace
}  // namespace dunlin::bench
