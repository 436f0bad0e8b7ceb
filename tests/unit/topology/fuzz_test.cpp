#include "runtime/topology/topology.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

using namespace dunlin;

namespace {

std::string shipped() {
  std::ostringstream text;
  text << std::ifstream{DUNLIN_SOURCE_DIR "/tools/topologies/laptop.toml"}.rdbuf();
  return text.str();
}

/// One to four small changes: a byte, a deletion, a line twice, two lines swapped.
std::string mutated(std::string text, std::mt19937_64& random) {
  const auto below = [&](std::size_t bound) { return random() % std::max<std::size_t>(bound, 1); };
  for (auto changes = 1 + below(4); changes > 0; --changes) {
    const auto at = below(text.size());
    switch (below(4)) {
      case 0: text[at] = static_cast<char>(random()); break;
      case 1: text.erase(at, 1 + below(20)); break;
      case 2: text.insert(at, text.substr(below(text.size()), below(40))); break;
      default: text[at] = "\"'[]{}=.,#\n-0"[below(13)];
    }
    if (text.empty()) text = "x";
  }
  return text;
}

}  // namespace

TEST(TopologyFuzz, EveryTextIsReadOrAnsweredWithAMistakeInItsLines) {
  std::mt19937_64 random{4711};
  const auto text = shipped();
  ASSERT_FALSE(text.empty());
  for (int i = 0; i < 3000; ++i) {
    const auto broken = mutated(text, random);
    const auto outcome = topology::read_text(broken, "/t.toml");
    ASSERT_NE(outcome.read.has_value(), !outcome.mistakes.empty()) << broken;
    const auto lines = 1 + std::count(broken.begin(), broken.end(), '\n');
    for (const auto& mistake : outcome.mistakes) {
      ASSERT_FALSE(mistake.mend.empty()) << mistake.render();
      ASSERT_LE(mistake.line, lines + 1) << mistake.render();
    }
    if (!outcome.read) continue;
    ASSERT_FALSE(outcome.read->partition_nodes(0).empty());
  }
}
