#pragma once

// The release's log through the API server's service proxy.

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "codec/json.h"
#include "inspect/release.h"
#include "kube/transport.h"
#include "tlog/store.h"
#include "tlog/tree.h"

namespace avouch::inspect {

// What the controller says of an entry: nothing of it is believed before it is verified.
struct UnverifiedListed {
  std::uint64_t index = 0;
  std::string kind;
  Bytes statement;
  Bytes preimage;                          // empty where it is withheld
  std::string withheld;                    // why, or ""
  std::optional<std::uint64_t> erased_by;  // the entry by which its content was erased or pruned
  bool is_pruned = false;                  // that entry is a pruning
};

struct UnverifiedList {
  std::vector<UnverifiedListed> entries;  // newest first
  std::uint64_t from = 0;  // the controller has looked no further back than to this entry
};

struct UnverifiedRenewal {
  std::uint64_t epoch_index = 0;
  std::uint64_t leaf_index = 0, size = 0;
  std::vector<tlog::Hash> path;
};

// A log of the release's chain, as the controller lists it: nothing of it is believed.
struct UnverifiedShard {
  std::string origin;
  std::string prefix;  // of its tiles: "/log/", "/log/2027/"
  bool is_closed = false;
};

// Not thread-safe. The transport must outlive it. kRetryable where nothing or a 5xx answers.
class LogAccess final : public tlog::TileReader {
 public:
  // `reader_token` opens the content of entries (docs/interfaces.md); "" reads public data only.
  LogAccess(kube::Transport& transport, const ReleaseName& release, std::string reader_token);

  // The logs of the release, oldest first; none where the controller has no such list.
  Result<std::vector<UnverifiedShard>> shards();
  // Origins of those that the last list says are there no more, or damaged.
  const std::vector<std::string>& not_served() const { return not_served_; }
  // From now on it is this one that is read: tiles, entries, lists. Before, the one at "/log/".
  void select(const UnverifiedShard& shard);

  // Nothing too for what the log denies as it was pruned: tlog/retention.h says whether it may.
  Result<std::optional<Bytes>> fetch(std::string_view path) override;

  Result<UnverifiedListed> entry(std::uint64_t index);
  // `query` is "node=NAME" or "namespace=NS&pod=NAME" (where wanted with "&uid=UID", for what names
  // that UID alone), with "&before=N" to go on.
  Result<UnverifiedList> list(const std::string& query, int limit);
  // Its COSE Receipt (tlog/receipt.h), by the newest checkpoint. kRejected for a closed log.
  Result<Bytes> receipt(std::uint64_t index);
  // Of a token of `node`; nothing while it is in no epoch entry yet.
  Result<std::optional<UnverifiedRenewal>> renewal(const std::string& node,
                                                   const tlog::Hash& token_digest);

  // Records of verdicts of `node`, by the SHA-256 of the token (docs/interfaces.md). Nothing where
  // it is not kept (any more).
  Result<std::optional<Bytes>> record(const std::string& node, const tlog::Hash& token);
  // What that record names; kRejected over `max_bytes`. Read in pieces.
  Result<std::optional<Bytes>> record_object(const std::string& node, const tlog::Hash& token,
                                             const tlog::Hash& object, std::size_t max_bytes);

  const ReleaseName& release() const { return release_; }

  // False: nobody is authenticated, and the controller gives no content at all.
  bool reads_content() const { return !token_.empty(); }

  // Whether some request was refused: the error is then about the caller's rights or a name, and
  // says nothing about what the log holds.
  bool was_refused() const { return refused_; }

 private:
  Result<HttpResponse> get(const std::string& path, const std::string& query, bool with_token);
  Error unexpected(const HttpResponse& response, const std::string& path);
  Result<std::optional<Bytes>> get_kept(const std::string& path, const std::string& query);
  Result<codec::Json> get_json(const std::string& path, const std::string& query);
  std::string of_log(const std::string& query) const;

  kube::Transport& transport_;
  ReleaseName release_;
  std::string prefix_;
  std::string token_;
  std::string tiles_ = "/log/";  // prefix of the log that is read
  std::string log_query_;        // names it: "log=ORIGIN", or ""
  bool is_closed_ = false;
  std::vector<std::string> not_served_;
  bool refused_ = false;
};

}  // namespace avouch::inspect
