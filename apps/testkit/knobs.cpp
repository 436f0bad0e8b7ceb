#include "apps/testkit/knobs.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <random>

namespace dunlin::testkit {

namespace {

using namespace std::chrono_literals;

/// Draws, and keeps the names of what it drew.
class drawer {
public:
  explicit drawer(std::uint64_t seed)
      : random_(seed * 0x9e3779b97f4a7c15ull + 0x5851f42d4c957f2dull) {}

  /// The first one is the likeliest: it stands for the usual.
  template <class T>
  T one_of(const char* name, std::initializer_list<T> all) {
    const auto drawn = random_() % (all.size() + 1);
    const auto value = *(all.begin() + static_cast<std::ptrdiff_t>(drawn % all.size()));
    told[name] = show(value);
    return value;
  }

  std::uint64_t next() { return random_(); }
  std::map<std::string, std::string> told;

private:
  template <class T>
  static std::string show(const T& value) {
    if constexpr (std::is_arithmetic_v<T>)
      return fmt::format("{}", value);
    else if constexpr (std::is_convertible_v<T, std::string>)
      return value;
    else
      return fmt::format(
          "{} ms", std::chrono::duration_cast<std::chrono::microseconds>(value).count() / 1000.0);
  }
  std::mt19937_64 random_;
};

struct shape {
  std::string text;
  int nodes = 0;
  std::uint32_t databases = 0;
  std::uint32_t storages = 0;

