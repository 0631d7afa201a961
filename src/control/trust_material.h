#pragma once

// Keeps the release's keys, certificates and trust objects in the API as they should be. Only the
// leader runs it. What another process made first is taken as it is.

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "codec/json.h"
#include "control/certificate_authority.h"
#include "control/names.h"
#include "control/release_keys.h"
#include "control/webhook_certificate.h"
#include "crypto/random.h"
#include "crypto/x509.h"
#include "kube/client.h"

namespace avouch::control {

struct TrustOptions {
  ReleaseNames names;
  std::string log_origin;  // "" makes one
  CaRules ca;
  std::chrono::hours certificate_life{2160};
  crypto::ServingNames own_names;  // of the controller's Service
  WebhookCertificateRules webhook;
  std::string webhook_configuration;  // name of the ValidatingWebhookConfiguration
  // False: the webhook's certificate and the caBundle are left alone.
  bool webhook_certificate = true;
  // Where a log lies that was begun before, in words; nothing where there is none. Asked where
  // Secret R-keys is missing. Must be set.
  std::function<Result<std::optional<std::string>>()> place_of_log;
  // Told when the webhook's key was replaced, and why. May be empty.
  std::function<void(const std::string& why)> on_webhook_key;
};

// JSON Patch that gives every webhook of `configuration` this CA bundle, guarded by its
// resourceVersion; nothing where all have it.
std::optional<codec::Json> ca_bundle_patch(const codec::Json& configuration,
                                           const std::string& bundle_pem);

class TrustMaterial {
 public:
  // The references outlive it.
  TrustMaterial(TrustOptions options, const kube::Client& client, crypto::Random& random,
                Clock& clock);

  // Secret R-keys, made if it is missing. Before everything else; kRejected if the Secret is there
  // and unusable: it is never replaced. kRetryable if it is missing and a log is there, which one
  // of its keys has signed: somebody puts the Secret back, or the log elsewhere.
  Result<ReleaseKeys> load_or_create();

  // Everything else, to be called at the start, when one of the objects has changed, and every
  // minute: CA rotation, Secret R-webhook-tls, ConfigMap R-trust, caBundle, own certificate. The
  // first error stops it; the next call goes on.
  Result<void> step();

  // Not concurrently with step(), as the next two. They ask the API once between two calls of
  // step(), however often they are called, and where there is something new.
  //
  // `nodes`: on which pods have the webhook's key. All that have or had it, as is written down with
  // it, whoever led.
  Result<std::set<std::string>> held_by(std::set<std::string> nodes);
  // Whether pods that hold the webhook's key may be on nodes that fail; and a node that fails and
  // has or had it, "" where there is none. Where there is one, that is written down at once, so
  // that the key is replaced by the first step() after such pods have gone, whoever leads then.
  // Before the first call nothing is replaced for it.
  Result<void> set_holders(KeyHolders holders, const std::string& failing);
  // Has API servers connect to the webhook anew, which else stay with whom they have found.
  Result<void> connect_anew();
  // When step() has something to do for the webhook's certificate by time alone; nothing where that
  // is not known, or has passed.
  std::optional<std::chrono::milliseconds> look_again() const;
  // Names the webhook's key as step() has left it; "" before, and where it is not this one's.
  const std::string& webhook_key() const { return webhook_key_; }

  // The controller's own serving certificate, issued on demand and renewed by step(). Thread-safe.
  Result<crypto::CertifiedKey> serving();

  struct Ends {
    SystemTime ca{}, own{}, webhook{};
  };
  Ends ends() const;  // of the certificates in use; for metrics. Thread-safe.

 private:
  Result<void> rotate_ca();
  Result<void> renew_own();
  struct StoredCertificate;
  Result<StoredCertificate> read_webhook_secret() const;
  Result<void> write_webhook_secret(const WebhookCertificate& certificate,
                                    const std::string& version);
  Result<void> keep_webhook_certificate();
  Result<void> keep_trust_map();
  CaSet ca() const;

  const TrustOptions options_;
  const kube::Client& client_;
  crypto::Random& random_;
  Clock& clock_;

  mutable std::mutex mutex_;
  std::optional<ReleaseKeys> keys_;
  std::optional<crypto::CertifiedKey> own_;
  Ends ends_;
  KeyHolders holders_ = KeyHolders::kNotAllGood;
  bool is_marked_ = false;  // the Secret says that its key is exposed
  std::string webhook_key_;
  std::optional<SystemTime> webhook_change_;
  std::set<std::string> holding_;                 // nodes of pods that have the key
  std::optional<std::set<std::string>> held_by_;  // as the Secret says
};

}  // namespace avouch::control
