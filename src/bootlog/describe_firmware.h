#pragma once

// Events of firmware, decoded for people. Private to bootlog/. Each adds what it can read; nothing
// where the data is of another form, so that the caller shows it as bytes.

#include <vector>

#include "attest/reason.h"
#include "base/bytes.h"

namespace avouch::bootlog {

using Fields = std::vector<attest::ReasonField>;

// TCG_EfiSpecIDEvent and TCG_EfiStartupLocalityEvent (TCG PFP 1.06, 10.4.5).
bool add_no_action(ByteView data, Fields& out);
// UEFI_PLATFORM_FIRMWARE_BLOB, and the second form with a description (10.2.4, 10.2.5).
bool add_firmware_blob(ByteView data, Fields& out);
bool add_firmware_blob2(ByteView data, Fields& out);
// UEFI_GPT_DATA (10.2.7): the disk, and its partitions, at most 16 of them.
bool add_partitions(ByteView data, Fields& out);
// Values of the variables BootOrder and Boot#### (UEFI 2.10, 3.1.3).
bool add_boot_order(ByteView value, Fields& out);
bool add_load_option(ByteView value, Fields& out);
// TCG_PCClientTaggedEvent (10.4.2.1): the tag, and its data as text.
bool add_tagged(ByteView data, Fields& out);

}  // namespace avouch::bootlog
