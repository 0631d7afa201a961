#include "observe/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <set>
#include <stdexcept>

#include "observe/process_stats.h"

namespace avouch::observe {
namespace {

constexpr std::size_t kMaxLabelSets = 1000;

void require(bool holds, const std::string& name, const char* rule) {
  if (!holds) throw std::logic_error("metric \"" + name + "\": " + rule);
}

void check_name(const std::string& name) {
  require(name.starts_with("avouch_"), name, "the name must start with avouch_");
}

}  // namespace

void Counter::add(double amount) {
  if (amount > 0) counter_->Increment(amount);
}
void Gauge::set(double value) { gauge_->Set(value); }
void Gauge::add(double amount) { gauge_->Increment(amount); }
void Histogram::observe(double value) { histogram_->Observe(value); }

std::vector<double> duration_buckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02,
          0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
}

struct Metrics::State {
  prometheus::Registry registry;
  std::mutex mutex;  // guards what follows
  std::map<std::string, std::set<Labels>> label_sets;
  std::vector<std::function<void()>> updates;

  Labels bounded(const std::string& name, const Labels& labels) {
    const std::lock_guard lock(mutex);
    auto& known = label_sets[name];
    if (known.contains(labels)) return labels;
    if (known.size() < kMaxLabelSets) {
      known.insert(labels);
      return labels;
    }
    Labels other = labels;
    for (auto& [key, value] : other) value = "other";
    return other;
  }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {
  gauge("avouch_build_info", "Always 1; the labels say which build this is.",
        {{"version", AVOUCH_VERSION}})
      .set(1);
  Gauge resident = gauge("avouch_process_resident_memory_bytes", "Resident memory of the process.");
  Gauge cpu =
      gauge("avouch_process_cpu_seconds", "User and system time that the process has used.");
  Gauge files = gauge("avouch_process_open_files", "File descriptors that the process holds open.");
  before_collect([resident, cpu, files]() mutable {
    const ProcessStats stats = read_process_stats();
    resident.set(stats.resident_bytes);
    cpu.set(stats.cpu_seconds);
    files.set(stats.open_files);
  });
}

Metrics::~Metrics() = default;

Counter Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  check_name(name);
  require(name.ends_with("_total"), name, "a counter's name must end in _total");
  auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(state_->registry);
  return Counter(family.Add(state_->bounded(name, labels)));
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  check_name(name);
  require(!name.ends_with("_total"), name, "only a counter's name may end in _total");
  auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(state_->registry);
  return Gauge(family.Add(state_->bounded(name, labels)));
}

Histogram Metrics::histogram(const std::string& name, const std::string& help,
                             const std::vector<double>& buckets, const Labels& labels) {
  check_name(name);
  require(name.ends_with("_seconds") || name.ends_with("_bytes"), name,
          "a histogram's name must end in _seconds or _bytes");
  auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(state_->registry);
  return Histogram(family.Add(state_->bounded(name, labels), buckets));
}

void Metrics::before_collect(std::function<void()> update) {
  const std::lock_guard lock(state_->mutex);
  state_->updates.push_back(std::move(update));
}

std::string Metrics::text() {
  std::vector<std::function<void()>> updates;
  {
    const std::lock_guard lock(state_->mutex);
    updates = state_->updates;
  }
  for (const auto& update : updates) update();
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

std::string_view Metrics::content_type() { return "text/plain; version=0.0.4; charset=utf-8"; }

}  // namespace avouch::observe
