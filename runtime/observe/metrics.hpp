/// METRICS: one registry a node (several live in one process in simulation). Names are
/// dunlin_<role>_<what>_<unit>; labels are bounded: never keys, buckets or clients.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace dunlin {

class counter {
public:
  virtual ~counter() = default;
  virtual void add(double amount = 1) = 0;
  virtual double value() const = 0;
};

class gauge {
public:
  virtual ~gauge() = default;
  virtual void set(double value) = 0;
  virtual double value() const = 0;
};

class metrics {
public:
  metrics();
  ~metrics();
  using labels = std::map<std::string, std::string>;
  /// The same name and labels give the same object; it lives as long as this registry.
  dunlin::counter& counter(const std::string& name, const std::string& help,
                           const labels& with = {});
  dunlin::gauge& gauge(const std::string& name, const std::string& help, const labels& with = {});
  /// Prometheus text format.
  std::string text() const;

private:
  struct registry;
  std::unique_ptr<registry> registry_;
};

}  // namespace dunlin
