#include "adapters/http_tiles.h"

#include <utility>

#include "adapters/rest_transport.h"
#include "tlog/bundle.h"
#include "tlog/tile.h"

namespace avouch::adapters {
namespace {

// A full bundle of the largest entries; and checkpoints and tiles, which have no business to be
// larger than what proves a contradiction of two of them in a file.
constexpr std::size_t kMaxBundleBytes = tlog::kTileWidth * (tlog::kMaxEntryBytes + 2);
constexpr std::size_t kMaxOtherBytes = 64 * 1024;
constexpr std::string_view kBundles = "tile/entries/";

class HttpTiles final : public tlog::TileReader {
 public:
  HttpTiles(std::unique_ptr<RestTransport> bundles, std::unique_ptr<RestTransport> others,
            const HttpTilesOptions& options)
      : bundles_(std::move(bundles)),
        others_(std::move(others)),
        timeout_(options.timeout),
        stop_(options.stop) {}

  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    HttpRequest request;
    request.method = "GET";
    request.path = "/" + std::string(path);
    request.headers.add("User-Agent", "avouch-log");
    RestTransport& transport = path.starts_with(kBundles) ? *bundles_ : *others_;
    const auto response = transport.send(request, timeout_, stop_);
    if (!response.has_value()) return retryable(response.error().message);
    // 410: a log denies what it has pruned.
    if (response->status == 404 || response->status == 410) return std::optional<Bytes>();
    if (response->status != 200) {
      return retryable("GET " + request.path + ": " + std::to_string(response->status) +
                       ", expected 200, 404 or 410");
    }
    const auto encoding = response->headers.find("Content-Encoding");
    if (encoding && *encoding != "identity") {
      return retryable("GET " + request.path +
                       ": the answer has a Content-Encoding, expected none");
    }
    return std::optional(to_bytes(response->body));
  }

 private:
  const std::unique_ptr<RestTransport> bundles_, others_;
  const std::chrono::milliseconds timeout_;
  const std::stop_token stop_;
};

Result<std::unique_ptr<RestTransport>> open_transport(const HttpTilesOptions& options,
                                                      std::size_t limit) {
  RestOptions rest;
  rest.base_url = options.url;
  while (rest.base_url.ends_with('/')) rest.base_url.pop_back();
  rest.ca_pem = options.ca_pem;
  rest.max_body_bytes = limit;
  rest.plain_on_loopback = true;
  return RestTransport::create(std::move(rest));
}

}  // namespace

Result<std::unique_ptr<tlog::TileReader>> open_http_tiles(const HttpTilesOptions& options) {
  AVOUCH_TRY(auto bundles, open_transport(options, kMaxBundleBytes));
  AVOUCH_TRY(auto others, open_transport(options, kMaxOtherBytes));
  return std::unique_ptr<tlog::TileReader>(
      std::make_unique<HttpTiles>(std::move(bundles), std::move(others), options));
}

}  // namespace avouch::adapters