  void add(const std::string& roles) {
    const auto number = ++nodes;
    if (roles.find("database") != roles.npos) ++databases;
    if (roles.find("storage") != roles.npos) ++storages;
    text += fmt::format(
        "\n[[node]]\nname = \"n{0}\"\nroles = [{1}]\nrack = \"r{2}\"\ncontrol = "
        "\"127.0.0.1:7{0}01\"\n"
        "bulk = \"127.0.0.1:7{0}02\"\nadmin = \"127.0.0.1:7{0}03\"\n",
        number, roles, number % 3);
    if (roles.find("access") != roles.npos)
      text += fmt::format("s3 = \"127.0.0.1:7{}00\"\n", number);
  }
};

shape draw_shape(drawer& from) {
  const std::string all = R"("database", "storage", "access")";
  shape made;
  // CPU goes with the number of nodes: most seeds take the usual three.
  const std::string kind = from.one_of<const char*>(
      "nodes", {"3", "3", "4", "5", "7", "3 database, 3 storage, 1 access",
                "3 database and access, 3 storage", "3 with database, 4 with storage"});
  if (kind.size() == 1) {
    for (auto left = kind[0] - '0'; left > 0; --left)
      made.add(all);
  } else if (kind == "3 database, 3 storage, 1 access") {
    for (const auto* role : {R"("database")", R"("storage")"})
      for (int i = 0; i < 3; ++i)
        made.add(role);
    made.add(R"("access")");
  } else if (kind == "3 database and access, 3 storage") {
    for (int i = 0; i < 3; ++i)
      made.add(R"("database", "access")");
    for (int i = 0; i < 3; ++i)
      made.add(R"("storage")");
  } else {
    for (int i = 0; i < 3; ++i)
      made.add(all);
    made.add(R"("storage", "access")");
  }
  return made;
}

std::string draw_topology(drawer& from) {
  const auto nodes = draw_shape(from);
  const auto heartbeat =
      from.one_of<std::chrono::milliseconds>("heartbeat", {200ms, 100ms, 50ms, 400ms});
  const auto beats = from.one_of<int>("election in heartbeats", {5, 3, 10, 4});
  const auto five = nodes.databases >= 5 && from.next() % 2 == 0;
  from.told["metadata replicas"] = std::to_string(five ? 5 : 3);
  const auto partitions = from.one_of<int>("partitions", {2, 1, 3, 4});
  const auto replicas = nodes.storages >= 5 ? from.one_of<int>("object replicas", {3, 2, 5})
                                            : from.one_of<int>("object replicas", {3, 3, 2});
  // Never less than a majority: then damage on one node loses nothing.
  const auto most = from.one_of<int>("write quorum above the majority", {0, 0, 0, 1});
  const auto quorum = std::min(replicas, replicas / 2 + 1 + most);
  from.told["write quorum"] = std::to_string(quorum);
  const auto sets = from.one_of<int>("replica sets", {16, 4, 64});
  const auto page = from.one_of<int>("page bytes", {256 << 10, 64 << 10, 1 << 20});
  return fmt::format(
      "[cluster]\nname = \"virtual\"\nfolder = \"/virtual\"\n\n[metadata]\npartitions = "
      "{}\nreplicas = {}\n"
      "heartbeat = \"{}ms\"\nelection = \"{}ms\"\n\n[objects]\nreplica_sets = {}\nreplicas = {}\n"
      "write_quorum = {}\npage_bytes = {}\n{}",
      partitions, five ? 5 : 3, heartbeat.count(), heartbeat.count() * beats, sets, replicas,
      quorum, page, nodes.text);
}

void draw_sizes(drawer& from, knobs& to) {
  to.wal_segment_bytes = from.one_of<std::uint64_t>("wal segment bytes",
                                                    {64u << 10, 256u << 10, 512u << 10, 4u << 20});
  to.wal_bytes_max = from.one_of<std::uint64_t>("wal segments", {16, 8, 32}) * to.wal_segment_bytes;
  from.told["wal bytes max"] = std::to_string(to.wal_bytes_max);
  to.checkpoint_bytes =
      from.one_of<std::uint64_t>("checkpoint bytes", {32u << 10, 4u << 10, 128u << 10, 8u << 20});
  auto& tuning = to.tuning;
  tuning.commit_entries_max = from.one_of<std::size_t>("commit entries", {512, 1, 16});
  tuning.entry_bytes_max =
      from.one_of<std::size_t>("entry bytes", {1u << 20, 128u << 10, 64u << 10});
  tuning.inflight_bytes_max =
      from.one_of<std::size_t>("inflight bytes", {8u << 20, 256u << 10, 64u << 10});
  tuning.inflight_messages_max = from.one_of<std::size_t>("inflight messages", {64, 8, 1});
  tuning.extent_bytes_max =
      from.one_of<std::uint64_t>("extent bytes", {16u << 20, 4u << 20, 256u << 20});
  tuning.collect_interval =
      from.one_of<std::chrono::milliseconds>("collect interval", {3s, 10s, 60s});
  tuning.garbage_grace =
      from.one_of<std::chrono::milliseconds>("garbage grace", {8s, 2s, 30s, 600s});
  tuning.sweep_interval =
      from.one_of<std::chrono::milliseconds>("sweep interval", {7s, 3s, 20s, 3600s});
  tuning.orphan_age = std::chrono::duration_cast<std::chrono::seconds>(
      from.one_of<std::chrono::milliseconds>("orphan age", {5s, 2s, 15s, 3600s}));
  to.disk_bytes = from.one_of<std::uint64_t>("disk bytes", {1ull << 40, 4ull << 30, 1ull << 30});
  to.ballast_bytes_max = from.one_of<std::uint64_t>("ballast bytes", {0, 1u << 20});
  tuning.laggard_bytes_max =
      from.one_of<std::uint64_t>("laggard bytes", {16u << 10, 4u << 10, 64u << 10, 1u << 20});
  tuning.state_log_pages = from.one_of<std::uint32_t>("state log pages", {4000, 64, 16});
  tuning.client_lifetime =
      from.one_of<std::chrono::milliseconds>("client lifetime", {900s, 20s, 4s});
  tuning.snapshot_piece_bytes =
      from.one_of<std::uint64_t>("snapshot piece bytes", {64u << 10, 4u << 10, 512u << 10});
}

void draw_network(drawer& from, knobs& to) {
  auto& weather = to.weather;
  weather.delay_max = from.one_of<std::chrono::microseconds>("delay max", {500us, 2ms, 10ms, 40ms});
  weather.delay_min = weather.delay_max / from.one_of<int>("delay spread", {5, 1, 20});
  to.network.bytes_per_second =
      from.one_of<std::uint64_t>("bytes per second", {0, 100'000'000, 10'000'000});
  to.network.connect_timeout =
      from.one_of<std::chrono::milliseconds>("connect timeout", {3s, 500ms});
}

int nodes_of(const std::string& topology) {
  const std::string_view mark = "[[node]]";
  int count = 0;
  for (auto at = topology.find(mark); at != topology.npos; at = topology.find(mark, at + 1))
    ++count;
  return count;
}

/// Of one type; what it is not proved for is named in news intervals.
std::string draw_cache(drawer& from, const std::string& type,
                       std::initializer_list<const char*> modes,
                       std::chrono::milliseconds interval) {
  const auto draw = [&](const char* what, auto all) {
    return from.one_of((type + " cache " + what).c_str(), all);
  };
  using time = std::chrono::milliseconds;
  const std::string mode = draw("mode", modes);
  const auto stale = draw("staleness in news", std::initializer_list<int>{4, 2, 20});
  const auto lives = draw("time to live", std::initializer_list<time>{300s, 2s});
  const auto items = draw("items", std::initializer_list<int>{20'000, 3});
  const auto values = draw("values", std::initializer_list<int>{1, 0});
  return fmt::format(
      "[cache.{}]\nmode = \"{}\"\nstaleness_max = \"{}ms\"\ntime_to_live = \"{}ms\"\nitems_max = "
      "{}\nvalues = {}\n\n",
      type, mode, stale * interval.count(), lives.count(), items, values == 1);
}

/// Who tells caches of changes, and how they are kept; answers how often they hear news. Drawn
/// late, so that the rest of a seed stays what it was.
std::chrono::milliseconds draw_coherence(drawer& from, int nodes, std::string& topology) {
  const auto queues = from.one_of<int>("queues", {3, 0, 1, 2});
  // The last ones may be without a database.
  const auto last = from.one_of<int>("queues on the last nodes", {0, 1}) == 1;
  for (int i = 0; i < queues; ++i) {
    const auto where = fmt::format("name = \"n{}\"\nroles = [", last ? nodes - i : i + 1);
    topology.insert(topology.find(where) + where.size(), "\"queue\", ");
  }
  const auto news = from.one_of<std::chrono::milliseconds>("news interval", {250ms, 100ms});
  const auto window = from.one_of<std::chrono::milliseconds>("queue window", {20ms, 1ms, 150ms});
  const auto attempts = from.one_of<int>("queue attempts", {3, 1, 10});
  const auto life = from.one_of<std::chrono::milliseconds>("queue time to live", {60s, 1s, 8s});
  std::string sections;
  if (queues > 0)
    sections = fmt::format(
        "[queue]\nnews_interval = \"{}ms\"\nwindow = \"{}ms\"\nattempts = {}\ntime_to_live = "
        "\"{}ms\"\n\n",
        news.count(), window.count(), attempts, life.count());
  const auto interval = queues > 0 ? news : 250ms;
  for (const std::string type : {"bucket", "user"})
    sections += draw_cache(from, type, {"bounded", "bounded", "validated"}, interval);
  topology.insert(topology.find("[objects]"), sections);
  return interval;
}

/// What is lost on purpose between queues and subscribers.
void draw_faults(drawer& from, std::string& topology) {
  const auto loss = from.one_of<double>("cache update loss", {0, 0, 0.1, 0.4});
  topology.insert(topology.find("[objects]"),
                  fmt::format("[faults]\ncache_update_loss = {}\n\n", loss));
}

/// Caches that came later, likewise.
void draw_more_caches(drawer& from, std::chrono::milliseconds interval, std::string& topology) {
  // Validated is what objects are by default.
  auto sections = draw_cache(from, "object", {"validated", "bounded"}, interval);
  const auto shared = from.one_of<int>("caches shared", {0, 1}) == 1;
  const auto mirrored = from.one_of<int>("cluster map mirrored", {1, 0}) == 1;
  sections +=
      fmt::format("[cache]\nshared = {}\n[cache.cluster_map]\nmirror = {}\n\n", shared, mirrored);
  topology.insert(topology.find("[objects]"), sections);
}

/// Of what a file may want all items held.
void draw_mirrors(drawer& from, std::string& topology) {
  for (const std::string type : {"policy", "user", "bucket"}) {
    const std::string section = "[cache." + type + "]\n";
    if (from.one_of<int>((type + " mirrored").c_str(), {0, 0, 1}) == 1)
      topology.insert(topology.find(section) + section.size(), "mirror = true\n");
  }
}

/// How many answers of near caches are looked at by the samplers.
void draw_samples(drawer& from, std::string& topology) {
  const std::string section = "[cache]\n";
  const auto samples = from.one_of<int>("cache samples a second", {200, 20, 0});
  topology.insert(topology.find(section) + section.size(),
                  fmt::format("samples_per_second = {}\n", samples));
}

/// One more node, at the end.
void add_balancer(std::string& topology, int number) {
  topology += fmt::format(
      "\n[[node]]\nname = \"n{0}\"\nroles = [\"balancer\"]\nrack = \"r{1}\"\ncontrol = "
      "\"127.0.0.1:7{0}01\"\nbulk = \"127.0.0.1:7{0}02\"\nadmin = \"127.0.0.1:7{0}03\"\nbalancer = "
      "\"127.0.0.1:7{0}05\"\n",
      number, number % 3);
}

/// Of times that are short enough for a trial: connections are moved all the time.
std::string draw_balance(drawer& from) {
  const std::string mode =
      from.one_of<const char*>("balance mode", {"relative", "relative", "patent"});
  const std::string pick = from.one_of<const char*>(
      "balancers pick by", {"digest", "random", "success", "round_robin", "cycle"});
  const auto offers = from.one_of<std::chrono::milliseconds>("offer timeout", {1s, 200ms});
  const auto moves = from.one_of<int>("moves at once", {1, 4});
  const auto trigger = from.one_of<double>("rebalance trigger", {1.06, 1.01, 1.3});
  const std::string resort = from.one_of<const char*>("last resort", {"true", "false"});
  const std::string rehome = from.one_of<const char*>("re-home", {"true", "true", "true", "false"});
  auto text = fmt::format(
      "[balance]\nmode = \"{}\"\n[balance.accept]\nlast_resort = "
      "{}\n[balance.load]\nsample_interval = "
      "\"500ms\"\nhistory = \"4s\"\n[balance.peers]\nexchange = \"1s\"\nstale_after = "
      "\"4s\"\n[balance.choose]\nby_attempt = [\"{}\"]\noffer_timeout = \"{}ms\"\n",
      mode, resort, pick, offers.count());
  text += fmt::format(
      "[balance.rebalance]\ninterval_min = \"1s\"\nage_min = \"500ms\"\ncool_down = "
      "\"3s\"\nrefusal = "
      "\"2s\"\nmoves_at_once = {}\nrehome = {}\n",
      moves, rehome);
  if (mode == "relative") text += fmt::format("trigger = {}\n", trigger);
  return text + "\n";
}

/// Who stands between clients and access nodes.
void draw_balancers(drawer& from, std::string& topology) {
  const std::string kind = from.one_of<const char*>(
      "balancers", {"none", "none", "none", "all access nodes", "two of their own",
                    "an access node and one of its own"});
  if (kind == "none") return;
  const auto nodes = nodes_of(topology);
  auto wanted = kind == "two of their own" ? 0 : kind == "all access nodes" ? nodes : 1;
  for (int number = 1; number <= nodes; ++number) {
    const auto door = fmt::format("s3 = \"127.0.0.1:7{}00\"\n", number);
    const auto at = topology.find(door);
    if (at == topology.npos) continue;
    auto more = fmt::format("leg = \"127.0.0.1:7{}04\"\n", number);
    const auto balances = wanted-- > 0;
    if (balances) more += fmt::format("balancer = \"127.0.0.1:7{}05\"\n", number);
    topology.insert(at, more);
    if (!balances) continue;
    const auto roles = fmt::format("name = \"n{}\"\nroles = [", number);
    topology.insert(topology.find(roles) + roles.size(), "\"balancer\", ");
  }
  const auto own = kind == "two of their own" ? 2 : kind == "all access nodes" ? 0 : 1;
  for (int i = 1; i <= own; ++i)
    add_balancer(topology, nodes + i);
  topology.insert(topology.find("[objects]"), draw_balance(from));
}

}  // namespace

knobs draw_knobs(std::uint64_t seed) {
  drawer from{seed};
  knobs drawn;
  drawn.topology = draw_topology(from);
  draw_sizes(from, drawn);
  draw_network(from, drawn);
  const auto drift = from.one_of<std::uint32_t>("timer drift permille", {0, 20, 150});
  for (int node = 0; drift > 0 && node < 7; ++node)
    drawn.timers_permille.push_back(1000 - drift +
                                    static_cast<std::uint32_t>(from.next() % (2 * drift + 1)));
  const auto news = draw_coherence(from, nodes_of(drawn.topology), drawn.topology);
  draw_faults(from, drawn.topology);
  drawn.user_managers = from.one_of<int>("managers of users", {2, 0, 4});
  drawn.topology.insert(drawn.topology.find("[objects]"),
                        draw_cache(from, "policy", {"bounded", "bounded", "validated"}, news));
  draw_more_caches(from, news, drawn.topology);
  draw_mirrors(from, drawn.topology);
  draw_samples(from, drawn.topology);
  draw_balancers(from, drawn.topology);
  // The strict variant also refuses clients of a cluster that is whole, when many come between two
  // exchanges of levels: each is credited with the mean demand of the few that are there.
  if (from.told["last resort"] == "false") drawn.clients.refusals = 6;
  drawn.streams = from.one_of<int>("entries over streams", {0, 1}) == 1;
  drawn.told = std::move(from.told);
  return drawn;
}

}  // namespace dunlin::testkit
