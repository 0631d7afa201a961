#include "cli/usage.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <vector>

#include "cli/commands.h"
#include "codec/nearest.h"
#include "codec/utf8.h"
#include "inspect/proof.h"

namespace avouch::cli {
namespace {

using inspect::printable;

// The command that was given last.
const CLI::App& command_of(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

// Of a command that wants one of its own, or does not know the one it got.
std::string choices(const CLI::App& app) {
  const CLI::App& command = command_of(app);
  if (command.get_require_subcommand_min() == 0) return "";
  std::string out;
  for (const CLI::App* one : command.get_subcommands([](const CLI::App*) { return true; })) {
    out += (out.empty() ? "" : ", ") + one->get_name();
  }
  return "commands of " + command.get_name() + ": " + out + "\n";
}

// What stands where a command's own command should: the first word that is no option; "" without.
std::string unknown_word(const CLI::App& app) {
  for (const std::string& word : app.remaining(true)) {
    if (!word.empty() && word.front() != '-') return word;
  }
  return "";
}

// TYPE/NAME is one object: of "pod" and "pods" the first.
std::string of_one(const std::string& near, const std::vector<std::string>& names) {
  if (!near.ends_with('s')) return near;
  const std::string one = near.substr(0, near.size() - 1);
  return std::find(names.begin(), names.end(), one) == names.end() ? near : one;
}

std::vector<std::string> names_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* one : command.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(one->get_name());
  }
  return names;
}

// Of a word that `command` has no command for. People know TYPE/NAME and plurals from kubectl.
std::string no_such_command(const CLI::App& command, const std::string& word) {
  const std::vector<std::string> names = names_of(command);
  const std::string what = codec::in_quotes(word) + " is no command of " + command.get_name();
  const std::size_t slash = word.find('/');
  const auto near = codec::nearest_name(word.substr(0, slash), names);
  if (!near) return what;
  if (slash == std::string::npos) return what + "; did you mean \"" + *near + "\"?";
  return what + "; expected \"" + command.get_name() + " " + of_one(*near, names) + " NAME\"";
}

// Of a first word that is too much after a command which has commands of its own, and does without:
// one of these was meant, and of a number the one that shows an entry.
std::string meant(const CLI::App& command, const std::string& word) {
  if (word.empty() || word.front() == '-') return "";
  const auto own = command.get_subcommands([](const CLI::App*) { return true; });
  if (own.empty()) return "";
  const bool shows = std::any_of(own.begin(), own.end(),
                                 [](const CLI::App* one) { return one->get_name() == "show"; });
  if (shows && word.find_first_not_of("0123456789") == std::string::npos) {
    return "; an entry is shown by \"" + command.get_name() + " show " + word + "\"";
  }
  return "; " + no_such_command(command, word);
}

// CLI11's words; of what is missing also what it is, and what is too much in the order in which it
// was given, which CLI11 turns round.
std::string words_of(const CLI::App& app, const CLI::Error& error) {
  const std::string words = error.what();
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
    std::string out;
    const std::vector<std::string> extras = app.remaining(true);
    for (const std::string& extra : extras) {
      out += (out.empty() ? "" : " ") + codec::in_quotes(extra);
    }
    return "not expected: " + out + meant(command_of(app), extras.empty() ? "" : extras.front());
  }
  if (error.get_name() == "ArgumentMismatch") {
    // Of an option that is not known CLI11 takes the value for one word too many.
    for (const std::string& extra : app.remaining(true)) {
      if (extra.starts_with('-')) return "not expected: " + codec::in_quotes(extra);
    }
  }
  if (error.get_name() != "RequiredError") return words;
  if (const CLI::App& command = command_of(app); command.get_require_subcommand_min() > 0) {
    const std::string word = unknown_word(app);
    return word.empty() ? words : no_such_command(command, word);
  }
  const std::size_t end = words.find(" is required");
  if (end == std::string::npos) return words;
  const CLI::Option* missing = command_of(app).get_option_no_throw(words.substr(0, end));
  return missing == nullptr ? words : words + ": " + missing->get_description();
}

std::string failure_text(const CLI::App* app, const CLI::Error& error) {
  const std::string by_cli11 = CLI::FailureMessage::simple(app, error);
  return printable(words_of(*app, error)) + by_cli11.substr(std::string_view(error.what()).size());
}

}  // namespace

int finish_parse(CLI::App& app, const CLI::ParseError& error, std::string_view first) {
  const bool is_word = !first.empty() && first.front() != '-';
  if (error.get_exit_code() != 0 && is_word && app.get_subcommands().empty()) {
    // Of a word that is no command CLI11 says only that there is none.
    const auto near = codec::nearest_name(first, names_of(app));
    std::cerr << "kubectl avouch: \"" << printable(first) << "\" is no command"
              << (near ? "; did you mean \"" + *near + "\"?" : "") << '\n'
              << choices(app);
    return static_cast<int>(Exit::kUsage);
  }
  app.failure_message(&failure_text);
  if (app.exit(error) == 0) return 0;
  std::cerr << choices(app);
  return static_cast<int>(Exit::kUsage);
}

std::string where_keys_are(const inspect::ReleaseName& release) {
  const std::string map = release.name + "-trust";
  return ". Keep copies from the day of installation: log.vkey (--vkey), verifier-keys.pem "
         "(--verifier-keys) and log.origin (--origin) of ConfigMap " +
         map + ", such as by kubectl -n " + release.ns + " get configmap " + map +
         " -o 'jsonpath={.data.log\\.vkey}' >log.vkey";
}

}  // namespace avouch::cli
