#pragma once

// AdmissionReview (admission.k8s.io/v1): the request as it came, and the answer to it.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/selector.h"
#include "base/result.h"
#include "codec/fast_json.h"

namespace avouch::admission {

inline constexpr std::size_t kMaxReviewBytes = 3 * 1024 * 1024;

// Of a review that is larger: what an answer to it needs. An API server writes it first of all.
// Nothing where it does not stand there.
std::optional<std::string> uid_at_start(std::string_view first_bytes);

struct Caller {
  std::string username;
  std::vector<std::string> groups;
  // From the token's extras (authentication.kubernetes.io/...); "" where the server gives none.
  std::string node_name, pod_name, pod_uid;
};

// One request. The views live as long as the review.
struct Review {
  explicit Review(codec::JsonDocument parsed) : document(std::move(parsed)) {}

  codec::JsonDocument document;
  std::string uid;                                    // 1 to 120 visible ASCII characters
  std::string group, version, resource, subresource;  // as matched, not as requested
  std::string operation;                              // "CREATE", "UPDATE", ...
  std::string name, ns;  // as the request names them; name is "" for some creations
  Caller caller;
  bool dry_run = false;
  codec::JsonView object, old_object;  // missing or objects
};

// Reads a body under the rules of JsonDocument (depth 64, 3 MiB). Members that are not used are not
// looked at: servers of other versions send other ones. kRejected with the field's path and what
// was expected.
Result<Review> parse_review(std::string_view body);

struct ReviewAnswer {
  bool allowed = false;
  int code = 403;       // of a denial
  std::string message;  // of a denial
  std::vector<std::string> warnings;
  std::map<std::string, std::string> audit_annotations;
};

// The AdmissionReview that answers request `uid`.
std::string write_answer(std::string_view uid, const ReviewAnswer& answer);

// metadata.labels of an object; kRejected where they are not a map of texts.
Result<attest::Labels> labels_of(const codec::JsonView& object);

}  // namespace avouch::admission
