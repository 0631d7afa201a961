#include "adapters/esapi_tcti.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace avouch::adapters {
namespace {

constexpr std::uint64_t kMagic = 0x61766f7563685431;  // "avouchT1"
constexpr std::size_t kMaxHandles = 4;

// The functions of a TCTI; one that it lacks says so.
const TSS2_TCTI_CONTEXT_COMMON_V1& functions(TSS2_TCTI_CONTEXT* tcti) {
  return *reinterpret_cast<const TSS2_TCTI_CONTEXT_COMMON_V1*>(tcti);
}

template <typename Function, typename... Arguments>
TSS2_RC call(Function function, Arguments... arguments) {
  return function == nullptr ? TSS2_TCTI_RC_NOT_IMPLEMENTED : function(arguments...);
}

}  // namespace

DeadlineTcti::DeadlineTcti(TSS2_TCTI_CONTEXT* inner, std::chrono::milliseconds deadline)
    : inner_(inner), deadline_(deadline) {
  front_.self = this;
  front_.common.v1.magic = kMagic;
  front_.common.v1.version = 2;
  front_.common.v1.transmit = &DeadlineTcti::transmit;
  front_.common.v1.receive = &DeadlineTcti::receive;
  front_.common.v1.finalize = nullptr;  // the owner of `inner` ends it
  front_.common.v1.cancel = &DeadlineTcti::cancel;
  front_.common.v1.getPollHandles = &DeadlineTcti::poll_handles;
  front_.common.v1.setLocality = &DeadlineTcti::set_locality;
  front_.common.makeSticky = nullptr;
}

TSS2_TCTI_CONTEXT* DeadlineTcti::context() { return reinterpret_cast<TSS2_TCTI_CONTEXT*>(&front_); }

DeadlineTcti& DeadlineTcti::of(TSS2_TCTI_CONTEXT* context) {
  return *reinterpret_cast<Front*>(context)->self;
}

TSS2_RC DeadlineTcti::keep(TSS2_RC code) {
  if (code != TSS2_RC_SUCCESS && code != TSS2_TCTI_RC_TRY_AGAIN) lost_ = true;
  return code;
}

TSS2_RC DeadlineTcti::transmit(TSS2_TCTI_CONTEXT* self, std::size_t size,
                               const std::uint8_t* command) {
  DeadlineTcti& tcti = of(self);
  if (tcti.lost_) return TSS2_TCTI_RC_IO_ERROR;
  return tcti.keep(call(functions(tcti.inner_).transmit, tcti.inner_, size, command));
}

TSS2_RC DeadlineTcti::receive(TSS2_TCTI_CONTEXT* self, std::size_t* size, std::uint8_t* response,
                              std::int32_t timeout) {
  DeadlineTcti& tcti = of(self);
  if (tcti.lost_) return TSS2_TCTI_RC_IO_ERROR;
  // A call without a buffer asks for the size alone; it waits as well.
  if (timeout == TSS2_TCTI_TIMEOUT_BLOCK) {
    if (const TSS2_RC waited = tcti.wait_for_answer(); waited != TSS2_RC_SUCCESS) {
      return tcti.keep(waited);
    }
  }
  return tcti.keep(call(functions(tcti.inner_).receive, tcti.inner_, size, response, timeout));
}

TSS2_RC DeadlineTcti::wait_for_answer() const {
  std::array<TSS2_TCTI_POLL_HANDLE, kMaxHandles> handles{};
  std::size_t count = handles.size();
  if (call(functions(inner_).getPollHandles, inner_, handles.data(), &count) != TSS2_RC_SUCCESS ||
      count == 0 || count > handles.size()) {
    return TSS2_RC_SUCCESS;  // a TCTI that cannot be waited for keeps its own time
  }
  const auto end = std::chrono::steady_clock::now() + deadline_;
  for (;;) {
    for (std::size_t i = 0; i < count; ++i) handles.at(i).events = POLLIN;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    const auto wait = std::clamp<std::int64_t>(left.count(), 0, INT_MAX);
    const int ready = ::poll(handles.data(), count, static_cast<int>(wait));
    if (ready > 0) return TSS2_RC_SUCCESS;
    if (ready < 0 && errno == EINTR) continue;
    return TSS2_TCTI_RC_IO_ERROR;
  }
}

TSS2_RC DeadlineTcti::cancel(TSS2_TCTI_CONTEXT* self) {
  return call(functions(of(self).inner_).cancel, of(self).inner_);
}

TSS2_RC DeadlineTcti::poll_handles(TSS2_TCTI_CONTEXT* self, TSS2_TCTI_POLL_HANDLE* handles,
                                   std::size_t* count) {
  return call(functions(of(self).inner_).getPollHandles, of(self).inner_, handles, count);
}

TSS2_RC DeadlineTcti::set_locality(TSS2_TCTI_CONTEXT* self, std::uint8_t locality) {
  return call(functions(of(self).inner_).setLocality, of(self).inner_, locality);
}

}  // namespace avouch::adapters
