#pragma once

// RAII over tpm2-tss's ESAPI: one connection, its objects, and what its return codes mean.

#include <tss2/tss2_esys.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/esapi_tcti.h"
#include "base/result.h"

namespace avouch::adapters {

// kRetryable: the TPM is busy, testing, locked out, short of memory or in failure mode for now, or
// cannot be reached. kRejected: everything that the TPM or the library says about the call itself.
// The message has `what` and the library's own text.
Error tss_error(TSS2_RC code, std::string_view what);

// kRejected only where the TPM says that a parameter of the command is bad (the key or credential
// that was handed to it); every other refusal depends on the TPM's state and is kRetryable.
Error parameter_error(TSS2_RC code, std::string_view what);

// The same error, as one that says nothing about the caller's input.
Error as_passing(Error error);

struct EsysFree {
  void operator()(void* pointer) const { Esys_Free(pointer); }
};
template <typename T>
using EsysPtr = std::unique_ptr<T, EsysFree>;

// An open TPM. It is opened for one operation and closed after it: a TPM without a resource manager
// serves one program at a time. Not thread-safe.
class EsapiConnection {
 public:
  // `tcti` is a tpm2-tss TCTI string: "device:/dev/tpmrm0", "swtpm:path=/run/sock". Where
  // the TCTI can be polled (esapi_tcti.h), a command is given up as kRetryable after `deadline`;
  // the connection is then of no more use.
  static Result<EsapiConnection> open(const std::string& tcti, std::chrono::milliseconds deadline);

  ESYS_CONTEXT* get() const { return esys_.get(); }

 private:
  struct CloseTcti {
    void operator()(TSS2_TCTI_CONTEXT* tcti) const;
  };
  struct CloseEsys {
    void operator()(ESYS_CONTEXT* esys) const;
  };
  std::unique_ptr<TSS2_TCTI_CONTEXT, CloseTcti> tcti_;
  std::unique_ptr<DeadlineTcti> front_;
  std::unique_ptr<ESYS_CONTEXT, CloseEsys> esys_;
};

// A transient object or session, flushed at the end. The connection must outlive it.
class EsapiHandle {
 public:
  EsapiHandle(const EsapiConnection& connection, ESYS_TR handle)
      : esys_(connection.get()), handle_(handle) {}
  ~EsapiHandle() { flush(); }
  EsapiHandle(EsapiHandle&& other) noexcept : esys_(other.esys_), handle_(other.release()) {}
  EsapiHandle& operator=(EsapiHandle&& other) noexcept {
    if (this != &other) {
      flush();
      esys_ = other.esys_;
      handle_ = other.release();
    }
    return *this;
  }

  ESYS_TR get() const { return handle_; }

 private:
  ESYS_TR release() {
    const ESYS_TR handle = handle_;
    handle_ = ESYS_TR_NONE;
    return handle;
  }
  void flush() {
    if (handle_ != ESYS_TR_NONE) Esys_FlushContext(esys_, handle_);
  }

  ESYS_CONTEXT* esys_;
  ESYS_TR handle_;
};

}  // namespace avouch::adapters
