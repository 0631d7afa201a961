#include "adapters/xml_document.h"

#include <libxml/SAX2.h>
#include <libxml/c14n.h>
#include <libxml/globals.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>

#include <string>
#include <utility>
#include <vector>

#include "codec/utf8.h"

namespace avouch::adapters {
namespace {

using provision::XmlCanonicalForm;
using provision::XmlElement;
using provision::XmlLimits;

struct FreeContext {
  void operator()(xmlParserCtxt* context) const {
    if (context->myDoc != nullptr) xmlFreeDoc(context->myDoc);
    xmlFreeParserCtxt(context);
  }
};
struct FreeDocument {
  void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};
struct CloseBuffer {
  void operator()(xmlOutputBuffer* buffer) const { xmlOutputBufferClose(buffer); }
};
using Context = std::unique_ptr<xmlParserCtxt, FreeContext>;
using Document = std::unique_ptr<xmlDoc, FreeDocument>;
using Output = std::unique_ptr<xmlOutputBuffer, CloseBuffer>;

std::string xml_text_of(const xmlChar* text) {
  return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}
std::size_t size_of(int number) { return number < 0 ? 0 : static_cast<std::size_t>(number); }

// What the callbacks of one reading know.
struct Reading {
  XmlLimits limits;
  std::string problem;  // the first; then the parser was stopped
  std::size_t elements = 0, namespaces = 0;
  std::vector<std::size_t> declared;  // by each open element
};

Reading& reading_of(void* context) {
  return *static_cast<Reading*>(static_cast<xmlParserCtxt*>(context)->_private);
}

void stop(void* context, std::string problem) {
  Reading& reading = reading_of(context);
  if (reading.problem.empty()) {
    auto* parser = static_cast<xmlParserCtxt*>(context);
    const int line = parser->input == nullptr ? 0 : parser->input->line;
    reading.problem = "XML, line " + std::to_string(line) + ": " + std::move(problem);
  }
  xmlStopParser(static_cast<xmlParserCtxt*>(context));
}

void start_element(void* context, const xmlChar* name, const xmlChar* prefix, const xmlChar* uri,
                   int namespaces, const xmlChar** declarations, int attributes, int defaulted,
                   const xmlChar** values) {
  Reading& reading = reading_of(context);
  if (!reading.problem.empty()) return;
  const XmlLimits& limits = reading.limits;
  const std::size_t declared = size_of(namespaces);
  reading.declared.push_back(declared);
  reading.namespaces += declared;
  if (++reading.elements > limits.elements) {
    return stop(context, "more than " + std::to_string(limits.elements) + " elements");
  }
  if (reading.declared.size() > limits.depth) {
    return stop(context, "elements within elements to more than " + std::to_string(limits.depth));
  }
  if (declared + size_of(attributes) > limits.attributes) {
    return stop(context, "more than " + std::to_string(limits.attributes) + " attributes");
  }
  if (reading.namespaces > limits.namespaces) {
    return stop(context, "more than " + std::to_string(limits.namespaces) + " namespaces at once");
  }
  for (std::size_t i = 0; i < declared; ++i) {
    if (xml_text_of(declarations[2 * i + 1]).size() > limits.namespace_bytes) {
      return stop(context, "the name of a namespace is longer than " +
                               std::to_string(limits.namespace_bytes) + " bytes");
    }
  }
  xmlSAX2StartElementNs(context, name, prefix, uri, namespaces, declarations, attributes, defaulted,
                        values);
}

void end_element(void* context, const xmlChar* name, const xmlChar* prefix, const xmlChar* uri) {
  Reading& reading = reading_of(context);
  if (!reading.problem.empty() || reading.declared.empty()) return;
  reading.namespaces -= reading.declared.back();
  reading.declared.pop_back();
  xmlSAX2EndElementNs(context, name, prefix, uri);
}

void document_type(void* context, const xmlChar*, const xmlChar*, const xmlChar*) {
  stop(context,
       "a document type declaration (DOCTYPE) is not accepted: it could define entities, "
       "which reach into other files or grow without end");
}

void processing_instruction(void* context, const xmlChar*, const xmlChar*) {
  stop(context, "a processing instruction is not accepted");
}

// Comments are in no canonical form that is taken, so that nobody may read them.
void comment(void*, const xmlChar*) {}

XmlElement element_of(const xmlNode& node, std::vector<const xmlNode*>& all) {
  XmlElement out;
  out.name = xml_text_of(node.name);
  if (node.ns != nullptr) out.name_space = xml_text_of(node.ns->href);
  out.number = all.size();
  const long line = xmlGetLineNo(&node);
  out.line = line < 0 ? 0 : static_cast<std::size_t>(line);
  all.push_back(&node);
  for (const xmlAttr* each = node.properties; each != nullptr; each = each->next) {
    std::string value;
    for (const xmlNode* part = each->children; part != nullptr; part = part->next) {
      value += xml_text_of(part->content);
    }
    out.attributes.push_back({.name_space = each->ns == nullptr ? "" : xml_text_of(each->ns->href),
                              .name = xml_text_of(each->name),
                              .value = std::move(value)});
  }
  for (const xmlNode* child = node.children; child != nullptr; child = child->next) {
    if (child->type == XML_ELEMENT_NODE) {
      out.children.push_back(element_of(*child, all));
    } else {
      out.text += xml_text_of(child->content);
    }
  }
  return out;
}

void drop_space(xmlNode* element) {
  for (xmlNode* child = element->children; child != nullptr;) {
    xmlNode* const next = child->next;
    if (child->type == XML_ELEMENT_NODE) {
      drop_space(child);
    } else if (xmlIsBlankNode(child) == 1) {
      xmlUnlinkNode(child);
      xmlFreeNode(child);
    }
    child = next;
  }
}

void ignore(void*, xmlErrorPtr) {}

// While it lives, this thread's errors of libxml2 are not printed: results say them.
class Quiet {
 public:
  Quiet() : handler_(xmlStructuredError), context_(xmlStructuredErrorContext) {
    xmlSetStructuredErrorFunc(nullptr, &ignore);
  }
  ~Quiet() { xmlSetStructuredErrorFunc(context_, handler_); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  xmlStructuredErrorFunc handler_;
  void* context_;
};

struct Part {
  const xmlNode* apex;
  const xmlNode* without;  // or null
};

// Whether a node belongs to a Part: namespaces and attributes do with their element.
int is_in(void* data, xmlNode* node, xmlNode* parent) {
  const Part& part = *static_cast<const Part*>(data);
  const bool own = node->type == XML_NAMESPACE_DECL || node->type == XML_ATTRIBUTE_NODE;
  for (const xmlNode* at = own ? parent : node; at != nullptr; at = at->parent) {
    if (at == part.without) return 0;
    if (at == part.apex) return 1;
  }
  return 0;
}

class LibxmlDocument final : public provision::XmlDocument {
 public:
  explicit LibxmlDocument(Document document) : document_(std::move(document)) {
    root_ = element_of(*xmlDocGetRootElement(document_.get()), nodes_);
  }

