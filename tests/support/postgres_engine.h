#pragma once

// The `postgres` engine for the contract suite: a schema of its own on the program's server.

#include <sys/socket.h>

#include <string>

#include "adapters/log_postgres.h"
#include "base/hex.h"
#include "support/log_engines.h"
#include "support/postgres_server.h"

namespace avouch::testing {

// The server has done what was sent, and its answer, with the connection, is lost.
inline void lose_answer(Sql& sql, const adapters::PostgresEvent& event) {
  const std::string busy =
      "SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(event.backend) +
      " AND state = 'active'";
  // Twice idle: a statement that was just sent may not have been begun.
  for (int idle = 0; idle < 2;) idle = sql.run(busy) == "0" ? idle + 1 : 0;
  char unread[4096];
  while (::recv(event.socket, unread, sizeof unread, MSG_DONTWAIT) > 0) {
  }
  ::shutdown(event.socket, SHUT_RDWR);
}

class PostgresLogEngine final : public LogEngine {
 public:
  PostgresLogEngine() = default;
  ~PostgresLogEngine() override {
    for (const std::string& name : {schema, backup()}) {
      sql().run("DROP SCHEMA IF EXISTS " + name + " CASCADE");
    }
  }
  PostgresLogEngine(const PostgresLogEngine&) = delete;
  PostgresLogEngine& operator=(const PostgresLogEngine&) = delete;

  Result<std::unique_ptr<tlog::Store>> open_store() override {
    return adapters::open_log_postgres(options);
  }
  Result<std::unique_ptr<tlog::TileReader>> open_reader() {
    return adapters::open_log_postgres_reader(options.database);
  }
  Result<std::unique_ptr<tlog::Anchor>> open_anchor(const std::string& name) override {
    return adapters::open_head_file(anchors_.path() / name);
  }
  void lose_anchor(const std::string& name) override {
    std::filesystem::remove(anchors_.path() / name);
  }

  void back_up_store() override {
    sql().run("DROP SCHEMA IF EXISTS " + backup() + " CASCADE; CREATE SCHEMA " + backup());
    if (!has_tables(schema)) return;  // a backup of nothing
    for (const char* table : kTables) {
      sql().run("CREATE TABLE " + backup() + "." + table + " AS TABLE " + schema + "." + table);
    }
  }
  void restore_store() override {
    if (!has_tables(backup())) {
      sql().run("DROP SCHEMA " + schema + " CASCADE; CREATE SCHEMA " + schema);
      return;
    }
    for (const char* table : kTables) {
      sql().run("TRUNCATE " + schema + "." + table + "; INSERT INTO " + schema + "." + table +
                " SELECT * FROM " + backup() + "." + table);
    }
  }

  bool holds(const std::string& text) override {
    const std::string bytes = "decode('" + to_hex(as_bytes(text)) + "', 'hex')";
    return run("SELECT (SELECT count(*) FROM avouch_log_object WHERE position(" + bytes +
               " IN bytes) > 0) + (SELECT count(*) FROM avouch_log_batch WHERE position(" + bytes +
               " IN segment) > 0)") != "0";
  }

  // Statements in the log's schema.
  std::string run(const std::string& statements) {
    return sql().run("SET search_path = " + schema + "; " + statements);
  }
  Sql& sql() { return PostgresServer::shared().sql(); }

  const std::string schema = PostgresServer::shared().new_schema();
  adapters::LogPostgresOptions options{
      .database = {.connection = PostgresServer::shared().connection(schema)}};

 private:
  static constexpr const char* kTables[] = {"avouch_log_schema", "avouch_log_writer",
                                            "avouch_log_batch", "avouch_log_object",
                                            "avouch_log_checkpoint"};
  std::string backup() const { return schema + "_backup"; }
  bool has_tables(const std::string& in) {
    return sql().run("SELECT count(*) FROM information_schema.tables WHERE table_schema = '" + in +
                     "' AND table_name = 'avouch_log_schema'") != "0";
  }
  TemporaryDirectory anchors_;
};

}  // namespace avouch::testing
