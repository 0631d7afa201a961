#pragma once

// XML by libxml2.

#include <memory>

#include "provision/xml.h"

namespace avouch::adapters {

// Nothing outside of the file is ever opened: no document type declaration, so no entities of its
// own; no network. Limits hold while it reads. Thread-safe.
class LibxmlReader final : public provision::XmlReader {
 public:
  explicit LibxmlReader(const provision::XmlLimits& limits = {}) : limits_(limits) {}

  Result<std::unique_ptr<const provision::XmlDocument>> read(ByteView file,
                                                             provision::XmlSpace space) override;

 private:
  provision::XmlLimits limits_;
};

}  // namespace avouch::adapters
