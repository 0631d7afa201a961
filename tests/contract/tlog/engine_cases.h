#pragma once

// The contract suite's parameter: which engine keeps the log.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "support/log_checks.h"
#include "support/log_engines.h"
#include "support/log_process.h"
#include "support/postgres_engine.h"

namespace avouch::tlog {

struct EngineCase {
  std::string name;
  std::function<std::unique_ptr<testing::LogEngine>()> make;
};

inline std::vector<EngineCase> engine_cases() {
  return {{"Memory", [] { return std::make_unique<testing::MemoryLogEngine>(); }},
          {"Files", [] { return std::make_unique<testing::FilesLogEngine>(); }},
          {"Postgres", [] { return std::make_unique<testing::PostgresLogEngine>(); }}};
}

class LogContract : public ::testing::TestWithParam<EngineCase> {
 protected:
  std::unique_ptr<testing::LogEngine> engine_ = GetParam().make();
};

#define AVOUCH_ON_EVERY_ENGINE(suite)                                           \
  INSTANTIATE_TEST_SUITE_P(Engines, suite, ::testing::ValuesIn(engine_cases()), \
                           [](const auto& one) { return one.param.name; })

}  // namespace avouch::tlog
