#pragma once

// What is said of a command line that cannot be used.

#include <string>
#include <string_view>

#include "inspect/release.h"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace avouch::cli {

// After a parse that threw: prints help or version on standard output, or on standard error what is
// wrong and which commands there are. `first` is the first word, "" where there is none. The exit
// status.
int finish_parse(CLI::App& app, const CLI::ParseError& error, std::string_view first);

// Where an auditor has the files of --vkey, --verifier-keys and --origin from: the end of a
// sentence that asks for them.
std::string where_keys_are(const inspect::ReleaseName& release);

}  // namespace avouch::cli
