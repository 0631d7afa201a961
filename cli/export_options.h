#pragma once

// The command line of `kubectl avouch export`, and the options of `verify proof`.

#include <functional>
#include <string>

#include "cli/commands.h"
#include "cli/export.h"

namespace CLI {
class App;
}

namespace avouch::cli {

using ExportCommand = std::function<Result<Exit>(const Context&)>;

// Adds `export`; `run` gets what it does. What the line says of an index is checked by `is_index`:
// "" where it is one.
void add_export(CLI::App& app, const std::function<std::string(const std::string&)>& is_index,
                const std::function<void(ExportCommand)>& run, ExportOptions& options);

// What is wrong with its options together; "" if nothing is.
std::string export_problem(const ExportOptions& options);

void add_proof_options(CLI::App& verify_proof, ProofFileOptions& options);

}  // namespace avouch::cli
