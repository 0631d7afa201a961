#pragma once

// A TCTI in front of another one that bounds the wait for an answer, where the inner one can be
// polled. That of a kernel's device can; those of simulators (swtpm and mssim of tpm2-tss 3.2) have
// no poll handles and keep their own time: there the agent's liveness ends a program that hangs.

#include <tss2/tss2_tcti.h>

#include <chrono>

namespace avouch::adapters {

// Hands everything on to `inner`, but waits for the first byte of an answer no longer than
// `deadline`, if `inner` has poll handles: then, as after every other fault of `inner`, receive()
// fails with TSS2_TCTI_RC_IO_ERROR and the connection is lost, for what comes later may be the old
// answer. One thread; not movable, since the library keeps its address.
class DeadlineTcti {
 public:
  // `inner` outlives it.
  DeadlineTcti(TSS2_TCTI_CONTEXT* inner, std::chrono::milliseconds deadline);
  DeadlineTcti(const DeadlineTcti&) = delete;
  DeadlineTcti& operator=(const DeadlineTcti&) = delete;

  TSS2_TCTI_CONTEXT* context();

 private:
  static TSS2_RC transmit(TSS2_TCTI_CONTEXT* self, std::size_t size, const std::uint8_t* command);
  static TSS2_RC receive(TSS2_TCTI_CONTEXT* self, std::size_t* size, std::uint8_t* response,
                         std::int32_t timeout);
  static TSS2_RC cancel(TSS2_TCTI_CONTEXT* self);
  static TSS2_RC poll_handles(TSS2_TCTI_CONTEXT* self, TSS2_TCTI_POLL_HANDLE* handles,
                              std::size_t* count);
  static TSS2_RC set_locality(TSS2_TCTI_CONTEXT* self, std::uint8_t locality);

  TSS2_RC wait_for_answer() const;
  TSS2_RC keep(TSS2_RC code);

  // What the library sees. First, so that its address is this object's.
  struct Front {
    TSS2_TCTI_CONTEXT_COMMON_V2 common{};
    DeadlineTcti* self = nullptr;
  };
  static DeadlineTcti& of(TSS2_TCTI_CONTEXT* context);

  Front front_;
  TSS2_TCTI_CONTEXT* inner_;
  std::chrono::milliseconds deadline_;
  bool lost_ = false;
};

}  // namespace avouch::adapters
