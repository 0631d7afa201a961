#pragma once

// The webhook's serving certificate, as it lies in Secret R-webhook-tls: when it is replaced, and
// by what. Pure.
//
// Each has an authority of its own, whose key is thrown away once it has signed. So a certificate
// whose key was taken ends when the API server is told of another authority (the caBundle of the
// webhook configuration), which a certificate by the release's own authority would not: agents and
// people go on believing that one.

#include <chrono>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "codec/json.h"
#include "control/release_keys.h"
#include "crypto/x509.h"

namespace avouch::control {

struct WebhookCertificate {
  crypto::CertifiedKey serving;
  std::string authority;      // PEM: what the API server accepts it by
  std::string former;         // PEM: what it accepts besides, as pods may serve by it still; ""
  SystemTime former_until{};  // of `former`
  std::string names;          // that it was made for, joined
  // When its key was first seen where it should not be, in the words of who saw it; "": it was not.
  std::string exposed;
  // Names of the nodes whose pods have, or had, its key: what root there has read stays read.
  std::set<std::string> held_by;
  // Since when API servers are to have new connections to the webhook, RFC 3339; "" where any will
  // do. They keep one as long as they are told the same authorities, to a pod that is no endpoint
  // any more too.
  std::string connect_since;
};

struct WebhookCertificateRules {
  std::string common_name;  // of the authority
  crypto::ServingNames names;
  std::chrono::hours life{2160};
  // How long a predecessor is accepted: until every kubelet has given its pods the new one.
  std::chrono::hours overlap{24};
  // Of one whose key was taken: kubelets are made to look at once (WebhookPodPlan::remind), and a
  // pod that has not got the new one by then is not believed until it has. At least as long an
  // exposed key is not replaced that is itself a replacement.
  std::chrono::seconds overlap_of_exposed{30};
};

struct WebhookCertificateChange {
  WebhookCertificate next;
  std::string why;  // the key was replaced; "" where it was not
};

// Whether a pod that holds the key may be on a node that fails.
enum class KeyHolders { kAllGood, kNotAllGood };

// What should be there at `now`; nothing where `stored` is right. `accepted` (PEM) is what the API
// server accepts at present: where nothing is stored, or by an authority that it was never told of,
// pods may still serve by it. An exposed key is replaced once all that hold it are good: before,
// the new one would be exposed too.
Result<std::optional<WebhookCertificateChange>> advance_webhook_certificate(
    const std::optional<WebhookCertificate>& stored, const std::string& accepted,
    KeyHolders holders, const WebhookCertificateRules& rules, SystemTime now);

// When there may be something to do for it by time alone, before it is to be renewed: the former is
// not accepted any more, or an exposed key can be replaced. It may have passed.
std::optional<SystemTime> next_change(const WebhookCertificate& certificate,
                                      const WebhookCertificateRules& rules);

// What the API server should accept: authority and former, and a line by which it connects anew.
std::string accepted_authorities(const WebhookCertificate& certificate);

// Whether that was new. Of more nodes than are kept account of it is exposed: it is replaced.
bool add_holders(WebhookCertificate& certificate, const std::set<std::string>& nodes);

// As Secret, with what is not for the pods in annotations.
SecretData encode_webhook_certificate(const WebhookCertificate& certificate);
codec::Json::Object webhook_certificate_annotations(const WebhookCertificate& certificate);
// Nothing where a member is missing. What an older release has made is read too: its authority is
// the release's.
std::optional<WebhookCertificate> parse_webhook_certificate(const SecretData& data,
                                                            const codec::Json& secret);

std::string joined_names(const crypto::ServingNames& names);

}  // namespace avouch::control
