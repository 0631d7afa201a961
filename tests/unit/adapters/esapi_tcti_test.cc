#include "adapters/esapi_tcti.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace avouch::adapters {
namespace {

using std::chrono::milliseconds;

// A TPM whose answers come through a pipe: silent until somebody writes to it.
class PipeTpm {
 public:
  explicit PipeTpm(bool can_be_polled = true) {
    if (::pipe(ends_.data()) != 0) throw std::runtime_error("pipe");
    front_.self = this;
    front_.common.v1.transmit = [](TSS2_TCTI_CONTEXT* context, std::size_t, const std::uint8_t*) {
      ++of(context).sent;
      return TSS2_RC{TSS2_RC_SUCCESS};
    };
    front_.common.v1.receive = [](TSS2_TCTI_CONTEXT* context, std::size_t* size, std::uint8_t* out,
                                  std::int32_t) {
      const ssize_t got = ::read(of(context).ends_[0], out, *size);
      *size = static_cast<std::size_t>(got);
      return TSS2_RC{TSS2_RC_SUCCESS};
    };
    if (!can_be_polled) return;
    front_.common.v1.getPollHandles = [](TSS2_TCTI_CONTEXT* context, TSS2_TCTI_POLL_HANDLE* handles,
                                         std::size_t* count) {
      handles[0].fd = of(context).ends_[0];
      *count = 1;
      return TSS2_RC{TSS2_RC_SUCCESS};
    };
  }
  ~PipeTpm() {
    for (const int end : ends_) ::close(end);
  }
  TSS2_TCTI_CONTEXT* context() { return reinterpret_cast<TSS2_TCTI_CONTEXT*>(&front_); }
  void answer() { ASSERT_EQ(::write(ends_[1], "ok", 2), 2); }

  int sent = 0;

 private:
  struct Front {
    TSS2_TCTI_CONTEXT_COMMON_V2 common{};
    PipeTpm* self = nullptr;
  };
  static PipeTpm& of(TSS2_TCTI_CONTEXT* context) {
    return *reinterpret_cast<Front*>(context)->self;
  }
  Front front_;
  std::array<int, 2> ends_{};
};

const TSS2_TCTI_CONTEXT_COMMON_V1& functions(DeadlineTcti& tcti) {
  return *reinterpret_cast<const TSS2_TCTI_CONTEXT_COMMON_V1*>(tcti.context());
}

TSS2_RC receive(DeadlineTcti& tcti) {
  std::array<std::uint8_t, 16> buffer{};
  std::size_t size = buffer.size();
  return functions(tcti).receive(tcti.context(), &size, buffer.data(), TSS2_TCTI_TIMEOUT_BLOCK);
}

TSS2_RC transmit(DeadlineTcti& tcti) {
  const std::array<std::uint8_t, 4> command{};
  return functions(tcti).transmit(tcti.context(), command.size(), command.data());
}

TEST(DeadlineTcti, HandsAnAnswerOnThatIsThere) {
  PipeTpm tpm;
  DeadlineTcti tcti(tpm.context(), milliseconds(10'000));
  EXPECT_EQ(transmit(tcti), TSS2_RC_SUCCESS);
  tpm.answer();
  EXPECT_EQ(receive(tcti), TSS2_RC_SUCCESS);
}

// What comes later may be the old answer: the connection is not used again.
TEST(DeadlineTcti, GivesASilentTpmUpAndNeverUsesItAgain) {
  PipeTpm tpm;
  DeadlineTcti tcti(tpm.context(), milliseconds(1));
  EXPECT_EQ(transmit(tcti), TSS2_RC_SUCCESS);
  EXPECT_EQ(receive(tcti), TSS2_TCTI_RC_IO_ERROR);
  tpm.answer();
  EXPECT_EQ(receive(tcti), TSS2_TCTI_RC_IO_ERROR);
  EXPECT_EQ(transmit(tcti), TSS2_TCTI_RC_IO_ERROR);
  EXPECT_EQ(tpm.sent, 1);
}

TEST(DeadlineTcti, LeavesATpmThatCannotBePolledItsOwnTime) {
  PipeTpm tpm(false);
  DeadlineTcti tcti(tpm.context(), milliseconds(1));
  tpm.answer();
  EXPECT_EQ(receive(tcti), TSS2_RC_SUCCESS);
}

}  // namespace
}  // namespace avouch::adapters
