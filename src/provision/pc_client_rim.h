#pragma once

// Reference values out of a PC Client RIM: a signed SWID tag (swid_tag.h) and the event log that it
// names by its digest (the support RIM, .rimel).
//
// Taken is of each event log what draft_from_logs takes of a boot log, each component named with
// its file and event. What no ReferenceManifest has a place for is told in remarks: values of PCRs
// (those of the log, for pcrs.exact of a policy), the events that were not taken by PCR and type,
// support files of PCR values and other files, links, and what else the tag says.

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "provision/draft.h"
#include "provision/xml.h"
#include "provision/xml_signature.h"

namespace avouch::provision {

// Seam: the files beside a tag.
class SupportFiles {
 public:
  virtual ~SupportFiles() = default;
  // Nothing where there is no such file; kRejected over `max_bytes`. `name` is no path.
  virtual Result<std::optional<Bytes>> read(const std::string& name, std::size_t max_bytes) = 0;
};

// The signature may be over the document as it is or, as the tools of NSA's HIRS write and check
// it, over the document without texts of mere white space: such tags were indented after signing.
//
// With `trust`, only a tag signed by someone of it; without, it is believed as it is, which a
// remark says. kRejected names the element or file: what read_signed_xml and read_swid_tag refuse;
// no event log among its files; one that is not there, is not of the size or the digests that the
// tag says, or is refused as a boot log.
Result<Draft> read_pc_client_rim(XmlReader& reader, ByteView tag, SupportFiles& files,
                                 const SignerTrust* trust);

}  // namespace avouch::provision
