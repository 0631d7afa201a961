#pragma once

// Sends a remark (tlog/remark.h) to be recorded in the release's log, and checks what came of it.

#include <cstdint>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "inspect/proof.h"
#include "inspect/release.h"
#include "kube/transport.h"
#include "tlog/remark.h"

namespace avouch::inspect {

struct UnverifiedRecorded {
  std::uint64_t index = 0;
  Bytes statement, preimage, receipt;  // preimage empty: it has been erased since
};

// Where remarks of a kind are POSTed, at the controller.
std::string remark_path(tlog::RemarkKind kind);

// What the controller answers with 201. kRejected where it is of another form.
Result<UnverifiedRecorded> parse_recorded(ByteView body);

// `token` is of an account that may create the resource of the kind. `pause`, errors: as
// post_to_log; kRejected too where the answer is of another form.
Result<UnverifiedRecorded> send_remark(kube::Transport& transport, const ReleaseName& release,
                                       const std::string& token, const tlog::RemarkRequest& request,
                                       const std::function<void()>& pause);

// The tree of what holds: the log signed a root with the entry, the verifier signed the entry, its
// content is what was sent, in the name of `by`.
ProofStep check_recorded(const UnverifiedRecorded& recorded, const tlog::Remark& sent,
                         const std::string& by, const TrustAnchors& anchors);

}  // namespace avouch::inspect
