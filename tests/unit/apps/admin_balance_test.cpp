/// GET and POST of /balance and /nodes: settings changed live (B13), nodes that join (F1).
#include "apps/assembly/admin.hpp"
#include "apps/assembly/balance_status.hpp"
#include "apps/assembly/nodes_status.hpp"
#include "messages/error.hpp"
#include "runtime/crypto/random.hpp"
#include "runtime/simulation/sim_http.hpp"
#include "runtime/topology/balance_change.hpp"
#include "tests/support/virtual_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <caf/all.hpp>

using namespace dunlin;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

namespace {

/// The root partition, as far as settings of balancing go.
struct paper_root {
  v1::ClusterMap map;
  bool reachable = true;
  bool somebody_is_faster = false;
};

partition_router_actor::behavior_type paper_router(partition_router_actor::pointer,
                                                   paper_root* root) {
  return {
      [=](const v1::RoutedCommand& wish) -> caf::result<v1::CommandReply> {
        const auto& set = wish.command().set_balance();
        v1::CommandReply reply;
        reply.set_status(v1::CommandReply::PRECONDITION_FAILED);
        if (root->somebody_is_faster || set.expected_version() != root->map.balance_version())
          return reply;
        root->map.set_balance(set.balance());
        root->map.set_balance_version(set.expected_version() + 1);
        reply.set_status(v1::CommandReply::OK);
        return reply;
      },
      [=](const v1::RoutedQuery&) -> caf::result<v1::QueryReply> {
        if (!root->reachable) return make_error(ec::unavailable);
        v1::QueryReply reply;
        *reply.mutable_cluster_map() = root->map;
        return reply;
      },
      [=](const v1::GetMap&) -> caf::result<v1::ClusterMap> { return root->map; },
  };
}

admission_actor::behavior_type paper_admission(admission_actor::pointer) {
  return {[](const v1::OfferConnection&) { return v1::OfferReply{}; },
          [](const v1::PeerIndicators&) {},
          [](const v1::GetAdmissionStatus&) {
            v1::AdmissionStatus status;
            status.mutable_own()->set_level(0.5);
            return status;
          }};
}

struct AdminBalance : testing::Test {
  support::virtual_system world;
  metrics counts;
  paper_root root;
  std::vector<node_id> joined;
  assembly::balance_roles roles;
  topology::cluster cluster;
  http::acceptor plane;

  AdminBalance() {
    cluster.options.name = "test";
    cluster.options.balance.rebalance.trigger = 1.5;
    cluster.nodes.emplace_back().name = "n1";
    roles.router = world.system.spawn(paper_router, &root);
    roles.admission = world.system.spawn(paper_admission);
    balance_source_options source;
    source.from.router = roles.router;
    source.of_file = cluster.options.balance;
    source.read = [file = source.of_file](const std::string& text) {
      return read_settings{topology::apply_balance(file, text).read, "wrong"};
    };
    source.use = [](const balance::settings&, std::uint64_t) {};
    roles.source = world.system.spawn(balance_source, source);
    assembly::admin_options options;
    options.token = "secret-token";
    options.fixed.name = "n1";
    options.topology = cluster;
    options.balance = roles;
    options.nodes = [this] { return cluster.nodes; };
    options.join = [this](const topology::node& node) -> result<void> {
      if (node.roles.contains(topology::role::storage)) return ec::refused;
      joined.push_back(node.name);
      cluster.nodes.push_back(node);
      return {};
    };
    plane = assembly::admin_plane(world.system, counts, std::move(options));
  }
  ~AdminBalance() override {
    for (const auto& one :
         {caf::actor_cast<caf::actor>(roles.source), caf::actor_cast<caf::actor>(roles.admission),
          caf::actor_cast<caf::actor>(roles.router)})
      caf::anon_send_exit(one, caf::exit_reason::kill);
    world.run();
  }

  simulation::sim_response ask(const std::string& method, const std::string& target,
                               const std::string& body = {}, bool with_token = true) {
    simulation::sim_request request;
    if (!body.empty()) request.body = {body};
    request.head.method = method;
    request.head.target = target;
    request.head.content_length = body.size();
    if (with_token) request.head.headers.push_back({"Authorization", "Bearer secret-token"});
    std::deque<std::function<void()>> later;
    auto exchange = simulation::sim_exchange::make(
        request, [&later](std::function<void()> what) { later.push_back(std::move(what)); });
    const auto seen = exchange->seen();
    plane(std::move(exchange));
    for (world.run(); !later.empty(); world.run()) {
      const auto next = std::move(later.front());
      later.pop_front();
      next();
    }
    return *seen;
  }
  int set(const std::string& body) { return ask("POST", "/balance", body).head->status; }
};

}  // namespace

