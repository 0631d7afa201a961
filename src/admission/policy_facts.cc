#include "admission/facts.h"
#include "codec/fields.h"

namespace avouch::admission {
namespace {

// A selector of an unusable policy: what it says if that can be read, else everything.
attest::LabelSelector selector_or_everything(const codec::Json* workloads, std::string_view name) {
  const codec::Json* selector = workloads == nullptr ? nullptr : workloads->find(name);
  if (selector == nullptr || !selector->is_object()) return {};
  codec::FieldErrors errors;
  attest::LabelSelector read =
      attest::read_selector(codec::Fields(*selector, std::string(name), errors));
  return errors.empty() ? std::move(read) : attest::LabelSelector{};
}

}  // namespace

PolicyFacts read_policy(std::string name, const codec::Json& spec) {
  PolicyFacts facts;
  facts.name = name;
  auto parsed = attest::parse_policy(std::move(name), spec);
  if (parsed.has_value()) {
    attest::PolicySpec& read = parsed->spec;
    facts.node_selector = std::move(read.node_selector);
    facts.namespace_selector = std::move(read.namespace_selector);
    facts.pod_selector = std::move(read.pod_selector);
    facts.mode = read.mode;
    facts.logging = read.logging;
    facts.spec_digest = parsed->spec_digest;
    return facts;
  }
  facts.unusable = parsed.error().message;
  const codec::Json* workloads = spec.find("workloads");
  facts.namespace_selector = selector_or_everything(workloads, "namespaceSelector");
  facts.pod_selector = selector_or_everything(workloads, "podSelector");
  if (spec.text({"mode"}) == "Audit") facts.mode = attest::Mode::kAudit;
  if (spec.text({"mode"}) == "Warn") facts.mode = attest::Mode::kWarn;
  const auto logging = spec.text({"logging"});
  if (logging.empty() || logging == "Spool") facts.logging = attest::Logging::kSpool;
  if (auto digest = attest::spec_digest(spec); digest.has_value()) facts.spec_digest = *digest;
  return facts;
}

}  // namespace avouch::admission
