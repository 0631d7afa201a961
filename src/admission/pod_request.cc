#include "admission/decide_parts.h"
#include "admission/text.h"

namespace avouch::admission {
namespace {

using codec::JsonView;

constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";

Error wrong_pod(std::string_view what) { return rejected(std::string(what)); }

Result<PodRequest> read_binding(const Review& review, std::string operation) {
  PodRequest request;
  request.operation = std::move(operation);
  request.ns = review.ns;
  const std::string_view in_object = review.object.text({"metadata", "name"});
  request.pod = review.name.empty() ? std::string(in_object) : review.name;
  if (request.pod.empty()) return wrong_pod("metadata.name: expected the pod's name");
  if (!in_object.empty() && in_object != request.pod) {
    return wrong_pod("metadata.name: the binding is of another pod than the request");
  }
  request.pod_uid = review.object.text({"metadata", "uid"});
  const std::string_view kind = review.object.text({"target", "kind"});
  if (!kind.empty() && kind != "Node") return wrong_pod("target.kind: expected Node");
  request.node = review.object.text({"target", "name"});
  if (request.node.empty()) return wrong_pod("target.name: expected a node's name");
  return request;
}

Result<PodRequest> read_pod(const Review& review) {
  PodRequest request;
  request.operation = "pods";
  request.ns = review.ns;
  request.pod = review.object.text({"metadata", "name"});
  if (request.pod.empty()) request.pod = review.object.text({"metadata", "generateName"});
  request.pod_uid = review.object.text({"metadata", "uid"});
  const JsonView node = review.object.find_path({"spec", "nodeName"});
  if (node.exists() && !node.is_null() && !node.as_string()) {
    return wrong_pod("spec.nodeName: expected a text");
  }
  request.node = node.as_string().value_or(std::string_view());
  // The kubelet's record of a static pod, which runs already.
  request.mirror =
      review.object.find_path({"metadata", "annotations", kMirrorAnnotation}).exists() &&
      !request.node.empty() && review.caller.username == "system:node:" + request.node;
  return request;
}

}  // namespace

Result<PodRequest> read_pod_request(const Review& review) {
  const bool create =
      review.operation == "CREATE" && review.group.empty() && review.version == "v1";
  const bool pods = create && review.resource == "pods";
  const bool legacy = create && review.resource == "bindings" && review.subresource.empty();
  if (!pods && !legacy) {
    return wrong_pod(
        "pods.avouch.dev decides CREATE of pods, pods/binding and bindings of v1 only, and was "
        "asked about " +
        clip(review.operation, 20) + " of " + quote(review.resource) +
        "; correct the rules of the ValidatingWebhookConfiguration");
  }
  if (review.ns.empty()) return wrong_pod("request.namespace: expected the pod's namespace");
  if (!review.object.exists()) return wrong_pod("request.object: expected the object");
  const std::string_view ns = review.object.text({"metadata", "namespace"});
  if (!ns.empty() && ns != review.ns) {
    return wrong_pod("metadata.namespace: the object is of another namespace than the request");
  }
  if (legacy) return read_binding(review, "bindings");
  if (review.subresource == "binding") return read_binding(review, "pods/binding");
  if (review.subresource.empty()) return read_pod(review);
  return wrong_pod("request.subResource: expected none or binding");
}

}  // namespace avouch::admission
