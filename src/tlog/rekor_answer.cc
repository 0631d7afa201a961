#include "tlog/rekor_answer.h"

#include <utility>

#include "codec/base64.h"
#include "codec/json.h"
#include "tlog/hashed_rekord.h"

namespace avouch::tlog {

Hash rekor_log_id(const NoteVerifier& log_key) {
  return named_key_digest(log_key, NoteKeyType::kEd25519);
}

std::string format_rekor_answer(ByteView entry, const RekorPlace& place) {
  using codec::Json;
  // 64-bit numbers are text, as protobuf's JSON has them.
  const std::string index = std::to_string(place.index);
  Json::Array hashes;
  for (const Hash& hash : place.path) hashes.push_back(codec::to_base64(hash));
  Json proof = Json::Object{{"logIndex", index},
                            {"rootHash", codec::to_base64(place.checkpoint.root())},
                            {"treeSize", std::to_string(place.checkpoint.size())},
                            {"hashes", std::move(hashes)},
                            {"checkpoint", Json::Object{{"envelope", place.checkpoint.note()}}}};
  return codec::to_json(Json::Object{
      {"logIndex", index},
      {"logId", Json::Object{{"keyId", codec::to_base64(place.log_id)}}},
      {"kindVersion", Json::Object{{"kind", kHashedRekord}, {"version", kHashedRekordVersion}}},
      {"integratedTime", "0"},
      {"inclusionProof", std::move(proof)},
      {"canonicalizedBody", codec::to_base64(entry)}});
}

}  // namespace avouch::tlog
