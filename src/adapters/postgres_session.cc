#include "adapters/postgres_session.h"

#include <libpq-fe.h>
#include <poll.h>

#include <cerrno>
#include <cstdlib>
#include <limits>
#include <vector>

namespace avouch::adapters {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMaxConnectionString = 4096;
constexpr std::chrono::seconds kGrace{5};  // the server ends a statement first, by its own timeout

// A statement for messages: its first words.
std::string first_words(std::string_view statement) {
  constexpr std::size_t kEnough = 60;
  return statement.size() <= kEnough ? std::string(statement)
                                     : std::string(statement.substr(0, kEnough)) + "...";
}

bool is_passing(std::string_view state) {
  // Connection, resources, operator intervention, transaction rollback; lock not available; a
  // server that only reads (a standby); a transaction that was idle for too long.
  for (const std::string_view one : {"08", "53", "57", "40", "55P03", "25006", "25P03"}) {
    if (state.starts_with(one)) return true;
  }
  return false;
}

Error error_of(std::string_view state, std::string_view said, const char* statement) {
  std::string message = "database: " + first_words(statement) + ": " + one_line(said);
  if (!state.empty()) message += " (SQLSTATE " + one_line(state) + ")";
  if (state == "25006") {
    message +=
        ". The server only reads: is it a standby? Name the primary, or give "
        "target_session_attrs=read-write";
  }
  return state.empty() || is_passing(state) ? retryable(message) : fatal(message);
}

// The options of the connection string with ours where it leaves them out.
struct Parameters {
  std::vector<std::string> keys, values;

  void add(std::string key, std::string value) {
    keys.push_back(std::move(key));
    values.push_back(std::move(value));
  }
  void add_default(const std::string& key, const std::string& value) {
    for (const std::string& known : keys) {
      if (known == key) return;
    }
    add(key, value);
  }
};

Result<Parameters> parse(const PostgresOptions& options) {
  const auto refuse = [] {
    // libpq's own message may repeat a part of the string, which is a secret.
    return rejected(
        "database: the connection string cannot be read: expected at most 4096 bytes of libpq's "
        "form, \"host=NAME dbname=NAME user=NAME ...\" or \"postgresql://USER@HOST/NAME\"");
  };
  if (options.connection.size() > kMaxConnectionString ||
      options.connection.find('\0') != std::string::npos) {
    return refuse();
  }
  char* said = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(
      PQconninfoParse(options.connection.c_str(), &said), &PQconninfoFree);
  if (said != nullptr) PQfreemem(said);
  if (!parsed) return refuse();
  Parameters all;
  for (const PQconninfoOption* one = parsed.get(); one->keyword != nullptr; ++one) {
    if (one->val != nullptr && *one->val != '\0') all.add(one->keyword, one->val);
  }
  const std::string patience = std::to_string(options.statement_within.count() * 1000);
  all.add_default("sslmode", "verify-full");
  all.add_default("gssencmode", "disable");
  all.add_default("connect_timeout", std::to_string(options.connect_within.count()));
  all.add_default("tcp_user_timeout", patience);
  all.add_default("keepalives_idle", "10");
  all.add_default("keepalives_interval", "5");
  all.add_default("keepalives_count", "3");
  all.add_default("fallback_application_name", "avouch-log");
  return all;
}

}  // namespace

