#include "runtime/observe/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>

namespace dunlin {

namespace {

struct real_counter final : counter {
  explicit real_counter(prometheus::Counter& of) : counter_(of) {}
  void add(double amount) override { counter_.Increment(amount); }
  double value() const override { return counter_.Value(); }
  prometheus::Counter& counter_;
};

struct real_gauge final : gauge {
  explicit real_gauge(prometheus::Gauge& of) : gauge_(of) {}
  void set(double value) override { gauge_.Set(value); }
  double value() const override { return gauge_.Value(); }
  prometheus::Gauge& gauge_;
};

}  // namespace

struct metrics::registry {
  prometheus::Registry prometheus;
  std::mutex guard;
  std::map<std::pair<std::string, labels>, std::unique_ptr<real_counter>> counters;
  std::map<std::pair<std::string, labels>, std::unique_ptr<real_gauge>> gauges;
};

metrics::metrics() : registry_(std::make_unique<registry>()) {}
metrics::~metrics() = default;

counter& metrics::counter(const std::string& name, const std::string& help, const labels& with) {
  const auto lock = std::scoped_lock{registry_->guard};
  auto& slot = registry_->counters[{name, with}];
  if (!slot)
    slot = std::make_unique<real_counter>(
        prometheus::BuildCounter().Name(name).Help(help).Register(registry_->prometheus).Add(with));
  return *slot;
}

gauge& metrics::gauge(const std::string& name, const std::string& help, const labels& with) {
  const auto lock = std::scoped_lock{registry_->guard};
  auto& slot = registry_->gauges[{name, with}];
  if (!slot)
    slot = std::make_unique<real_gauge>(
        prometheus::BuildGauge().Name(name).Help(help).Register(registry_->prometheus).Add(with));
  return *slot;
}

std::string metrics::text() const {
  return prometheus::TextSerializer{}.Serialize(registry_->prometheus.Collect());
}

}  // namespace dunlin
