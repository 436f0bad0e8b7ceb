/// A balancer's core with four access nodes, and words for tests of it.
#pragma once

#include "actors/balancer/balancer_core.hpp"
#include "runtime/crypto/random.hpp"
#include "tests/support/effects.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace dunlin::tests {

class balancer_fixture : public testing::Test {
protected:
  using core_type = balancer_core;
  using effects = balancer_core::effects;
  using refusal = balancer_core::refusal;

  balancer_fixture() {
    settings.choose.retry_hint = std::chrono::seconds(1);
    core.set_settings(settings);
    core.set_nodes({{"a", {"east"}}, {"b", {"east"}}, {"c", {"west"}}, {"d", {"west"}}});
  }
  ~balancer_fixture() override { EXPECT_EQ(core.broken(now), ""); }

  template <class Effect>
  static Effect the(const effects& all) {
    const auto found = support::only<Effect>(all);
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? Effect{} : found.front();
  }
  template <class Effect>
  static bool has(const effects& all) {
    return !support::only<Effect>(all).empty();
  }

  static balancer_core::offer_reply yes(std::uint64_t connection = 7) {
    return {true, refusal::none, connection, "token", {}};
  }
  static balancer_core::offer_reply no(refusal why = refusal::over) {
    return {false, why, 0, {}, {}};
  }

  balancer_core::offer first(std::uint64_t line = 1) {
    return the<balancer_core::offer>(core.on_first_bytes(now, line));
  }
  effects reply(const balancer_core::offer& to, balancer_core::offer_reply what) {
    return core.on_offer_reply(now, to.serial, std::move(what));
  }
  /// Placed; on which node.
  node_id place(std::uint64_t line, std::uint64_t connection) {
    const auto asked = first(line);
    const auto to = the<balancer_core::attach>(reply(asked, yes(connection)));
    EXPECT_TRUE(core.on_attached(now, line, to.serial, true).empty());
    return to.node;
  }

  crypto::seeded_random random{11};
  balance::settings settings;
  balancer_core core{{}, "west", random};
  balancer_core::time now{0};
};

}  // namespace dunlin::tests
