#include "runtime/observe/log.hpp"
#include "runtime/observe/metrics.hpp"

#include <gtest/gtest.h>

#include <vector>

using namespace dunlin;

struct Log : testing::Test {
  Log() {
    log::set_sink([this](log::level, const std::string& line) { lines.push_back(line); });
  }
  ~Log() override {
    log::set_sink(nullptr);
    log::set_level(log::level::info);
  }
  std::vector<std::string> lines;
};

TEST_F(Log, WritesOneJsonLineWhateverBytesAFieldHolds) {
  log::info("test.done", {{"text", "a\"b\n\xff"}, {"count", 3}, {"flag", true}});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(
      lines[0].find(R"("event":"test.done","text":"a\"b\u000a\u00ff","count":3,"flag":true})"),
      std::string::npos)
      << lines[0];
}

TEST_F(Log, DropsWhatIsBelowItsLevel) {
  log::debug("test.quiet");
  EXPECT_TRUE(lines.empty());
  log::set_level(log::level::debug);
  log::debug("test.loud");
  EXPECT_EQ(lines.size(), 1u);
}

TEST(Metrics, CountsUnderOneNameAndShowsPrometheusText) {
  metrics registry;
  registry.counter("dunlin_test_things_total", "Things.", {{"kind", "a"}}).add();
  registry.counter("dunlin_test_things_total", "Things.", {{"kind", "a"}}).add(2);
  registry.gauge("dunlin_test_level", "Level.").set(7);
  EXPECT_NE(registry.text().find("dunlin_test_things_total{kind=\"a\"} 3"), std::string::npos);
  EXPECT_NE(registry.text().find("dunlin_test_level 7"), std::string::npos);
}
