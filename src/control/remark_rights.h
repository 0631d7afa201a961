#pragma once

// Remarks (tlog/remark.h) as Kubernetes' roles know them: a resource a kind, of which the API
// server has no objects. Who may `create` one may send such remarks, who may `get` it may read
// them. Pure.

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "tlog/remark.h"

namespace avouch::control {

inline constexpr std::array kRemarkResources = {
    std::pair{tlog::RemarkKind::kEndorsement, std::string_view("endorsements")},
    std::pair{tlog::RemarkKind::kDispute, std::string_view("disputes")},
    std::pair{tlog::RemarkKind::kMeasurement, std::string_view("measurements")},
    std::pair{tlog::RemarkKind::kSupersede, std::string_view("supersessions")},
    std::pair{tlog::RemarkKind::kErasure, std::string_view("erasures")},
};

inline std::string remark_resource(tlog::RemarkKind kind) {
  for (const auto& [each, resource] : kRemarkResources) {
    if (each == kind) return std::string(resource);
  }
  return "";
}

}  // namespace avouch::control
