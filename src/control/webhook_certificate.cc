#include "control/webhook_certificate.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/time_text.h"
#include "control/certificate_authority.h"

namespace avouch::control {
namespace {

using codec::Json;

constexpr std::string_view kNames = "avouch.dev/names";
constexpr std::string_view kFormerUntil = "avouch.dev/former-until";
constexpr std::string_view kExposed = "avouch.dev/exposed";
constexpr std::string_view kHeldBy = "avouch.dev/held-by";
constexpr std::string_view kConnectSince = "avouch.dev/connect-since";
constexpr std::size_t kMostHolders = 200;  // nodes; 50 KB of an annotation
constexpr std::chrono::hours kBehindClocks{1};
constexpr std::size_t kMostFormer = 4;  // certificates

std::optional<SystemTime> time_of(const Json& secret, std::string_view annotation) {
  const auto time = from_rfc3339(secret.text({"metadata", "annotations", annotation}));
  return time.has_value() ? std::optional(*time) : std::nullopt;
}

// Those that have not ended; what is no certificate is left out.
std::string still_valid(const std::string& pem, SystemTime now) {
  std::string out;
  const auto list = crypto::Certificate::list_from_pem(pem);
  if (!list.has_value()) return out;
  std::size_t kept = 0;
  for (const crypto::Certificate& certificate : *list) {
    if (certificate.not_after() <= now || kept == kMostFormer) continue;
    out += certificate.pem();
    ++kept;
  }
  return out;
}

std::string clipped(const std::string& text) {
  constexpr std::size_t kMostShown = 64;
  return text.size() > kMostShown ? text.substr(0, kMostShown) + "..." : text;
}

std::string joined_nodes(const std::set<std::string>& nodes) {
  std::string out;
  for (const std::string& node : nodes) out += (out.empty() ? "" : ",") + node;
  return out;
}

std::set<std::string> split_nodes(std::string_view text) {
  std::set<std::string> out;
  while (!text.empty() && out.size() <= kMostHolders) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (end > 0) out.emplace(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

SystemTime made_at(const WebhookCertificate& certificate) {
  const auto list = crypto::Certificate::list_from_pem(certificate.serving.certificate_pem);
  return list.has_value() ? list->front().not_before() + kBehindClocks : SystemTime{};
}

// Whatever the Secret says, no later than after any replacement.
SystemTime end_of_former(const WebhookCertificate& certificate,
                         const WebhookCertificateRules& rules) {
  return std::min(certificate.former_until, made_at(certificate) + rules.overlap);
}

std::string reason_to_replace(const std::optional<WebhookCertificate>& stored, KeyHolders holders,
                              const WebhookCertificateRules& rules, SystemTime now) {
  if (!stored) return "there was none";
  if (stored->names != joined_names(rules.names)) return "it is for other names";
  if (const auto why = reason_to_reissue(stored->serving, stored->authority, now)) return *why;
  const bool pods_have_it =
      stored->former.empty() || now >= made_at(*stored) + rules.overlap_of_exposed;
  const bool due = holders == KeyHolders::kAllGood && pods_have_it;
  if (!stored->exposed.empty() && due) {
    return "its key was where it should not be (" + clipped(stored->exposed) + ")";
  }
  return "";
}

}  // namespace

std::string joined_names(const crypto::ServingNames& names) {
  std::string out;
  for (const auto* list : {&names.dns, &names.ip}) {
    for (const std::string& name : *list) out += (out.empty() ? "" : ",") + name;
  }
  return out;
}

Result<std::optional<WebhookCertificateChange>> advance_webhook_certificate(
    const std::optional<WebhookCertificate>& stored, const std::string& accepted,
    KeyHolders holders, const WebhookCertificateRules& rules, SystemTime now) {
  std::string why = reason_to_replace(stored, holders, rules, now);
  if (why.empty()) {
    if (stored->former.empty() || now < end_of_former(*stored, rules)) {
      return std::optional<WebhookCertificateChange>();
    }
    WebhookCertificateChange dropped{*stored, ""};
    dropped.next.former.clear();
    return std::optional(std::move(dropped));
  }
  // Certificates count whole seconds: the authority ends later than what it has signed.
  const crypto::CertifiedKey authority =
      crypto::make_ca(rules.common_name, now - kBehindClocks, now + rules.life + kBehindClocks);
  WebhookCertificate next;
  AVOUCH_TRY(next.serving, crypto::issue_server_certificate(authority, rules.names,
                                                            now - kBehindClocks, now + rules.life));
  next.authority = authority.certificate_pem;
  next.names = joined_names(rules.names);
  const bool is_others =
      stored && !accepted.empty() && accepted.find(stored->authority) == std::string::npos;
  if (!stored || is_others) {
    // Pods serve by what was accepted until now. Whoever deleted it, or put another in its place,
    // may have had a reason to: no longer than pods need.
    next.former = still_valid(accepted, now);
    next.former_until = now + rules.overlap_of_exposed;
  } else if (!stored->exposed.empty()) {
    next.former = still_valid(stored->authority, now);
    next.former_until = now + rules.overlap_of_exposed;
  } else {
    next.former = still_valid(stored->authority + stored->former, now);
    next.former_until = now + rules.overlap;
    next.held_by = stored->held_by;  // by the former they are accepted still
  }
  return std::optional(WebhookCertificateChange{std::move(next), std::move(why)});
}

std::optional<SystemTime> next_change(const WebhookCertificate& certificate,
                                      const WebhookCertificateRules& rules) {
  std::optional<SystemTime> at;
  if (!certificate.former.empty()) at = end_of_former(certificate, rules);
  if (!certificate.exposed.empty()) {
    const SystemTime due = made_at(certificate) + rules.overlap_of_exposed;
    at = at ? std::min(*at, due) : due;
  }
  return at;
}

std::string accepted_authorities(const WebhookCertificate& certificate) {
  const std::string anew = certificate.connect_since.empty()
                               ? ""
                               : "# connected since " + certificate.connect_since + "\n";
  return certificate.authority + certificate.former + anew;
}

bool add_holders(WebhookCertificate& certificate, const std::set<std::string>& nodes) {
  std::set<std::string>& all = certificate.held_by;
  if (std::includes(all.begin(), all.end(), nodes.begin(), nodes.end())) return false;
  all.insert(nodes.begin(), nodes.end());
  if (all.size() <= kMostHolders) return true;
  all = nodes;
  if (certificate.exposed.empty()) {
    certificate.exposed = "on more than " + std::to_string(kMostHolders) + " nodes by and by";
  }
  return true;
}

SecretData encode_webhook_certificate(const WebhookCertificate& certificate) {
  SecretData data{{"tls.crt", certificate.serving.certificate_pem},
                  {"tls.key", certificate.serving.key_pem},
                  {"ca.crt", certificate.authority}};
  if (!certificate.former.empty()) data["ca-former.crt"] = certificate.former;
  return data;
}

Json::Object webhook_certificate_annotations(const WebhookCertificate& certificate) {
  Json::Object out;
  out[std::string(kNames)] = certificate.names;
  if (!certificate.former.empty()) {
    out[std::string(kFormerUntil)] = to_rfc3339(certificate.former_until);
  }
  if (!certificate.exposed.empty()) out[std::string(kExposed)] = certificate.exposed;
  if (!certificate.held_by.empty()) {
    out[std::string(kHeldBy)] = joined_nodes(certificate.held_by);
  }
  if (!certificate.connect_since.empty()) {
    out[std::string(kConnectSince)] = certificate.connect_since;
  }
  return out;
}

std::optional<WebhookCertificate> parse_webhook_certificate(const SecretData& data,
                                                            const Json& secret) {
  for (const char* member : {"tls.crt", "tls.key", "ca.crt"}) {
    if (!data.contains(member)) return std::nullopt;
  }
  WebhookCertificate out;
  out.serving = {data.at("tls.crt"), data.at("tls.key")};
  out.authority = data.at("ca.crt");
  if (const auto former = data.find("ca-former.crt"); former != data.end()) {
    out.former = former->second;
    // Without its end: it has ended.
    out.former_until = time_of(secret, kFormerUntil).value_or(SystemTime{});
  }
  out.names = secret.text({"metadata", "annotations", kNames});
  out.exposed = secret.text({"metadata", "annotations", kExposed});
  out.held_by = split_nodes(secret.text({"metadata", "annotations", kHeldBy}));
  // It goes into what API servers read: a time, or nothing.
  if (const auto since = time_of(secret, kConnectSince)) out.connect_since = to_rfc3339(*since);
  return out;
}

}  // namespace avouch::control
