#include "adapters/esapi_nv.h"

#include <algorithm>
#include <vector>

namespace avouch::adapters {
namespace {

constexpr std::size_t kMaxNvBytes = 16 * 1024;
constexpr std::uint16_t kChunk = 512;  // every TPM's buffer holds that much

// An NV index handle must be closed, not flushed.
struct NvHandle {
  ESYS_CONTEXT* esys;
  ESYS_TR handle = ESYS_TR_NONE;
  ~NvHandle() {
    if (handle != ESYS_TR_NONE) Esys_TR_Close(esys, &handle);
  }
};

// The TPM wants a password, or the index is locked against reading.
bool is_closed(TSS2_RC code) {
  const TSS2_RC base = code & ~TSS2_RC_LAYER_MASK;
  if (base == TPM2_RC_NV_LOCKED || base == TPM2_RC_NV_AUTHORIZATION) return true;
  constexpr TSS2_RC kWithoutPlace = 0xbf;  // of format one: what, without which session
  return (base & TPM2_RC_FMT1) != 0 && ((base & kWithoutPlace) == TPM2_RC_AUTH_FAIL ||
                                        (base & kWithoutPlace) == TPM2_RC_BAD_AUTH);
}

}  // namespace

Result<std::vector<std::uint32_t>> nv_indices(const EsapiConnection& tpm, std::uint32_t first,
                                              std::uint32_t last) {
  TPMI_YES_NO more = TPM2_NO;
  TPMS_CAPABILITY_DATA* raw = nullptr;
  if (const TSS2_RC rc = Esys_GetCapability(tpm.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                            TPM2_CAP_HANDLES, first, 64, &more, &raw);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "list NV indices");
  }
  const EsysPtr<TPMS_CAPABILITY_DATA> data(raw);
  std::vector<std::uint32_t> out;
  const std::uint32_t count =
      std::min<std::uint32_t>(data->data.handles.count, TPM2_MAX_CAP_HANDLES);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t handle = data->data.handles.handle[i];
    if (handle >= first && handle <= last) out.push_back(handle);
  }
  return out;
}

Result<std::optional<Bytes>> read_nv(const EsapiConnection& tpm, std::uint32_t index) {
  AVOUCH_TRY(const auto defined, nv_indices(tpm, index, index));
  if (defined.empty()) return std::optional<Bytes>();

  NvHandle nv{tpm.get()};
  if (const TSS2_RC rc = Esys_TR_FromTPMPublic(tpm.get(), index, ESYS_TR_NONE, ESYS_TR_NONE,
                                               ESYS_TR_NONE, &nv.handle);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "open NV index");
  }
  TPM2B_NV_PUBLIC* raw_public = nullptr;
  TPM2B_NAME* raw_name = nullptr;
  if (const TSS2_RC rc = Esys_NV_ReadPublic(tpm.get(), nv.handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                            ESYS_TR_NONE, &raw_public, &raw_name);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "read NV public area");
  }
  const EsysPtr<TPM2B_NV_PUBLIC> area(raw_public);
  const EsysPtr<TPM2B_NAME> name(raw_name);

  const TPMA_NV attributes = area->nvPublic.attributes;
  if ((attributes & (TPMA_NV_AUTHREAD | TPMA_NV_OWNERREAD)) == 0 ||
      (attributes & TPMA_NV_WRITTEN) == 0) {
    return std::optional<Bytes>();
  }
  if (area->nvPublic.dataSize > kMaxNvBytes) {
    return rejected("NV index has " + std::to_string(area->nvPublic.dataSize) +
                    " bytes, expected at most " + std::to_string(kMaxNvBytes));
  }
  const ESYS_TR authority = (attributes & TPMA_NV_AUTHREAD) != 0 ? nv.handle : ESYS_TR_RH_OWNER;
  Bytes content;
  while (content.size() < area->nvPublic.dataSize) {
    const auto offset = static_cast<std::uint16_t>(content.size());
    const auto want = static_cast<std::uint16_t>(
        std::min<std::size_t>(kChunk, area->nvPublic.dataSize - content.size()));
    TPM2B_MAX_NV_BUFFER* raw_piece = nullptr;
    if (const TSS2_RC rc = Esys_NV_Read(tpm.get(), authority, nv.handle, ESYS_TR_PASSWORD,
                                        ESYS_TR_NONE, ESYS_TR_NONE, want, offset, &raw_piece);
        rc != TSS2_RC_SUCCESS) {
      if (is_closed(rc)) return std::optional<Bytes>();
      return tss_error(rc, "read NV index");
    }
    const EsysPtr<TPM2B_MAX_NV_BUFFER> piece(raw_piece);
    if (piece->size != want) return rejected("read NV index: the TPM answered with another size");
    append(content, ByteView(piece->buffer, piece->size));
  }
  return std::optional(std::move(content));
}

}  // namespace avouch::adapters
