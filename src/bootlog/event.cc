#include "bootlog/event.h"

#include <array>
#include <charconv>
#include <string_view>

namespace avouch::bootlog {
namespace {

struct Name {
  std::uint32_t type;
  std::string_view name;
};

constexpr std::array kNames = {
    Name{kPrebootCert, "EV_PREBOOT_CERT"},
    Name{kPostCode, "EV_POST_CODE"},
    Name{kNoAction, "EV_NO_ACTION"},
    Name{kSeparator, "EV_SEPARATOR"},
    Name{kAction, "EV_ACTION"},
    Name{kEventTag, "EV_EVENT_TAG"},
    Name{kCrtmContents, "EV_S_CRTM_CONTENTS"},
    Name{kCrtmVersion, "EV_S_CRTM_VERSION"},
    Name{kCpuMicrocode, "EV_CPU_MICROCODE"},
    Name{kPlatformConfigFlags, "EV_PLATFORM_CONFIG_FLAGS"},
    Name{kTableOfDevices, "EV_TABLE_OF_DEVICES"},
    Name{kCompactHash, "EV_COMPACT_HASH"},
    Name{kIpl, "EV_IPL"},
    Name{kIplPartitionData, "EV_IPL_PARTITION_DATA"},
    Name{kNonhostCode, "EV_NONHOST_CODE"},
    Name{kNonhostConfig, "EV_NONHOST_CONFIG"},
    Name{kNonhostInfo, "EV_NONHOST_INFO"},
    Name{kOmitBootDeviceEvents, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    Name{kPostCode2, "EV_POST_CODE2"},
    Name{kVariableDriverConfig, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    Name{kVariableBoot, "EV_EFI_VARIABLE_BOOT"},
    Name{kBootServicesApplication, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    Name{kBootServicesDriver, "EV_EFI_BOOT_SERVICES_DRIVER"},
    Name{kRuntimeServicesDriver, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    Name{kGptEvent, "EV_EFI_GPT_EVENT"},
    Name{kEfiAction, "EV_EFI_ACTION"},
    Name{kPlatformFirmwareBlob, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    Name{kHandoffTables, "EV_EFI_HANDOFF_TABLES"},
    Name{kPlatformFirmwareBlob2, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    Name{kHandoffTables2, "EV_EFI_HANDOFF_TABLES2"},
    Name{kVariableBoot2, "EV_EFI_VARIABLE_BOOT2"},
    Name{kGptEvent2, "EV_EFI_GPT_EVENT2"},
    Name{kHcrtmEvent, "EV_EFI_HCRTM_EVENT"},
    Name{kVariableAuthority, "EV_EFI_VARIABLE_AUTHORITY"},
    Name{kSpdmFirmwareBlob, "EV_EFI_SPDM_FIRMWARE_BLOB"},
    Name{kSpdmFirmwareConfig, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
    Name{kSpdmDevicePolicy, "EV_EFI_SPDM_DEVICE_POLICY"},
    Name{kSpdmDeviceAuthority, "EV_EFI_SPDM_DEVICE_AUTHORITY"},
};

}  // namespace

std::string event_type_name(std::uint32_t type) {
  for (const Name& known : kNames) {
    if (known.type == type) return std::string(known.name);
  }
  std::array<char, 8> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), type, 16);
  return "EV_0x" + std::string(digits.data(), end.ptr);
}

}  // namespace avouch::bootlog
