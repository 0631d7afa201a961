#pragma once

// Event types of the TCG PC Client Platform Firmware Profile (PFP 1.06, table 27).

#include <cstdint>
#include <string>

namespace avouch::bootlog {

inline constexpr std::uint32_t kPrebootCert = 0x0, kPostCode = 0x1, kNoAction = 0x3,
                               kSeparator = 0x4, kAction = 0x5, kEventTag = 0x6,
                               kCrtmContents = 0x7, kCrtmVersion = 0x8, kCpuMicrocode = 0x9,
                               kPlatformConfigFlags = 0xa, kTableOfDevices = 0xb,
                               kCompactHash = 0xc, kIpl = 0xd, kIplPartitionData = 0xe,
                               kNonhostCode = 0xf, kNonhostConfig = 0x10, kNonhostInfo = 0x11,
                               kOmitBootDeviceEvents = 0x12, kPostCode2 = 0x13,
                               kVariableDriverConfig = 0x80000001, kVariableBoot = 0x80000002,
                               kBootServicesApplication = 0x80000003,
                               kBootServicesDriver = 0x80000004,
                               kRuntimeServicesDriver = 0x80000005, kGptEvent = 0x80000006,
                               kEfiAction = 0x80000007, kPlatformFirmwareBlob = 0x80000008,
                               kHandoffTables = 0x80000009, kPlatformFirmwareBlob2 = 0x8000000a,
                               kHandoffTables2 = 0x8000000b, kVariableBoot2 = 0x8000000c,
                               kGptEvent2 = 0x8000000d, kHcrtmEvent = 0x80000010,
                               kVariableAuthority = 0x800000e0, kSpdmFirmwareBlob = 0x800000e1,
                               kSpdmFirmwareConfig = 0x800000e2, kSpdmDevicePolicy = 0x800000e3,
                               kSpdmDeviceAuthority = 0x800000e4;

// "EV_EFI_ACTION"; of others "EV_" and the number, as in "EV_0x80000123".
std::string event_type_name(std::uint32_t type);

}  // namespace avouch::bootlog
