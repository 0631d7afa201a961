#include "adapters/kubectl_proxy.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <filesystem>
#include <sstream>
#include <thread>

#include "adapters/files.h"

namespace avouch::adapters {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using LocalStream = beast::basic_stream<asio::local::stream_protocol>;

constexpr std::size_t kMaxAnswer = 64 * 1024 * 1024;
constexpr std::size_t kMaxMessage = 4096;
constexpr std::chrono::milliseconds kPoll{20};

Error connection_error(std::string_view what, const beast::error_code& code) {
  return retryable(std::string(what) + ": " + code.message());
}

// Runs what was started on `context` and gives its error.
template <typename Start>
beast::error_code run(asio::io_context& context, Start start) {
  beast::error_code result = asio::error::operation_aborted;
  start([&](beast::error_code code, auto...) { result = code; });
  context.restart();
  context.run();
  return result;
}

// kubectl with `words`, its output in FOLDER/messages. Ends with this process, whatever ends that.
Result<pid_t> start_kubectl(const KubectlOptions& options, std::vector<std::string> words,
                            const std::string& folder) {
  words.insert(words.begin(), options.program);
  if (!options.kubeconfig.empty()) words.push_back("--kubeconfig=" + options.kubeconfig);
  if (!options.context.empty()) words.push_back("--context=" + options.context);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return retryable("kubectl cannot be started: no more processes");
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(1);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int messages = open((folder + "/messages").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  dup2(messages, STDOUT_FILENO);
  dup2(messages, STDERR_FILENO);
  execvp(arguments[0], arguments.data());
  dprintf(STDERR_FILENO, "%s: not found on the PATH", arguments[0]);
  _exit(127);
}

// A folder that only this user may enter; removed with the object.
struct PrivateFolder {
  std::string path;

  PrivateFolder() = default;
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
};

Result<std::string> make_socket_folder() {
  std::error_code nowhere;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(nowhere);
  if (nowhere) {
    return rejected("there is no temporary folder (" + nowhere.message() +
                    "): set TMPDIR to one that is there");
  }
  std::string pattern = (parent / "kubectl-avouch-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    return rejected("no temporary folder can be made as " + pattern + ": " +
                    std::error_code(errno, std::generic_category()).message() +
                    "; TMPDIR names another place");
  }
  return pattern;
}

// Whether somebody listens there. The socket's file is there a moment before that.
bool answers(const std::string& socket) {
  if (!std::filesystem::exists(socket)) return false;
  asio::io_context context;
  asio::local::stream_protocol::socket probe(context);
  boost::system::error_code failed;
  probe.connect(asio::local::stream_protocol::endpoint(socket), failed);
  return !failed;
}

std::string on_one_line(std::string_view text) {
  std::string out;
  for (const char each : text) {
    if (each == '\n') {
      out += "; ";
    } else {
      out += each;
    }
  }
  while (out.ends_with("; ")) out.resize(out.size() - 2);
  return out;
}

std::string kubectl_words(const std::string& folder) {
  const auto text = read_file(folder + "/messages", kMaxMessage);
  if (!text.has_value() || !*text) return "";
  return std::string(as_text(**text));
}

// What it complained of.
std::string kubectl_complaint(const std::string& folder) {
  return on_one_line(kubectl_words(folder));
}

}  // namespace

Result<std::unique_ptr<KubectlProxy>> KubectlProxy::start(const KubectlOptions& options) {
  std::unique_ptr<KubectlProxy> out(new KubectlProxy);
  AVOUCH_TRY(out->folder_, make_socket_folder());

  const std::string socket = out->folder_ + "/socket";
  std::vector<std::string> words = {"proxy", "--unix-socket=" + socket};
  AVOUCH_TRY(const pid_t child, start_kubectl(options, std::move(words), out->folder_));
  out->child_ = child;

  const auto deadline = std::chrono::steady_clock::now() + options.start_timeout;
  while (!answers(socket)) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child) {
      out->child_ = -1;
      return rejected("kubectl cannot reach a cluster: " + kubectl_complaint(out->folder_));
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return retryable("kubectl proxy did not start in time: " + kubectl_complaint(out->folder_));
    }
    std::this_thread::sleep_for(kPoll);
  }
  return out;
}

