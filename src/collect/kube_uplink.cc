#include "collect/kube_uplink.h"

#include <algorithm>

#include "base/hex.h"
#include "codec/base64.h"
#include "codec/fields.h"
#include "kube/resource.h"
#include "kube/views.h"

namespace avouch::collect {
namespace {

using codec::Json;

constexpr std::chrono::seconds kTimeout{10};
constexpr std::size_t kMaxTpmBytes = 4096;
constexpr std::string_view kDigestPrefix = "sha256:";

Result<crypto::Sha256> parse_digest(std::string_view text) {
  if (!text.starts_with(kDigestPrefix)) return rejected("digest: expected sha256: and 64 digits");
  AVOUCH_TRY(const Bytes bytes, from_hex(text.substr(kDigestPrefix.size())));
  crypto::Sha256 out;
  if (bytes.size() != out.size()) return rejected("digest: expected sha256: and 64 digits");
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

// An answer that is no answer of the controller's: passing, since a proxy or a controller that is
// just starting may have given it.
Error unexpected(const HttpResponse& response, const std::string& what) {
  return retryable(what + ": the controller answered " + std::to_string(response.status) + ": " +
                   response.body.substr(0, 300));
}

Result<HeartbeatAnswer> read_answer(const HttpResponse& response) {
  AVOUCH_TRY(const Json body, codec::parse_json(response.body, {.bytes = 64 * 1024, .depth = 8}));
  HeartbeatAnswer out;
  if (response.status == 200) {
    out.outcome = HeartbeatAnswer::Outcome::kTaken;
    out.phase = body.text({"phase"});
    if (const Json* missing = body.find("missingBlobs"); missing != nullptr) {
      if (const Json::Array* list = missing->as_array(); list != nullptr) {
        for (const Json& item : *list) {
          const std::string* text = item.as_string();
          if (text == nullptr) continue;
          AVOUCH_TRY(const crypto::Sha256 digest, parse_digest(*text));
          out.missing_blobs.push_back(digest);
        }
      }
    }
    if (const Json* offset = body.find("runtimeLogOffset"); offset != nullptr) {
      if (const std::int64_t* value = offset->as_int(); value != nullptr && *value >= 0) {
        out.runtime_log_offset = static_cast<std::uint64_t>(*value);
      }
    }
    return out;
  }
  out.code = body.text({"code"});
  out.detail = body.text({"detail"});
  out.outcome = out.code == "NotEnrolled" ? HeartbeatAnswer::Outcome::kNotEnrolled
                                          : HeartbeatAnswer::Outcome::kRefused;
  return out;
}

}  // namespace

KubeUplink::KubeUplink(const kube::Client& api, kube::Transport& controller, std::string node_name,
                       std::stop_token stop)
    : api_(api),
      controller_(controller),
      node_name_(std::move(node_name)),
      stop_(std::move(stop)) {}

Result<std::string> KubeUplink::node_uid() {
  AVOUCH_TRY(const Json node, api_.get(kube::nodes(), node_name_));
  AVOUCH_TRY(const kube::NodeView view, kube::node_view(node));
  return view.meta.uid;
}

Result<HttpResponse> KubeUplink::ask(std::string method, std::string path, std::string query,
                                     std::string content_type, std::string body) {
  HttpRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.query = std::move(query);
  request.headers.add("Content-Type", std::move(content_type));
  request.body = std::move(body);
  return controller_.send(request, kTimeout, stop_);
}

Result<HeartbeatAnswer> KubeUplink::heartbeat(const attest::UnverifiedEvidence& evidence) {
  AVOUCH_TRY(const HttpResponse response,
             ask("POST", "/v1/nodes/" + node_name_ + "/evidence", "", "application/json",
                 codec::to_json(attest::to_heartbeat(evidence))));
  const bool answered = response.status == 200 || response.status == 409 ||
                        response.status == 422 || response.status == 400 || response.status == 403;
  if (!answered) return unexpected(response, "heartbeat");
  return read_answer(response);
}

Result<void> KubeUplink::put_blob(const crypto::Sha256& digest, ByteView content) {
  AVOUCH_TRY(const HttpResponse response,
             ask("PUT", "/v1/blobs/" + std::string(kDigestPrefix) + to_hex(digest), "",
                 "application/octet-stream", std::string(as_text(content))));
  if (response.status == 200 || response.status == 201) return {};
  return unexpected(response, "upload of a log");
}

Result<std::uint64_t> KubeUplink::append_runtime_log(std::uint64_t offset, ByteView piece) {
  AVOUCH_TRY(
      const HttpResponse response,
      ask("POST", "/v1/nodes/" + node_name_ + "/runtime-log", "offset=" + std::to_string(offset),
          "application/octet-stream", std::string(as_text(piece))));
  if (response.status != 200 && response.status != 409) {
    return unexpected(response, "upload of the runtime log");
  }
  AVOUCH_TRY(const Json body, codec::parse_json(response.body, {.bytes = 4096, .depth = 4}));
  const Json* next = body.find("next");
  const std::int64_t* value = next == nullptr ? nullptr : next->as_int();
  if (value == nullptr || *value < 0) return unexpected(response, "upload of the runtime log");
  return static_cast<std::uint64_t>(*value);
}

Result<void> KubeUplink::publish(const attest::UnverifiedEvidence& evidence) {
  Json object;
  object["apiVersion"] = kube::attestation_evidences().api_version();
  object["kind"] = "AttestationEvidence";
  object["metadata"]["name"] = node_name_;
  object["spec"] = attest::to_evidence_spec(evidence);
  AVOUCH_CHECK(api_.apply(kube::attestation_evidences(), object,
                          {.field_manager = "avouch-agent", .force = true}));
  return {};
}

Result<std::optional<ActivationRequest>> activation_request(const Json& evidence) {
  const Json* activation = evidence.find_path({"status", "activation"});
  if (activation == nullptr || activation->is_null()) return std::optional<ActivationRequest>();
  codec::FieldErrors errors;
  codec::Fields fields(*activation, "status.activation", errors);
  ActivationRequest out;
  out.challenge_id = fields.required_string("challengeID", 64);
  out.credential_blob = fields.base64("credentialBlob", kMaxTpmBytes).value_or(Bytes{});
  out.encrypted_secret = fields.base64("encryptedSecret", kMaxTpmBytes).value_or(Bytes{});
  if (!errors.empty()) return rejected(errors.text());
  if (out.credential_blob.empty() || out.encrypted_secret.empty()) {
    return rejected("status.activation: credentialBlob and encryptedSecret are both needed");
  }
  return std::optional(std::move(out));
}

}  // namespace avouch::collect
