#include "support/postgres_server.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/hex.h"
#include "crypto/random.h"

namespace avouch::testing {
namespace {

constexpr const char* kPrograms = "/usr/lib/postgresql/15/bin/";

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "PostgreSQL for the tests: %s\n", why.c_str());
  std::abort();
}

// `command` as the user who owns the folder, ending with the thread that starts it.
std::vector<std::string> unprivileged(std::vector<std::string> command) {
  if (::geteuid() != 0) return command;
  std::vector<std::string> all{"setpriv",        "--reuid=postgres", "--regid=postgres",
                               "--clear-groups", "--pdeathsig=QUIT", "--"};
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

}  // namespace

Sql::Sql(const std::string& connection) : connection_(PQconnectdb(connection.c_str())) {
  PQsetNoticeProcessor(
      static_cast<PGconn*>(connection_), [](void*, const char*) {}, nullptr);
}

Sql::~Sql() { PQfinish(static_cast<PGconn*>(connection_)); }

std::string Sql::run(const std::string& statements) {
  const std::lock_guard lock(mutex_);
  PGresult* result = PQexec(static_cast<PGconn*>(connection_), statements.c_str());
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    give_up(statements + ": " + PQerrorMessage(static_cast<PGconn*>(connection_)));
  }
  std::string first;
  if (PQntuples(result) > 0 && PQnfields(result) > 0) first = PQgetvalue(result, 0, 0);
  PQclear(result);
  return first;
}

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

// In /tmp, since a socket's path is short and every folder above must let the server's user pass.
PostgresServer::PostgresServer(Listen listen) {
  std::string pattern = "/tmp/avouch-postgres-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) give_up("no folder in /tmp");
  folder_ = pattern;
  if (::geteuid() == 0) {
    const passwd* user = ::getpwnam("postgres");
    if (user == nullptr) give_up("there is no user postgres: install postgresql-15");
    if (::chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0) give_up("chown " + folder_);
  }
  password_ = to_hex(crypto::random_bytes(crypto::system_random(), 16));
  write_text(folder_ + "/password", password_);
  ::chmod((folder_ + "/password").c_str(), 0644);  // in a folder that only its owner may enter
  const auto made = run_command(unprivileged(
      {std::string(kPrograms) + "initdb", "--pgdata=" + folder_ + "/data", "--username=avouch",
       "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=" + folder_ + "/password",
       "--encoding=UTF8", "--no-locale", "--no-sync"}));
  if (!made.has_value()) give_up(made.error().message);
  if (listen == Listen::kNetworkToo) {
    make_certificate("server");
    make_certificate("other");
  }
  // A port that was free may be another's by now.
  for (int i = 0; i < 5 && !sql_; ++i) {
    if (listen == Listen::kNetworkToo) port_ = free_port();
    start();
  }
  if (!sql_) give_up("does not start: " + read_text(folder_ + "/server.log"));
}

void PostgresServer::make_certificate(const std::string& name) {
  const auto made = run_command(unprivileged(
      {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
       "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
       folder_ + "/" + name + ".key", "-out", folder_ + "/" + name + ".crt"}));
  if (!made.has_value()) give_up(made.error().message);
}

PostgresServer::~PostgresServer() {
  sql_.reset();
  server_.signal(SIGQUIT);  // at once: nothing of it is kept
  server_.stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void PostgresServer::start() {
  std::vector<std::string> command{std::string(kPrograms) + "postgres", "-D", folder_ + "/data",
                                   "-k", folder_};
  const std::string address = port_ == 0 ? "" : "127.0.0.1";
  for (const std::string& setting :
       {"listen_addresses=" + address, std::string("wal_level=minimal"),
        std::string("max_wal_senders=0"), std::string("shared_buffers=32MB")}) {
    command.insert(command.end(), {"-c", setting});
  }
  if (port_ != 0) {
    command.insert(command.end(), {"-p", std::to_string(port_), "-c", "ssl=on", "-c",
                                   "ssl_cert_file=" + certificate_file(), "-c",
                                   "ssl_key_file=" + folder_ + "/server.key"});
  }
  auto started = ChildProcess::start(unprivileged(command), folder_ + "/server.log");
  if (!started.has_value()) give_up(started.error().message);
  server_ = std::move(started).value();
  if (answers()) sql_ = std::make_unique<Sql>(connection());
}

bool PostgresServer::answers() {
  for (int i = 0; i < 6000 && server_.running(); ++i) {
    if (PQping(connection().c_str()) == PQPING_OK) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

std::string PostgresServer::connection(const std::string& schema) const {
  std::string text = "host=" + folder_ + " dbname=postgres user=avouch";
  if (port_ != 0) text += " port=" + std::to_string(port_);
  if (!schema.empty()) text += " options='-c search_path=" + schema + "'";
  return text;
}

std::string PostgresServer::network_connection() const {
  return "hostaddr=127.0.0.1 port=" + std::to_string(port_) +
         " dbname=postgres user=avouch password=" + password_;
}

void PostgresServer::crash_and_restart() {
  crash();
  restart();
}

void PostgresServer::crash() {
  sql_.reset();
  server_.signal(SIGQUIT);
  server_.stop();
}

void PostgresServer::restart() {
  start();
  if (!sql_) give_up("does not start again: " + read_text(folder_ + "/server.log"));
}

std::string PostgresServer::new_schema() {
  const std::string name = "log" + std::to_string(++schemas_);
  sql().run("CREATE SCHEMA " + name);
  return name;
}

}  // namespace avouch::testing