  const XmlElement& root() const override { return root_; }

  Result<Bytes> canonical(XmlCanonicalForm form, std::size_t apex,
                          std::optional<std::size_t> without) const override {
    if (apex >= nodes_.size() || (without && *without >= nodes_.size())) {
      return rejected("XML has no such element");
    }
    const xmlC14NMode mode = form == XmlCanonicalForm::kExclusive10   ? XML_C14N_EXCLUSIVE_1_0
                             : form == XmlCanonicalForm::kInclusive11 ? XML_C14N_1_1
                                                                      : XML_C14N_1_0;
    Part part{nodes_[apex], without ? nodes_[*without] : nullptr};
    const Quiet quiet;
    const Output output(xmlAllocOutputBuffer(nullptr));
    if (output == nullptr) return retryable("XML: out of memory");
    if (xmlC14NExecute(document_.get(), &is_in, &part, mode, nullptr, 0, output.get()) < 0) {
      return rejected("XML has no canonical form (a namespace with a relative name?)");
    }
    const xmlChar* bytes = xmlOutputBufferGetContent(output.get());
    const std::size_t size = xmlOutputBufferGetSize(output.get());
    if (bytes == nullptr || size == 0) return rejected("XML has no canonical form");
    return Bytes(bytes, bytes + size);
  }

 private:
  Document document_;
  std::vector<const xmlNode*> nodes_;  // elements by their number
  XmlElement root_;
};

// What the parser says is wrong.
Error malformed(xmlParserCtxt* context) {
  const xmlError* error = xmlCtxtGetLastError(context);
  if (error == nullptr || error->message == nullptr) return rejected("no well-formed XML");
  std::string text = error->message;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return rejected("XML, line " + std::to_string(error->line) +
                  ": not well-formed: " + codec::in_quotes(text, 200));
}

}  // namespace

Result<std::unique_ptr<const provision::XmlDocument>> LibxmlReader::read(
    ByteView file, provision::XmlSpace space) {
  if (file.size() > limits_.bytes) {
    return rejected("XML of more than " + std::to_string(limits_.bytes) + " bytes");
  }
  if (!codec::is_utf8(as_text(file)) || as_text(file).find('\0') != std::string_view::npos) {
    return rejected("XML is not in UTF-8, the one encoding that is taken");
  }
  const Context context(xmlNewParserCtxt());
  if (context == nullptr) return retryable("XML: out of memory");
  Reading reading{.limits = limits_, .problem = {}, .declared = {}};
  context->_private = &reading;
  context->sax->startElementNs = &start_element;
  context->sax->endElementNs = &end_element;
  context->sax->internalSubset = &document_type;
  context->sax->externalSubset = &document_type;
  context->sax->processingInstruction = &processing_instruction;
  context->sax->comment = &comment;
  constexpr int kOptions =
      XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
  const Quiet quiet;  // of an encoding it complains before it looks at the options
  Document document(xmlCtxtReadMemory(context.get(), reinterpret_cast<const char*>(file.data()),
                                      static_cast<int>(file.size()), nullptr, nullptr, kOptions));
  if (!reading.problem.empty()) return rejected(reading.problem);
  if (document == nullptr || context->wellFormed != 1 || context->nsWellFormed != 1) {
    return malformed(context.get());
  }
  if (document->version != nullptr &&
      xmlStrcmp(document->version, reinterpret_cast<const xmlChar*>("1.0")) != 0) {
    return rejected("XML says that it is of version " +
                    codec::in_quotes(xml_text_of(document->version)) + ": expected 1.0");
  }
  if (document->encoding != nullptr &&
      xmlStrcasecmp(document->encoding, reinterpret_cast<const xmlChar*>("UTF-8")) != 0) {
    return rejected("XML says that it is in " + codec::in_quotes(xml_text_of(document->encoding)) +
                    ": expected UTF-8");
  }
  if (xmlDocGetRootElement(document.get()) == nullptr) return rejected("XML without an element");
  if (space == provision::XmlSpace::kDropped) drop_space(xmlDocGetRootElement(document.get()));
  return std::unique_ptr<const provision::XmlDocument>(
      std::make_unique<LibxmlDocument>(std::move(document)));
}

}  // namespace avouch::adapters
