#pragma once

// What the help of a command ends with.

#include <string>

namespace CLI {
class App;
}

namespace avouch::cli {

// Gives each command of `app`, which has them all, one or two examples of its own before its
// footer, or before `inherited` where it has only that of `app`.
void add_examples(const CLI::App& app, const std::string& inherited);

}  // namespace avouch::cli