Result<KubectlContext> current_context(const KubectlOptions& options) {
  PrivateFolder folder;
  AVOUCH_TRY(folder.path, make_socket_folder());
  AVOUCH_TRY(const pid_t child, start_kubectl(options,
                                              {"config", "view", "--minify",
                                               "--output=jsonpath={.current-context}{'\\n'}"
                                               "{.clusters[0].cluster.server}{'\\n'}{..namespace}"},
                                              folder.path));
  int status = 0;
  waitpid(child, &status, 0);
  const std::string words = kubectl_words(folder.path);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return rejected("kubectl has no context to work with: " + on_one_line(words));
  }
  KubectlContext out;
  std::istringstream lines(words);
  std::string ns;
  std::getline(lines, out.name);
  std::getline(lines, out.server);
  std::getline(lines, ns);
  if (!ns.empty()) out.ns = std::move(ns);
  return out;
}

KubectlProxy::~KubectlProxy() {
  if (child_ > 0) {
    kill(child_, SIGTERM);
    waitpid(child_, nullptr, 0);
  }
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Result<HttpResponse> KubectlProxy::send(const HttpRequest& request,
                                        std::chrono::milliseconds timeout, std::stop_token stop) {
  if (stop.stop_requested()) return retryable("stopped");
  auto answer = exchange(request, timeout);
  std::optional<ServerTrouble> trouble;
  if (answer.has_value()) trouble = trouble_in(*answer);
  // A service behind the API server may be what keeps silent; the API server itself is not then.
  if (!answer.has_value() && answer.error().kind == ErrorKind::kRetryable &&
      request.path.find("/proxy/") == std::string::npos) {
    trouble = ServerTrouble{ServerTrouble::Kind::kSilent, answer.error().message};
  }
  {
    const std::lock_guard lock(mutex_);
    trouble_ = trouble;
  }
  if (trouble) return retryable("the API server cannot be asked: " + trouble->words);
  return answer;
}

std::optional<ServerTrouble> KubectlProxy::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

Result<HttpResponse> KubectlProxy::exchange(const HttpRequest& request,
                                            std::chrono::milliseconds timeout) {
  asio::io_context context(1);
  LocalStream stream(context);
  stream.expires_after(timeout);
  const asio::local::stream_protocol::endpoint endpoint(folder_ + "/socket");
  if (const auto code = run(context, [&](auto done) { stream.async_connect(endpoint, done); })) {
    return connection_error("kubectl proxy", code);
  }

  http::request<http::string_body> message;
  message.method_string(request.method);
  message.target(request.query.empty() ? request.path : request.path + "?" + request.query);
  message.version(11);
  message.set(http::field::host, "localhost");
  message.set(http::field::connection, "close");
  for (const auto& [name, value] : request.headers.list()) message.set(name, value);
  message.body() = request.body;
  message.prepare_payload();
  if (const auto code =
          run(context, [&](auto done) { http::async_write(stream, message, done); })) {
    return connection_error("kubectl proxy", code);
  }

  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxAnswer);
  if (const auto code =
          run(context, [&](auto done) { http::async_read(stream, buffer, parser, done); })) {
    if (code == http::error::body_limit) {
      return rejected(request.path + ": the answer is larger than 64 MiB");
    }
    return connection_error(request.path, code);
  }
  HttpResponse out;
  const auto& answer = parser.get();
  out.status = static_cast<int>(answer.result_int());
  out.content_type = std::string(answer[http::field::content_type]);
  for (const auto& field : answer) {
    out.headers.add(std::string(field.name_string()), std::string(field.value()));
  }
  out.body = answer.body();
  return out;
}

Result<HttpResponse> KubectlProxy::stream(const HttpRequest& request, const kube::StreamLimits&,
                                          const OnLine&, std::stop_token) {
  return rejected(request.path + ": watches do not go through kubectl proxy");
}

}  // namespace avouch::adapters
