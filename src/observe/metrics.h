#pragma once

// Prometheus metrics (prometheus-cpp behind plain handles). Handles are cheap copies that stay
// valid as long as their Metrics; all of them, and Metrics itself, are thread-safe.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace avouch::observe {

using Labels = std::map<std::string, std::string>;

class Counter {
 public:
  void add(double amount = 1);  // a negative amount is ignored

 private:
  friend class Metrics;
  explicit Counter(prometheus::Counter& counter) : counter_(&counter) {}
  prometheus::Counter* counter_;
};

class Gauge {
 public:
  void set(double value);
  void add(double amount);  // may be negative

 private:
  friend class Metrics;
  explicit Gauge(prometheus::Gauge& gauge) : gauge_(&gauge) {}
  prometheus::Gauge* gauge_;
};

class Histogram {
 public:
  void observe(double value);

 private:
  friend class Metrics;
  explicit Histogram(prometheus::Histogram& histogram) : histogram_(&histogram) {}
  prometheus::Histogram* histogram_;
};

// Upper bounds for durations in seconds, from 100 microseconds to 10 seconds.
std::vector<double> duration_buckets();

// One a process. Names start with "avouch_"; counters end in "_total", histograms in "_seconds" or
// "_bytes"; anything else, or one name with two kinds, throws std::logic_error: a mistake of the
// programmer, seen at the first start. Asking again for the same name and labels gives the same
// metric. A name keeps at most 1,000 label sets; further ones are counted together, under the same
// label names with every value "other".
class Metrics {
 public:
  Metrics();  // with avouch_build_info and the process's memory, time and file descriptors
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  Histogram histogram(const std::string& name, const std::string& help,
                      const std::vector<double>& buckets = duration_buckets(),
                      const Labels& labels = {});

  // `update` runs before each text(), to set gauges that are a function of the moment (ages).
  void before_collect(std::function<void()> update);

  // The text exposition format, version 0.0.4.
  std::string text();
  static std::string_view content_type();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace avouch::observe
