#pragma once

// The base RIM of a PC Client RIM (TCG PC Client Reference Integrity Manifest 1.04; TCG RIM
// Information Model 1.01): a SWID tag (ISO/IEC 19770-2:2015, NIST IR 8060) whose payload names
// support files by their digests. No signature is looked at here (xml_signature.h).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "provision/xml.h"
#include "reference/digest.h"

namespace avouch::provision {

// A file that the tag speaks of.
struct SwidFile {
  enum class Kind {
    kEventLog,   // supportRIMFormat TCG_EventLog_Assertion, or without one by its name: .rimel
    kPcrValues,  // TPM_PCR_Assertion, or .rimpcr
    kOther,
  };
  std::string name;  // a file's name and no path: 1 to 255 bytes of printable ASCII
  Kind kind = Kind::kOther;
  std::optional<std::uint64_t> size;
  std::vector<reference::Digest> digests;  // at least one; SHA-1 ones are left out
};

struct SwidTag {
  std::string name, tag_id;  // for people, printable
  std::vector<SwidFile> files;
  // For people, printable: whose RIM and what for, and what of it is not taken.
  std::vector<std::string> remarks;
};

// Names of files may differ in spelling of attributes (pcURIlocal, pcUriLocal), not in meaning.
// kRejected, naming the element: another root or binding specification than the PC Client RIM's, a
// patch, a payload that is not direct (whose digests stand elsewhere), no payload, a file without a
// name that is one, or without a digest by SHA-256, SHA-384 or SHA-512, a name given twice, more
// than 256 files.
Result<SwidTag> read_swid_tag(const XmlElement& root);

}  // namespace avouch::provision