TEST_F(AdminBalance, B14ShowsSettingsAndTheRolesThatAreThere) {
  const auto seen = ask("GET", "/balance");
  const auto read = assembly::parse_balance_status(seen.body).value();
  EXPECT_EQ(read.settings->version, 0u);
  EXPECT_THAT(read.settings->in_use, HasSubstr("rebalance.trigger = 1.5\n"));
  EXPECT_EQ(read.admission->own().level(), 0.5);
  EXPECT_FALSE(read.balancer);
}

TEST_F(AdminBalance, NobodyWithoutTheTokenSeesOrChangesAnything) {
  EXPECT_EQ(ask("GET", "/balance", {}, false).head->status, 401);
  EXPECT_EQ(ask("GET", "/nodes", {}, false).head->status, 401);
  EXPECT_EQ(ask("POST", "/balance", R"({"reset":true})", false).head->status, 401);
  EXPECT_EQ(ask("POST", "/nodes", "{}", false).head->status, 401);
  EXPECT_EQ(root.map.balance_version(), 0u);
}

TEST_F(AdminBalance, B13SetsKeysOverWhatWasSetBeforeAndIsInUseAtOnce) {
  EXPECT_EQ(set(R"({"set":{"rebalance.trigger":"1.2"}})"), 200);
  EXPECT_EQ(set(R"({"set":{"choose.idle_timeout":"20s"},"expected_version":1})"), 200);
  EXPECT_EQ(root.map.balance_version(), 2u);
  const auto read = assembly::parse_balance_status(ask("GET", "/balance").body).value();
  EXPECT_EQ(read.settings->version, 2u);
  EXPECT_THAT(read.settings->in_use, HasSubstr("rebalance.trigger = 1.2\n"));
  EXPECT_THAT(read.settings->in_use, HasSubstr("choose.idle_timeout = \"20s\"\n"));
  EXPECT_EQ(set(R"({"reset":true})"), 200);
  EXPECT_EQ(root.map.balance(), "");
  EXPECT_EQ(root.map.balance_version(), 3u);
}

TEST_F(AdminBalance, B13WhatIsWrongIsToldAndChangesNothing) {
  const auto misspelt = ask("POST", "/balance", R"({"set":{"rebalance.triger":1.2}})");
  EXPECT_EQ(misspelt.head->status, 400);
  EXPECT_THAT(misspelt.body, HasSubstr("did you mean 'trigger'?"));
  for (const auto* body : {"", "[]", "{}", R"({"set":{}})", R"({"set":7})", "{\"set\":",
                           R"({"set":{"a b":1}})", R"({"set":{"rebalance.trigger":"-1"}})",
                           R"({"reset":true,"set":{"rebalance.trigger":1.2}})"})
    EXPECT_EQ(set(body), 400) << body;
  EXPECT_EQ(root.map.balance_version(), 0u);
}

TEST_F(AdminBalance, B13TwoOperatorsCannotOverwriteEachOtherUnseen) {
  EXPECT_EQ(set(R"({"set":{"rebalance.trigger":1.2},"expected_version":1})"), 409);
  root.somebody_is_faster = true;
  EXPECT_EQ(set(R"({"set":{"rebalance.trigger":1.2}})"), 409);
  root.reachable = false;
  EXPECT_EQ(set(R"({"set":{"rebalance.trigger":1.2}})"), 503);
}

TEST_F(AdminBalance, F1ANodeJoinsAndIsShown) {
  topology::node fresh;
  fresh.name = "a9";
  fresh.roles = {topology::role::access};
  fresh.control = fresh.bulk = fresh.admin = {"127.0.0.1", 1};
  EXPECT_EQ(ask("POST", "/nodes", assembly::to_json(fresh)).head->status, 200);
  EXPECT_EQ(joined, std::vector<node_id>{"a9"});
  const auto read = assembly::parse_nodes_status(ask("GET", "/nodes").body).value();
  EXPECT_EQ(read.nodes.at("a9").at("roles"), "access");
  EXPECT_EQ(read.settings.at("cluster.name"), "test");
  fresh.roles = {topology::role::storage};
  const auto refused = ask("POST", "/nodes", assembly::to_json(fresh));
  EXPECT_EQ(refused.head->status, 409);
  EXPECT_THAT(refused.body, HasSubstr("no other roles than access and balancer"));
  EXPECT_EQ(ask("POST", "/nodes", "{\"name\":\"x\"}").head->status, 400);
}
