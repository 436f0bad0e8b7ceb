#include "apps/dunlin/cache_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace dunlin;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

topology::cluster two_nodes() {
  topology::cluster of;
  for (const auto* name : {"n1", "n2"}) {
    auto& node = of.nodes.emplace_back();
    node.name = name;
    node.roles = {topology::role::access, topology::role::queue};
  }
  return of;
}

assembly::coherence_status as_in_the_file(const std::string& name) {
  const topology::cache_settings file;
  assembly::cache_coherence cache{1, "bucket", "bounded", {}};
  cache.count["staleness_max_ms"][""] = 1000;
  cache.count["time_to_live_ms"][""] = 300'000;
  cache.count["items_max"][""] = file.items_max;
  cache.count["bytes_max"][""] = file.bytes_max;
  cache.count["values"][""] = 1;
  return {name, {}, {}, {cache}};
}

}  // namespace

TEST(CacheView, ShowsParametersAndMarksWhatIsNotAsInTheFile) {
  auto changed = as_in_the_file("n2");
  changed.caches[0].count["staleness_max_ms"][""] = 500;
  changed.caches[0].mode = "validated";
  const auto text =
      commands::parameters_text(two_nodes(), {{as_in_the_file("n1"), {}}, {changed, {}}});
  EXPECT_THAT(text, HasSubstr("s3 "));
  EXPECT_THAT(text, HasSubstr("500ms*"));
  EXPECT_THAT(text, HasSubstr("validated*"));
  EXPECT_THAT(text, HasSubstr("64MiB "));
  EXPECT_THAT(text, HasSubstr("when it starts again the file rules"));
  EXPECT_THAT(commands::parameters_text(two_nodes(), {{as_in_the_file("n1"), {}}}),
              Not(HasSubstr("*")));
}

TEST(CacheView, WithoutQueuesBucketsAreValidatedWhateverTheFileSays) {
  auto of = two_nodes();
  for (auto& node : of.nodes)
    node.roles = {topology::role::access};
  auto status = as_in_the_file("n1");
  status.caches[0].mode = "validated";
  EXPECT_THAT(commands::parameters_text(of, {{status, {}}}), Not(HasSubstr("*")));
}

TEST(CacheView, Q16TellsPerNodeAndServiceWhatHappened) {
  assembly::cache_change_status done{"n1", {{1, "bucket", ""}, {2, "bucket", "invalid argument"}}};
  const std::vector<commands::cache_change_answer> answers = {{done, {}}, {{}, "timed out"}};
  const auto text = commands::changes_text(two_nodes(), answers, "dropped");
  EXPECT_THAT(text, HasSubstr("s3          bucket       dropped\n"));
  EXPECT_THAT(text, HasSubstr("management  bucket       FAILED: invalid argument\n"));
  EXPECT_THAT(text, HasSubstr("n2           FAILED: timed out\n"));
  EXPECT_FALSE(commands::all_changed(answers));
}

TEST(CacheView, AnInstructionThatConcernsNobodyIsNotDone) {
  const assembly::cache_change_status nobody{"n2", {}}, done{"n1", {{1, "bucket", ""}}};
  EXPECT_FALSE(commands::all_changed({{nobody, {}}}));
  EXPECT_TRUE(commands::all_changed({{done, {}}, {nobody, {}}}));
  EXPECT_THAT(commands::changes_text(two_nodes(), {{done, {}}, {nobody, {}}}, "set"),
              HasSubstr("n2           has no such near cache\n"));
}
