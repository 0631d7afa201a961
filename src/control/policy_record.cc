#include "control/policy_record.h"

#include <limits>

#include "attest/evidence.h"
#include "attest/policy.h"
#include "codec/fields.h"
#include "codec/json.h"
#include "control/digest_field.h"

namespace avouch::control {
std::string encode_policy_record(const RecordedPolicy& policy) {
  codec::Json json{
      codec::Json::Object{{"uid", policy.uid},
                          {"name", policy.change.name},
                          {"specDigest", attest::digest_text(policy.change.spec_digest)},
                          {"digest", attest::digest_text(policy.change.digest)},
                          {"generation", policy.change.generation}}};
  if (!policy.log_origin.empty()) json["logOrigin"] = policy.log_origin;
  return codec::to_json_pretty(json);
}

Result<RecordedPolicy> parse_policy_record(std::string_view text) {
  AVOUCH_TRY(const codec::Json json, codec::parse_json(text));
  codec::FieldErrors errors;
  codec::Fields fields(json, "", errors);
  RecordedPolicy out;
  out.uid = fields.required_string("uid", 64);
  out.change.name = fields.required_string("name", 253);
  out.change.spec_digest = read_digest(fields, "specDigest");
  out.change.digest = read_digest(fields, "digest");
  out.change.generation =
      fields.required_integer("generation", 0, std::numeric_limits<std::int64_t>::max());
  out.log_origin = fields.string("logOrigin", attest::kMaxOriginBytes).value_or("");
  fields.finish();
  if (!errors.empty()) return rejected(errors.text());
  return out;
}

}  // namespace avouch::control
