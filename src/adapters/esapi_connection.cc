#include "adapters/esapi_connection.h"

#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

namespace avouch::adapters {
namespace {

bool is_passing_code(TSS2_RC code) {
  switch (code & TSS2_RC_LAYER_MASK) {
    case TSS2_TCTI_RC_LAYER:
      return true;  // the device or socket, not the TPM, said so
    case TSS2_TPM_RC_LAYER:
    case TSS2_RESMGR_TPM_RC_LAYER:
      break;
    default: {
      const TSS2_RC base = code & ~TSS2_RC_LAYER_MASK;
      return base == TSS2_BASE_RC_IO_ERROR || base == TSS2_BASE_RC_NO_CONNECTION ||
             base == TSS2_BASE_RC_TRY_AGAIN;
    }
  }
  switch (code & ~TSS2_RC_LAYER_MASK) {
    case TPM2_RC_RETRY:
    case TPM2_RC_YIELDED:
    case TPM2_RC_TESTING:
    case TPM2_RC_CANCELED:
    case TPM2_RC_LOCKOUT:
    case TPM2_RC_INITIALIZE:
    case TPM2_RC_FAILURE:
    case TPM2_RC_REBOOT:
    case TPM2_RC_NV_RATE:
    case TPM2_RC_NV_UNAVAILABLE:
    case TPM2_RC_OBJECT_MEMORY:
    case TPM2_RC_OBJECT_HANDLES:
    case TPM2_RC_SESSION_MEMORY:
    case TPM2_RC_SESSION_HANDLES:
    case TPM2_RC_MEMORY:
      return true;
    default:
      return false;
  }
}

bool is_from_tpm(TSS2_RC code) {
  const TSS2_RC layer = code & TSS2_RC_LAYER_MASK;
  return layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER;
}

}  // namespace

Error as_passing(Error error) {
  if (error.kind == ErrorKind::kRejected) error.kind = ErrorKind::kRetryable;
  return error;
}

Error parameter_error(TSS2_RC code, std::string_view what) {
  Error error = tss_error(code, what);
  const bool names_parameter =
      is_from_tpm(code) && (code & TPM2_RC_FMT1) != 0 && (code & TPM2_RC_P) != 0;
  return names_parameter ? error : as_passing(std::move(error));
}

Error tss_error(TSS2_RC code, std::string_view what) {
  std::string message = std::string(what) + ": " + Tss2_RC_Decode(code);
  return is_passing_code(code) ? retryable(std::move(message)) : rejected(std::move(message));
}

void EsapiConnection::CloseTcti::operator()(TSS2_TCTI_CONTEXT* tcti) const {
  Tss2_TctiLdr_Finalize(&tcti);
}

void EsapiConnection::CloseEsys::operator()(ESYS_CONTEXT* esys) const { Esys_Finalize(&esys); }

Result<EsapiConnection> EsapiConnection::open(const std::string& tcti,
                                              std::chrono::milliseconds deadline) {
  EsapiConnection connection;
  TSS2_TCTI_CONTEXT* raw_tcti = nullptr;
  if (const TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti.c_str(), &raw_tcti); rc != TSS2_RC_SUCCESS) {
    return retryable("open TPM \"" + tcti + "\": " + Tss2_RC_Decode(rc) +
                     "; expected a TCTI string such as device:/dev/tpmrm0 and a TPM behind it");
  }
  connection.tcti_.reset(raw_tcti);
  connection.front_ = std::make_unique<DeadlineTcti>(raw_tcti, deadline);
  ESYS_CONTEXT* raw_esys = nullptr;
  if (const TSS2_RC rc = Esys_Initialize(&raw_esys, connection.front_->context(), nullptr);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "open TPM \"" + tcti + "\"");
  }
  connection.esys_.reset(raw_esys);
  return connection;
}

}  // namespace avouch::adapters
