#pragma once

// XML as far as signed tags need it: a tree of plain values, and the canonical bytes that
// signatures are over. A seam: whoever reads the XML refuses everything that reaches outside of the
// file or makes more of it than is there.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::provision {

struct XmlAttribute {
  std::string name_space, name, value;  // name_space: its URI; "" for none
};

struct XmlElement {
  std::string name_space, name;
  std::vector<XmlAttribute> attributes;  // without namespace declarations
  std::string text;                      // that stands in it, not in its children
  std::vector<XmlElement> children;
  std::size_t number = 0;  // from 0, in the order in which elements begin
  std::size_t line = 0;

  bool is(std::string_view of_name_space, std::string_view of_name) const;
  // Null where there is none.
  const std::string* attribute(std::string_view of_name_space, std::string_view of_name) const;
  // "File (line 12)": for messages, printable.
  std::string place() const;
};

enum class XmlCanonicalForm {
  kInclusive10,  // http://www.w3.org/TR/2001/REC-xml-c14n-20010315
  kInclusive11,  // http://www.w3.org/2006/12/xml-c14n11
  kExclusive10,  // http://www.w3.org/2001/10/xml-exc-c14n#
};

class XmlDocument {
 public:
  virtual ~XmlDocument() = default;
  virtual const XmlElement& root() const = 0;
  // The canonical form, without comments, of element `apex` and all that is in it, but for element
  // `without`. kRejected where there is none.
  virtual Result<Bytes> canonical(XmlCanonicalForm form, std::size_t apex,
                                  std::optional<std::size_t> without) const = 0;
};

// Of texts that are white space and nothing else.
enum class XmlSpace { kKept, kDropped };

struct XmlLimits {
  std::size_t bytes = 256 * 1024;
  std::size_t elements = 10'000;
  std::size_t depth = 32;
  std::size_t attributes = 64;        // of one element, with its namespace declarations
  std::size_t namespaces = 32;        // declared by an element and those around it
  std::size_t namespace_bytes = 256;  // of one namespace's URI
};

class XmlReader {
 public:
  virtual ~XmlReader() = default;
  // kRejected, with the line: no well-formed XML 1.0 in UTF-8, a document type declaration (so that
  // no entity but the five that are predefined exists, and nothing is ever fetched), a processing
  // instruction, or over a limit.
  virtual Result<std::unique_ptr<const XmlDocument>> read(ByteView file, XmlSpace space) = 0;
};

}  // namespace avouch::provision