std::string one_line(std::string_view text) {
  constexpr std::size_t kEnough = 300;
  std::string out;
  for (const char c : text.substr(0, kEnough)) {
    out += c >= ' ' && c <= '~' ? c : ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

SqlValue::SqlValue(std::uint64_t value) {
  for (std::size_t i = 0; i < number.size(); ++i) {
    number[number.size() - 1 - i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

SqlValue::SqlValue(std::string_view text) : view(as_bytes(text)), type(kTextType) {}

void PostgresRows::Clear::operator()(pg_result* result) const { PQclear(result); }
void PostgresSession::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

PostgresRows::PostgresRows(std::unique_ptr<pg_result, Clear> result, std::string statement)
    : result_(std::move(result)), statement_(std::move(statement)) {}

std::size_t PostgresRows::size() const {
  return static_cast<std::size_t>(PQntuples(result_.get()));
}

std::string_view PostgresRows::command() const { return PQcmdStatus(result_.get()); }

std::uint64_t PostgresRows::changed() const {
  return std::strtoull(PQcmdTuples(result_.get()), nullptr, 10);
}

bool PostgresRows::is_null(std::size_t row, int column) const {
  return PQgetisnull(result_.get(), static_cast<int>(row), column) != 0;
}

Result<ByteView> PostgresRows::field(std::size_t row, int column, unsigned type,
                                     std::size_t max) const {
  const auto wrong = [&](const std::string& what) {
    return fatal("database: " + first_words(statement_) + ": row " + std::to_string(row) +
                 ", column " + std::to_string(column) + ": " + what);
  };
  if (row >= size() || column >= PQnfields(result_.get())) return wrong("is missing");
  if (is_null(row, column)) return wrong("is null");
  if (PQfformat(result_.get(), column) != 1 || PQftype(result_.get(), column) != type) {
    return wrong("has type " + std::to_string(PQftype(result_.get(), column)) + ", expected " +
                 std::to_string(type));
  }
  const auto length =
      static_cast<std::size_t>(PQgetlength(result_.get(), static_cast<int>(row), column));
  if (length > max) {
    return wrong("has " + std::to_string(length) + " bytes, expected at most " +
                 std::to_string(max));
  }
  const char* value = PQgetvalue(result_.get(), static_cast<int>(row), column);
  return as_bytes(std::string_view(value, length));
}

Result<std::uint64_t> PostgresRows::number(std::size_t row, int column) const {
  AVOUCH_TRY(const ByteView bytes, field(row, column, SqlValue::kNumberType, 8));
  ByteReader reader(bytes);
  const auto value = reader.be64("a number of the database");
  if (!value.has_value() || *value > std::numeric_limits<std::int64_t>::max()) {
    return fatal("database: " + first_words(statement_) + ": row " + std::to_string(row) +
                 ", column " + std::to_string(column) + ": expected a number, 0 or greater");
  }
  return *value;
}

Result<ByteView> PostgresRows::bytes(std::size_t row, int column, std::size_t max) const {
  return field(row, column, SqlValue::kBytesType, max);
}

Result<std::string> PostgresRows::text(std::size_t row, int column, std::size_t max) const {
  AVOUCH_TRY(const ByteView bytes, field(row, column, SqlValue::kTextType, max));
  return std::string(as_text(bytes));
}

Result<void> PostgresSession::connect() {
  if (is_open()) return {};
  AVOUCH_TRY(const Parameters all, parse(options_));
  std::vector<const char*> keys, values;
  for (const std::string& key : all.keys) keys.push_back(key.c_str());
  for (const std::string& value : all.values) values.push_back(value.c_str());
  keys.push_back(nullptr);
  values.push_back(nullptr);
  std::unique_ptr<pg_conn, Finish> connection(PQconnectdbParams(keys.data(), values.data(), 0));
  if (!connection) return retryable("database: no memory for a connection");
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    return retryable("database: no connection: " + one_line(PQerrorMessage(connection.get())));
  }
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  if (PQsetnonblocking(connection.get(), 1) != 0) {
    return retryable("database: no connection without blocking");
  }
  connection_ = std::move(connection);
  auto ready = set_up();
  if (!ready.has_value()) close();
  return ready;
}

Result<void> PostgresSession::set_up() {
  const std::string milliseconds = std::to_string(options_.statement_within.count() * 1000);
  AVOUCH_CHECK(run(("SET statement_timeout = " + milliseconds).c_str()));
  AVOUCH_CHECK(run(("SET idle_in_transaction_session_timeout = " + milliseconds).c_str()));
  // A server, database or role may be set to answer COMMIT before it is on stable storage.
  AVOUCH_TRY(const PostgresRows rows,
             run("SELECT count(*) FROM pg_catalog.pg_settings WHERE name = 'synchronous_commit' "
                 "AND setting = 'off'"));
  AVOUCH_TRY(const std::uint64_t off, rows.number(0, 0));
  if (off != 0) AVOUCH_CHECK(run("SET synchronous_commit = on"));
  if (options_.schema_suffix.empty()) return {};
  const std::array<SqlValue, 1> suffix{std::string_view(options_.schema_suffix)};
  AVOUCH_CHECK(
      run("SELECT set_config('search_path', quote_ident(current_schema() || $1), false)", suffix));
  return {};
}

void PostgresSession::observe(PostgresEvent::When when, const char* statement) const {
  if (!options_.observe) return;
  options_.observe(
      PostgresEvent{when, statement, PQbackendPID(connection_.get()), PQsocket(connection_.get())});
}

Error PostgresSession::lost(const char* statement, const std::string& why) {
  close();
  ambiguous_ = true;
  return retryable("database: " + first_words(statement) + ": connection lost: " + one_line(why));
}

Result<void> PostgresSession::await(SteadyClock::time_point deadline, bool writing) {
  pollfd one{PQsocket(connection_.get()), static_cast<short>(writing ? POLLIN | POLLOUT : POLLIN),
             0};
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    const int ready = left.count() <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(left.count()) + 1);
    if (ready > 0) break;
    if (ready == 0) return retryable("no answer in time");
    if (errno != EINTR) return retryable("poll failed");
  }
  if ((one.revents & ~POLLOUT) != 0 && PQconsumeInput(connection_.get()) == 0) {
    return retryable(PQerrorMessage(connection_.get()));
  }
  return {};
}

Result<void> PostgresSession::send(const char* statement, std::span<const SqlValue> values) {
  std::vector<unsigned> types;
  std::vector<const char*> data;
  std::vector<int> lengths;
  for (const SqlValue& value : values) {
    const ByteView bytes =
        value.type == SqlValue::kNumberType ? ByteView(value.number) : value.view;
    if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
      return fatal("database: a value of more than 2 GiB");
    }
    // Not null, even where it is empty: a null pointer is SQL's NULL.
    data.push_back(bytes.empty() ? "" : as_text(bytes).data());
    types.push_back(value.type);
    lengths.push_back(static_cast<int>(bytes.size()));
  }
  const std::vector<int> binary(values.size(), 1);
  if (PQsendQueryParams(connection_.get(), statement, static_cast<int>(values.size()), types.data(),
                        data.data(), lengths.data(), binary.data(), 1) == 0) {
    return lost(statement, PQerrorMessage(connection_.get()));
  }
  return {};
}

Result<std::unique_ptr<pg_result, PostgresRows::Clear>> PostgresSession::receive(
    const char* statement) {
  const auto deadline = SteadyClock::now() + options_.statement_within + kGrace;
  while (true) {
    const int unsent = PQflush(connection_.get());
    if (unsent < 0) return lost(statement, PQerrorMessage(connection_.get()));
    if (unsent == 0) break;
    const auto fine = await(deadline, true);
    if (!fine.has_value()) return lost(statement, fine.error().message);
  }
  observe(PostgresEvent::When::kSent, statement);
  std::unique_ptr<pg_result, PostgresRows::Clear> answer;
  while (true) {
    while (PQisBusy(connection_.get()) != 0) {
      const auto fine = await(deadline, false);
      if (!fine.has_value()) return lost(statement, fine.error().message);
    }
    std::unique_ptr<pg_result, PostgresRows::Clear> one(PQgetResult(connection_.get()));
    if (!one) break;
    if (!answer || PQresultStatus(answer.get()) != PGRES_FATAL_ERROR) answer = std::move(one);
  }
  if (!answer) return lost(statement, "no answer");
  return answer;
}

Result<PostgresRows> PostgresSession::run(const char* statement, std::span<const SqlValue> values) {
  if (!is_open()) return retryable("database: not connected");
  ambiguous_ = false;
  raced_ = false;
  observe(PostgresEvent::When::kBefore, statement);
  AVOUCH_CHECK(send(statement, values));
  AVOUCH_TRY(auto answer, receive(statement));
  const ExecStatusType status = PQresultStatus(answer.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
    return PostgresRows(std::move(answer), statement);
  }
  if (status != PGRES_FATAL_ERROR) {
    return lost(statement, "an answer of an unexpected kind, " + std::to_string(status));
  }
  const auto said = [&](int field) {
    const char* text = PQresultErrorField(answer.get(), field);
    return std::string(text != nullptr ? text : "");
  };
  const std::string state = said(PG_DIAG_SQLSTATE);
  std::string severity = said(PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity.empty()) severity = said(PG_DIAG_SEVERITY);
  const std::string message = said(PG_DIAG_MESSAGE_PRIMARY);
  if (state.empty() || severity == "FATAL" || severity == "PANIC" ||
      PQstatus(connection_.get()) != CONNECTION_OK) {
    return lost(statement,
                message.empty() ? std::string(PQresultErrorMessage(answer.get())) : message);
  }
  // statement_completion_unknown, of distributed databases.
  if (state == "40003") ambiguous_ = true;
  raced_ = std::string_view(statement).starts_with("CREATE ") &&
           (state == "23505" || state == "42P07" || state == "42P06");
  return error_of(state, message, statement);
}

Result<void> PostgresSession::begin() {
  AVOUCH_CHECK(connect());
  AVOUCH_CHECK(run("BEGIN"));
  return {};
}

Result<PostgresSession::Outcome> PostgresSession::commit() {
  const auto done = run("COMMIT");
  if (!done.has_value()) {
    if (ambiguous_) {
      close();
      return Outcome::kUnknown;
    }
    rollback();
    return done.error();
  }
  // A transaction that had failed before is answered with ROLLBACK, and no error.
  if (done->command() != "COMMIT") {
    return retryable("database: COMMIT was answered with " + one_line(done->command()));
  }
  return Outcome::kCommitted;
}

void PostgresSession::rollback() {
  if (is_open() && !run("ROLLBACK").has_value()) close();
}

}  // namespace avouch::adapters
