#pragma once

// The TPM's endorsement key: which one it has, how to make it, what authorises its use.

#include <optional>
#include <string>
#include <vector>

#include "adapters/esapi_connection.h"
#include "base/bytes.h"
#include "tpm/ek_template.h"

namespace avouch::adapters {

struct EkPlan {
  Bytes inside_template;  // TPM2B_PUBLIC for CreatePrimary
  std::string template_name;
  std::vector<Bytes> certificates;
};

// Reads NV: the first slot of kEkSlots with a certificate, else the first; its template and nonce
// where NV has them, else TCG's. kRejected for an NV template or nonce that is none.
Result<EkPlan> find_ek(const EsapiConnection& tpm);

// Loads the key; `public_area` (TPM2B_PUBLIC) may be null.
Result<EsapiHandle> make_ek(const EsapiConnection& tpm, const EkPlan& plan, Bytes* public_area);

// What authorises the use of an EK: its template's policy, PolicySecret(endorsement hierarchy), in
// a fresh session; or, for templates with userWithAuth, the empty password.
class EkAuthorisation {
 public:
  static Result<EkAuthorisation> make(const EsapiConnection& tpm, const EkPlan& plan);
  ESYS_TR session() const { return session_ ? session_->get() : ESYS_TR_PASSWORD; }

 private:
  std::optional<EsapiHandle> session_;
};

}  // namespace avouch::adapters
