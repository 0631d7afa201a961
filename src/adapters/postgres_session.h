#pragma once

// One connection to a PostgreSQL-compatible server, over libpq. Every wait is bounded; every value
// that comes back is taken for hostile until its type and size are what was asked for.
//
// Errors of run(), begin() and connect(): kRetryable where a later try may go well (no connection,
// no room, a timeout, a conflict of transactions); kFatal for everything else. Either way the
// transaction under way has no effect. Messages carry what the server said in one line, its
// SQLSTATE, and never the connection string. One thread at a time.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct pg_conn;
struct pg_result;

namespace avouch::adapters {

// What is about to happen on a connection: tests kill it there.
struct PostgresEvent {
  enum class When { kBefore, kSent };  // the statement is not sent yet; sent, and not answered
  When when = When::kBefore;
  std::string_view statement;
  int backend = 0;  // process id at the server
  int socket = -1;
};

struct PostgresOptions {
  // libpq's connection string, "host=db dbname=avouch ..." or "postgresql://...": a secret, at most
  // 4096 bytes. What it leaves out: sslmode is verify-full, connect_timeout as below.
  std::string connection;
  // Of the schema: statements are about the one of the connection's with that at its name's end.
  // Letters, digits and '_'.
  std::string schema_suffix;
  std::chrono::seconds connect_within{10};    // each address of the host; at least 2
  std::chrono::seconds statement_within{10};  // also how long a silent transaction holds its locks
  std::function<void(const PostgresEvent&)> observe;  // of tests; may be empty
};

// A value for $1, $2 ...; `view` is not copied.
struct SqlValue {
  SqlValue(std::uint64_t number);  // NOLINT(google-explicit-constructor) below 2^63
  SqlValue(ByteView bytes)
      : view(bytes), type(kBytesType) {}  // NOLINT(google-explicit-constructor)
  SqlValue(std::string_view text);        // NOLINT(google-explicit-constructor)

  static constexpr unsigned kNumberType = 20, kBytesType = 17, kTextType = 25;  // OIDs
  std::array<std::uint8_t, 8> number{};
  ByteView view;
  unsigned type = kNumberType;
};

// What a statement gave back.
class PostgresRows {
 public:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  PostgresRows(std::unique_ptr<pg_result, Clear> result, std::string statement);

  std::size_t size() const;
  std::string_view command() const;  // as the server names it: "INSERT 0 1", "COMMIT"
  std::uint64_t changed() const;     // rows that INSERT, UPDATE or DELETE touched

  bool is_null(std::size_t row, int column) const;
  // kFatal, with statement, row and column, for null, for another type than BIGINT, BYTEA or TEXT,
  // for a negative number and for more than `max` bytes. Views live as long as the rows.
  Result<std::uint64_t> number(std::size_t row, int column) const;
  Result<ByteView> bytes(std::size_t row, int column, std::size_t max) const;
  Result<std::string> text(std::size_t row, int column, std::size_t max) const;

 private:
  Result<ByteView> field(std::size_t row, int column, unsigned type, std::size_t max) const;

  std::unique_ptr<pg_result, Clear> result_;
  std::string statement_;
};

class PostgresSession {
 public:
  explicit PostgresSession(PostgresOptions options) : options_(std::move(options)) {}

  // Connects unless it is connected. kRejected for a connection string that cannot be read.
  Result<void> connect();
  bool is_open() const { return connection_ != nullptr; }
  void close() { connection_.reset(); }

  // Outside a transaction, or in the one that begin() began. `statement` is a literal of ours.
  Result<PostgresRows> run(const char* statement, std::span<const SqlValue> values = {});

  Result<void> begin();
  enum class Outcome { kCommitted, kUnknown };  // unknown: the connection was lost meanwhile
  // An error means that nothing was committed.
  Result<Outcome> commit();
  void rollback();  // closes the connection where that fails
  // Whether the last statement failed as another connection has just made what it was to make:
  // PostgreSQL's IF NOT EXISTS looks before it makes, and holds nobody off in between.
  bool has_raced() const { return raced_; }

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  Result<void> send(const char* statement, std::span<const SqlValue> values);
  Result<void> await(std::chrono::steady_clock::time_point deadline, bool writing);
  Result<std::unique_ptr<pg_result, PostgresRows::Clear>> receive(const char* statement);
  Error lost(const char* statement, const std::string& why);
  void observe(PostgresEvent::When when, const char* statement) const;
  Result<void> set_up();

  PostgresOptions options_;
  std::unique_ptr<pg_conn, Finish> connection_;
  bool ambiguous_ = false;  // what the last statement did is not known
  bool raced_ = false;      // the last one made what another connection made at the same time
};

// `text` in one line of printable ASCII, shortened: for messages.
std::string one_line(std::string_view text);

}  // namespace avouch::adapters
