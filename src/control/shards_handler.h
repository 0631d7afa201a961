#pragma once

// The logs of a chain over HTTP, apart from the one that is written: GET /log/shards lists them
// all, /log/ and /log/LABEL/ serve those that are closed. docs/interfaces.md, 'Log, read side'.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.h"
#include "control/closed_shards.h"
#include "control/work_pool.h"
#include "tlog/note.h"

namespace avouch::control {

inline constexpr std::string_view kLogPrefix = "/log/";
inline constexpr std::string_view kShardsPath = "/log/shards";

// "/log/LABEL/", or "/log/" of the log without a label.
std::string shard_prefix(std::string_view label);

class ShardsHandler final : public HttpHandler {
 public:
  struct Parts {
    ClosedShards& closed;
    std::string open_label;                // of the log that is written
    std::vector<tlog::NoteVerifier> keys;  // of any log of the chain
  };
  // References outlive it. `pool`: as TileHandler's.
  ShardsHandler(Parts parts, WorkPool* pool) : parts_(std::move(parts)), pool_(pool) {}

  Result<BodyPlan> plan(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

 private:
  HttpResponse answer(const std::string& path);
  HttpResponse list();

  const Parts parts_;
  WorkPool* const pool_;
};

}  // namespace avouch::control
