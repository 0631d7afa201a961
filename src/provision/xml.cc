#include "provision/xml.h"

#include "provision/file_list.h"

namespace avouch::provision {

bool XmlElement::is(std::string_view of_name_space, std::string_view of_name) const {
  return name_space == of_name_space && name == of_name;
}

const std::string* XmlElement::attribute(std::string_view of_name_space,
                                         std::string_view of_name) const {
  for (const XmlAttribute& each : attributes) {
    if (each.name_space == of_name_space && each.name == of_name) return &each.value;
  }
  return nullptr;
}

std::string XmlElement::place() const {
  return printable_path(name).substr(0, 64) + " (line " + std::to_string(line) + ")";
}

}  // namespace avouch::provision
