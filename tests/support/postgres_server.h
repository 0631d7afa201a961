#pragma once

// A PostgreSQL server of the test program's own: in a folder of its own, on a socket in that
// folder, as an unprivileged user (it refuses to run as root). It ends with this program.

#include <memory>
#include <mutex>
#include <string>

#include "support/process.h"

namespace avouch::testing {

// Statements of the tests' own, past all that is tested. Thread-safe. Aborts where one fails.
class Sql {
 public:
  explicit Sql(const std::string& connection);
  ~Sql();
  Sql(const Sql&) = delete;
  Sql& operator=(const Sql&) = delete;

  // The first column of the first row; "" where there is none.
  std::string run(const std::string& statements);

 private:
  std::mutex mutex_;
  void* connection_ = nullptr;
};

class PostgresServer {
 public:
  // The program's own, started at the first call, from a thread that lives as long as the program.
  static PostgresServer& shared();

  enum class Listen { kSocket, kNetworkToo };  // the latter: a free port of 127.0.0.1, by password
  explicit PostgresServer(Listen listen = Listen::kSocket);
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // libpq's connection string for a schema (may be empty), as the server's superuser.
  std::string connection(const std::string& schema = "") const;
  // The same over TCP, but for the host's name: TLS, with the certificate of this file, made for
  // "localhost"; the other file's is of another server.
  std::string network_connection() const;
  std::string certificate_file() const { return folder_ + "/server.crt"; }
  std::string other_certificate_file() const { return folder_ + "/other.crt"; }
  Sql& sql() { return *sql_; }

  // Ends at once, as in a crash of the machine, and starts again: all connections are lost.
  void crash_and_restart();
  void crash();    // and stays away; sql() may not be used
  void restart();  // after crash()

  std::string new_schema();  // a schema of that name is there, and empty

 private:
  void start();
  bool answers();

  void make_certificate(const std::string& name);

  std::string folder_, password_;
  int port_ = 0;  // none: only the socket
  ChildProcess server_;
  std::unique_ptr<Sql> sql_;
  int schemas_ = 0;
};

}  // namespace avouch::testing
