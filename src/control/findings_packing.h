#pragma once

// Findings about logs as bytes and back (base/packing.h). Only of authentic bytes.

#include <memory>
#include <stdexcept>
#include <utility>

#include "attest/reason.h"
#include "base/packing.h"
#include "control/log_judge.h"

namespace avouch {

void visit(auto& archive, Is<attest::EventPlace> auto& x) { archive(x.pcr, x.number); }
void visit(auto& archive, Is<attest::LinePlace> auto& x) { archive(x.file, x.line); }
void visit(auto& archive, Is<attest::ReasonField> auto& x) { archive(x.name, x.value); }
void visit(auto& archive, Is<attest::Reason> auto& x) {
  archive(x.code, x.severity, x.message, x.event, x.line, x.fields, x.suggestion);
}
void visit(auto& archive, Is<attest::TrustVector> auto& x) { archive(x.values); }
void visit(auto& archive, Is<attest::BootLogReference> auto& x) { archive(x.digest, x.size); }
void visit(auto& archive, Is<appraisal::BootFindings> auto& x) {
  archive(x.vector, x.reasons, x.command_lines, x.coverage, x.quirks_used);
}
void visit(auto& archive, Is<appraisal::RuntimeFindings> auto& x) {
  archive(x.proven, x.findings, x.detailed, x.unproven_entries);
}
template <typename T>
requires Is<T, runtimelog::ReplayState> || Is<T, runtimelog::Findings>
void visit(Packer& archive, T& x) { archive(x.encode()); }
template <typename T>
requires Is<T, runtimelog::ReplayState> || Is<T, runtimelog::Findings>
void visit(Unpacker& archive, T& x) {
  auto read = T::decode(archive.take<Bytes>());
  if (!read.has_value()) throw std::runtime_error("packed findings: " + read.error().message);
  x = *std::move(read);
}

// Null, a result, or the reason why there is none.
template <typename T>
void pack_judged(Packer& archive, const std::shared_ptr<const attest::Checked<T>>& x) {
  archive(static_cast<std::uint8_t>(x == nullptr ? 0 : x->has_value() ? 1 : 2));
  if (x == nullptr) return;
  if (x->has_value()) {
    archive(x->value());
  } else {
    archive(x->reason());
  }
}
template <typename T>
void unpack_judged(Unpacker& archive, std::shared_ptr<const attest::Checked<T>>& x) {
  switch (archive.take<std::uint8_t>()) {
    case 0:
      x = nullptr;
      return;
    case 1:
      x = appraisal::judged(attest::Checked<T>(archive.take<T>()));
      return;
    case 2:
      x = appraisal::judged(attest::Checked<T>(archive.take<attest::Reason>()));
      return;
    default:
      throw std::runtime_error("packed findings: neither a result nor a reason");
  }
}

inline void visit(Packer& archive, const control::PolicyFindings& x) {
  archive(x.rules_digest);
  pack_judged(archive, x.boot);
  pack_judged(archive, x.runtime);
}
inline void visit(Unpacker& archive, control::PolicyFindings& x) {
  archive(x.rules_digest);
  unpack_judged(archive, x.boot);
  unpack_judged(archive, x.runtime);
}

}  // namespace avouch
