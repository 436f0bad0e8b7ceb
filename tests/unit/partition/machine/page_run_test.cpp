#include "actors/partition/machine/page_run.hpp"

#include "tests/unit/partition/machine/machine_fixture.hpp"

using namespace dunlin;
using namespace dunlin::testing_machine;

static v1::PageRun run_of(std::uint64_t first, std::uint64_t pages, std::uint32_t set = 0) {
  v1::PageRun run;
  run.set_replica_set(set);
  run.set_first_page(id16(first));
  run.set_page_bytes(100);
  run.set_length(pages * 100 - 1);
  return run;
}

TEST(PageRun, NeverGoesBeyondTheLastIdOfAll) {
  auto run = run_of(1, 2);
  run.set_first_page(std::string(16, '\xff'));
  EXPECT_EQ(page_run::last_page(run), std::nullopt);
  run.set_length(100);
  EXPECT_EQ(page_run::last_page(run), run.first_page());
  run.set_first_page("short");
  EXPECT_EQ(page_run::last_page(run), std::nullopt);
}

TEST(PageRun, TheLastPageMayBeShort) {
  EXPECT_EQ(page_run::pages(run_of(10, 3)), 3u);
  EXPECT_EQ(page_run::last_page(run_of(10, 3)), id16(12));
  auto full = run_of(10, 3);
  full.set_length(300);
  EXPECT_EQ(page_run::last_page(full), id16(12));
  full.set_length(301);
  EXPECT_EQ(page_run::last_page(full), id16(13));
}

TEST(PageRun, OverlapsOnlyInTheSameSet) {
  EXPECT_TRUE(page_run::overlap(run_of(10, 3), run_of(12, 1)));
  EXPECT_FALSE(page_run::overlap(run_of(10, 3), run_of(13, 1)));
  EXPECT_FALSE(page_run::overlap(run_of(10, 3), run_of(10, 3, 1)));
}

TEST(PageRun, ALayoutFitsWhenItsRunsHoldTheBytesAndDoNotMeet) {
  v1::Layout layout;
  EXPECT_TRUE(page_run::fits(layout, 0));
  EXPECT_FALSE(page_run::fits(layout, 1));
  *layout.add_runs() = run_of(20, 2);
  *layout.add_runs() = run_of(10, 3);
  EXPECT_TRUE(page_run::fits(layout, 199 + 299));
  EXPECT_FALSE(page_run::fits(layout, 199));
  *layout.add_runs() = run_of(12, 1);
  EXPECT_FALSE(page_run::fits(layout, 199 + 299 + 99));
}

TEST(PageRun, NoRunIsTooLargeToCount) {
  v1::Layout layout;
  auto run = run_of(1, 1);
  run.set_length(UINT64_MAX);
  *layout.add_runs() = run;
  EXPECT_FALSE(page_run::fits(layout, UINT64_MAX));
}
