#pragma once

// Whether the ValidatingWebhookConfiguration is the one that the chart renders. Pure.
//
// The chart renders its list of webhooks twice from one template: as the configuration, and as
// JSON into the controller's ConfigMap (kExpectedWebhooks); so the expectation is always that of
// the release and its values. Not compared, as they are the controller's own: each caBundle, and
// the last requirement of the namespaceSelector of the two webhooks for pods (admission_scope.h).

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace avouch::control {

inline constexpr std::string_view kExpectedWebhooks = "webhooks.json";  // key in the ConfigMap
inline constexpr std::size_t kMostDeviations = 64;

// Canonical forms by name: what the API server adds is there, what has no order is sorted, what is
// not compared is not there.
struct ExpectedWebhooks {
  std::map<std::string, codec::Json, std::less<>> by_name;
  bool operator==(const ExpectedWebhooks&) const = default;
};

// `text` is a JSON array of webhooks, as in `webhooks` of the configuration. kRejected: it is not,
// one has no name, or one of the two for pods is not there.
Result<ExpectedWebhooks> parse_expected_webhooks(std::string_view text);

struct Deviation {
  std::string webhook;          // "" for the configuration as a whole
  std::string field;            // "clientConfig.service.port"; "" for the webhook as a whole
  std::string found, expected;  // JSON, cut to some length; "nothing" where there is none
  bool operator==(const Deviation&) const = default;
};

// Each field that differs, by webhook and field; nothing where the configuration does what the
// chart's does. Null stands for a configuration that is not there. A field that this version does
// not know is a deviation: what it restricts cannot be known. At most kMostDeviations.
std::vector<Deviation> deviations_of(const codec::Json* configuration,
                                     const ExpectedWebhooks& expected);

// 'pods.avouch.dev: failurePolicy is "Ignore", expected "Fail"; ...', at most about `bytes` long;
// how many are left out is said.
std::string deviations_text(const std::vector<Deviation>& deviations, std::size_t bytes);

}  // namespace avouch::control
