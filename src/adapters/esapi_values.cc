#include "adapters/esapi_values.h"

#include <tss2/tss2_mu.h>

#include "adapters/esapi_connection.h"
#include "tpm/marshal.h"

namespace avouch::adapters {

Result<TPM2B_PUBLIC> to_tss_public(ByteView bytes) {
  TPM2B_PUBLIC area{};
  std::size_t offset = 0;
  if (const TSS2_RC rc = Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes.data(), bytes.size(), &offset, &area);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "TPM2B_PUBLIC");
  }
  return area;
}

Result<Bytes> from_tss_public(const TPM2B_PUBLIC& area) {
  Bytes out(sizeof(TPM2B_PUBLIC));
  std::size_t size = 0;
  if (const TSS2_RC rc = Tss2_MU_TPM2B_PUBLIC_Marshal(&area, out.data(), out.size(), &size);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "TPM2B_PUBLIC");
  }
  out.resize(size);
  return out;
}

Result<TPM2B_PUBLIC> from_nv_template(ByteView content) {
  TPM2B_PUBLIC area{};
  std::size_t offset = 0;
  if (const TSS2_RC rc =
          Tss2_MU_TPMT_PUBLIC_Unmarshal(content.data(), content.size(), &offset, &area.publicArea);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "TPMT_PUBLIC");
  }
  const ByteView padding = content.subspan(offset);
  if (std::any_of(padding.begin(), padding.end(),
                  [](std::uint8_t byte) { return byte != 0x00 && byte != 0xff; })) {
    return rejected("TPMT_PUBLIC: " + std::to_string(padding.size()) +
                    " bytes behind it, expected none or padding");
  }
  return area;
}

Result<ByteView> unsized(ByteView bytes, std::string_view what) {
  ByteReader reader(bytes);
  AVOUCH_TRY(const std::uint16_t size, reader.be16(what));
  AVOUCH_TRY(const ByteView content, reader.take(size, what));
  AVOUCH_CHECK(reader.expect_end(what));
  return content;
}

TPML_PCR_SELECTION to_tss_selection(const tpm::PcrSelection& selection) {
  TPML_PCR_SELECTION out{};
  for (const tpm::BankSelection& bank : selection) {
    if (out.count == TPM2_NUM_PCR_BANKS) break;
    TPMS_PCR_SELECTION& entry = out.pcrSelections[out.count++];
    entry.hash = tpm::algorithm_id(bank.bank);
    entry.sizeofSelect = 3;
    for (unsigned i = 0; i < 3; ++i) {
      entry.pcrSelect[i] = static_cast<BYTE>((bank.mask >> (8 * i)) & 0xff);
    }
  }
  return out;
}

std::optional<crypto::HashAlgorithm> bank_of(TPM2_ALG_ID id) {
  using crypto::HashAlgorithm;
  for (const HashAlgorithm bank : {HashAlgorithm::kSha1, HashAlgorithm::kSha256,
                                   HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
    if (tpm::algorithm_id(bank) == id) return bank;
  }
  return std::nullopt;
}

}  // namespace avouch::adapters
