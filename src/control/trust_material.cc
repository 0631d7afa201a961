#include "control/trust_material.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/time_text.h"
#include "codec/base64.h"
#include "control/secret_data.h"
#include "crypto/hash.h"
#include "tlog/note.h"

namespace avouch::control {
namespace {

using codec::Json;

Result<SystemTime> end_of(const std::string& pem) {
  AVOUCH_TRY(const auto certificates, crypto::Certificate::list_from_pem(pem));
  return certificates.front().not_after();
}

// PEM, by its first webhook: the API server accepts the same for all.
std::string accepted_by(const Json& configuration) {
  const Json* webhooks = configuration.find("webhooks");
  if (webhooks == nullptr || webhooks->as_array() == nullptr) return "";
  if (webhooks->as_array()->empty()) return "";
  const auto pem =
      codec::from_base64(webhooks->as_array()->front().text({"clientConfig", "caBundle"}));
  return pem.has_value() ? std::string(as_text(*pem)) : "";
}

Error keys_are_lost(const std::string& secret, const std::string& place) {
  return retryable(secret + " is not there, and the log " + place +
                   " was signed with a key that was in it; no new keys are made, as that log "
                   "cannot go on under them. Restore the Secret from a backup: the controller goes "
                   "on by itself then. Where there is none, begin a new log, as \"Lost keys\" in "
                   "docs/operations.md says");
}

}  // namespace

std::optional<Json> ca_bundle_patch(const Json& configuration, const std::string& bundle_pem) {
  const Json* webhooks = configuration.find("webhooks");
  if (webhooks == nullptr || webhooks->as_array() == nullptr) return std::nullopt;
  const std::string bundle = codec::to_base64(as_bytes(bundle_pem));
  Json::Array operations{
      Json::Object{{"op", "test"},
                   {"path", "/metadata/resourceVersion"},
                   {"value", configuration.text({"metadata", "resourceVersion"})}}};
  for (std::size_t i = 0; i < webhooks->as_array()->size(); ++i) {
    const Json& webhook = (*webhooks->as_array())[i];
    if (webhook.text({"clientConfig", "caBundle"}) == bundle) continue;
    operations.push_back(
        Json::Object{{"op", "add"},
                     {"path", "/webhooks/" + std::to_string(i) + "/clientConfig/caBundle"},
                     {"value", bundle}});
  }
  if (operations.size() == 1) return std::nullopt;
  return Json(std::move(operations));
}

TrustMaterial::TrustMaterial(TrustOptions options, const kube::Client& client,
                             crypto::Random& random, Clock& clock)
    : options_(std::move(options)), client_(client), random_(random), clock_(clock) {}

Result<ReleaseKeys> TrustMaterial::load_or_create() {
  const ReleaseNames& names = options_.names;
  const kube::ResourcePath secrets = kube::secrets(names.ns);
  const std::string where = "Secret " + names.ns + "/" + names.keys_secret();
  auto found = client_.get(secrets, names.keys_secret());
  if (!found.has_value() && found.error().is_not_found()) {
    AVOUCH_TRY(const std::optional<std::string> place, options_.place_of_log());
    if (place) return keys_are_lost(where, *place);
    const ReleaseKeys made =
        generate_keys(options_.ca, options_.log_origin, "avouch/" + names.ns + "/" + names.release,
                      random_, clock_.now());
    found = client_.create(
        secrets, make_secret(names.ns, names.keys_secret(), "Opaque", encode_keys(made), ""));
    // Somebody else was faster: his keys count.
    if (!found.has_value() && found.error().is_already_exists()) {
      found = client_.get(secrets, names.keys_secret());
    }
  }
  if (!found.has_value()) return Error(found.error());
  auto data = read_secret(*found);
  if (!data.has_value()) return with_context(std::move(data).error(), where);
  auto keys = parse_keys(*data);
  if (!keys.has_value()) return with_context(std::move(keys).error(), where);
  const std::lock_guard lock(mutex_);
  keys_ = *keys;
  return *std::move(keys);
}

Result<void> TrustMaterial::step() {
  is_marked_ = false;  // the Secret may be another one now
  held_by_.reset();
  AVOUCH_CHECK(rotate_ca());
  AVOUCH_CHECK(renew_own());
  AVOUCH_CHECK(keep_trust_map());
  if (options_.webhook_certificate) {
    AVOUCH_CHECK(keep_webhook_certificate());
  }
  AVOUCH_TRY(const SystemTime ends, end_of(ca().current.certificate_pem));
  const std::lock_guard lock(mutex_);
  ends_.ca = ends;
  return {};
}

Result<crypto::CertifiedKey> TrustMaterial::serving() {
  {
    const std::lock_guard lock(mutex_);
    if (own_) return *own_;
  }
  AVOUCH_CHECK(renew_own());
  const std::lock_guard lock(mutex_);
  return *own_;
}

TrustMaterial::Ends TrustMaterial::ends() const {
  const std::lock_guard lock(mutex_);
  return ends_;
}

CaSet TrustMaterial::ca() const {
  const std::lock_guard lock(mutex_);
  return keys_->ca;
}

// The Secret is read anew: a former leader may have rotated since. Its resourceVersion guards the
// update.
Result<void> TrustMaterial::rotate_ca() {
  const ReleaseNames& names = options_.names;
  auto found = client_.get(kube::secrets(names.ns), names.keys_secret());
  if (!found.has_value() && found.error().is_not_found()) {
    // What the log and all verdicts hang on must not be lost while it is still here.
    const ReleaseKeys kept = [this] {
      const std::lock_guard lock(mutex_);
      return *keys_;
    }();
    found = client_.create(kube::secrets(names.ns), make_secret(names.ns, names.keys_secret(),
                                                                "Opaque", encode_keys(kept), ""));
  }
  if (!found.has_value()) return Error(found.error());
  AVOUCH_TRY(const SecretData data, read_secret(*found));
  AVOUCH_TRY(ReleaseKeys stored, parse_keys(data));
  AVOUCH_TRY(std::optional<CaSet> next, advance_ca(stored.ca, options_.ca, clock_.now()));
  if (next) {
    stored.ca = *std::move(next);
    const Json secret = make_secret(names.ns, names.keys_secret(), "Opaque", encode_keys(stored),
                                    std::string(found->text({"metadata", "resourceVersion"})));
    const auto updated = client_.update(kube::secrets(names.ns), secret);
    if (!updated.has_value()) return retryable(updated.error().message);
  }
  const std::lock_guard lock(mutex_);
  keys_->ca = stored.ca;
  return {};
}

Result<void> TrustMaterial::renew_own() {
  const CaSet authority = ca();
  const SystemTime now = clock_.now();
  {
    const std::lock_guard lock(mutex_);
    if (own_ && !reason_to_reissue(*own_, trust_bundle(authority), now)) return {};
  }
  AVOUCH_TRY(crypto::CertifiedKey issued,
             issue_serving(authority, options_.own_names, options_.certificate_life, now));
  AVOUCH_TRY(const SystemTime ends, end_of(issued.certificate_pem));
  const std::lock_guard lock(mutex_);
  own_ = std::move(issued);
  ends_.own = ends;
  return {};
}

struct TrustMaterial::StoredCertificate {
  std::optional<WebhookCertificate> certificate;  // nothing where it is missing, or incomplete
  std::string version;                            // of the Secret; "" where there is none
};

Result<TrustMaterial::StoredCertificate> TrustMaterial::read_webhook_secret() const {
  const ReleaseNames& names = options_.names;
  const auto found = client_.get(kube::secrets(names.ns), names.webhook_tls_secret());
  if (!found.has_value() && found.error().is_not_found()) return StoredCertificate{};
  if (!found.has_value()) return Error(found.error());
  StoredCertificate out;
  out.version = found->text({"metadata", "resourceVersion"});
  const auto data = read_secret(*found);
  if (data.has_value()) out.certificate = parse_webhook_certificate(*data, *found);
  return out;
}

Result<void> TrustMaterial::write_webhook_secret(const WebhookCertificate& certificate,
                                                 const std::string& version) {
  const ReleaseNames& names = options_.names;
  const kube::ResourcePath secrets = kube::secrets(names.ns);
  const Json secret = make_secret(names.ns, names.webhook_tls_secret(), "kubernetes.io/tls",
                                  encode_webhook_certificate(certificate), version,
                                  webhook_certificate_annotations(certificate));
  const auto written =
      version.empty() ? client_.create(secrets, secret) : client_.update(secrets, secret);
  // Lost a race, or the object has gone meanwhile: the next step looks again.
  if (!written.has_value()) return retryable(written.error().message);
  return {};
}

Result<std::set<std::string>> TrustMaterial::held_by(std::set<std::string> nodes) {
  holding_ = std::move(nodes);
  if (!options_.webhook_certificate) return holding_;
  if (held_by_ &&
      std::includes(held_by_->begin(), held_by_->end(), holding_.begin(), holding_.end())) {
    return *held_by_;
  }
  AVOUCH_TRY(StoredCertificate stored, read_webhook_secret());
  if (!stored.certificate) return holding_;
  if (add_holders(*stored.certificate, holding_)) {
    AVOUCH_CHECK(write_webhook_secret(*stored.certificate, stored.version));
  }
  held_by_ = stored.certificate->held_by;
  return *held_by_;
}

std::optional<std::chrono::milliseconds> TrustMaterial::look_again() const {
  const SystemTime now = clock_.now();
  if (!webhook_change_ || *webhook_change_ <= now) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(*webhook_change_ - now);
}

Result<void> TrustMaterial::connect_anew() {
  if (!options_.webhook_certificate) return {};
  AVOUCH_TRY(StoredCertificate stored, read_webhook_secret());
  if (!stored.certificate) return {};
  stored.certificate->connect_since = to_rfc3339(clock_.now());
  AVOUCH_CHECK(write_webhook_secret(*stored.certificate, stored.version));
  return keep_webhook_certificate();
}

Result<void> TrustMaterial::set_holders(KeyHolders holders, const std::string& failing) {
  holders_ = holders;
  if (failing.empty() || is_marked_ || !options_.webhook_certificate) return {};
  AVOUCH_TRY(StoredCertificate stored, read_webhook_secret());
  if (!stored.certificate) return {};
  if (stored.certificate->exposed.empty()) {
    stored.certificate->exposed =
        "on failing node " + failing + ", seen " + to_rfc3339(clock_.now());
    AVOUCH_CHECK(write_webhook_secret(*stored.certificate, stored.version));
  }
  is_marked_ = true;
  return {};
}

// The API server is told first: nothing is served that it does not accept yet.
Result<void> TrustMaterial::keep_webhook_certificate() {
  const kube::ResourcePath resource = kube::validating_webhook_configurations();
  const auto configuration = client_.get(resource, options_.webhook_configuration);
  // Not installed yet, or being removed.
  const bool is_there = configuration.has_value() || !configuration.error().is_not_found();
  if (!configuration.has_value() && is_there) return Error(configuration.error());

  AVOUCH_TRY(const StoredCertificate stored, read_webhook_secret());
  AVOUCH_TRY(const auto change,
             advance_webhook_certificate(stored.certificate,
                                         is_there ? accepted_by(*configuration) : std::string(),
                                         holders_, options_.webhook, clock_.now()));
  WebhookCertificate wanted = change ? change->next : *stored.certificate;
  if (change) add_holders(wanted, holding_);
  if (is_there) {
    if (const auto patch = ca_bundle_patch(*configuration, accepted_authorities(wanted))) {
      const auto patched =
          client_.patch(resource, options_.webhook_configuration, kube::PatchType::kJson, *patch);
      if (!patched.has_value()) return retryable(patched.error().message);
    }
  }
  if (change) {
    AVOUCH_CHECK(write_webhook_secret(wanted, stored.version));
    is_marked_ = false;  // the new one is not
    held_by_.reset();
    if (!change->why.empty() && options_.on_webhook_key) options_.on_webhook_key(change->why);
  }
  AVOUCH_TRY(const SystemTime ends, end_of(wanted.serving.certificate_pem));
  webhook_change_ = next_change(wanted, options_.webhook);
  webhook_key_ = to_hex(crypto::sha256(wanted.serving.certificate_pem)).substr(0, 16);
  const std::lock_guard lock(mutex_);
  ends_.webhook = ends;
  return {};
}

Result<void> TrustMaterial::keep_trust_map() {
  const ReleaseNames& names = options_.names;
  std::optional<ReleaseKeys> keys;
  {
    const std::lock_guard lock(mutex_);
    keys = keys_;
  }
  AVOUCH_TRY(const std::vector<tlog::NoteSigner> signers, log_signers(*keys));
  const Json data = Json::Object{{"ca.crt", trust_bundle(keys->ca)},
                                 {"verifier-keys.pem", keys->verifier.public_key().pem()},
                                 {"log.vkey", log_vkeys(signers)},
                                 {"log.origin", keys->log_origin}};
  const kube::ResourcePath maps = kube::config_maps(names.ns);
  const auto found = client_.get(maps, names.trust_config_map());
  if (!found.has_value() && !found.error().is_not_found()) return Error(found.error());
  if (found.has_value()) {
    const Json* present = found->find("data");
    if (present != nullptr && *present == data) return {};
  }
  // Replaced as a whole: members that somebody has added are not ours to trust.
  Json object = Json::Object{
      {"apiVersion", "v1"},
      {"kind", "ConfigMap"},
      {"metadata", Json::Object{{"name", names.trust_config_map()}, {"namespace", names.ns}}},
      {"data", data}};
  if (found.has_value()) object["metadata"] = *found->find("metadata");
  const auto written =
      found.has_value() ? client_.update(maps, object) : client_.create(maps, object);
  if (!written.has_value()) return retryable(written.error().message);
  return {};
}

}  // namespace avouch::control
