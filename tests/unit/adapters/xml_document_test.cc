#include "adapters/xml_document.h"

#include <gmock/gmock.h>

#include "support/vectors.h"
#include "tests/support/tpm_structures.h"

namespace avouch::adapters {
namespace {

using provision::XmlCanonicalForm;
using provision::XmlDocument;
using provision::XmlSpace;
using ::testing::HasSubstr;
using testing::must_value;

std::unique_ptr<const XmlDocument> read_xml(std::string_view text,
                                            XmlSpace space = XmlSpace::kKept) {
  return must_value(LibxmlReader().read(as_bytes(text), space));
}

std::string problem(std::string_view text) {
  const auto read = LibxmlReader().read(as_bytes(text), XmlSpace::kKept);
  if (read.has_value()) return "none";
  EXPECT_EQ(read.error().kind, ErrorKind::kRejected);
  return read.error().message;
}

std::string canonical(const XmlDocument& document, XmlCanonicalForm form, std::size_t apex,
                      std::optional<std::size_t> without = std::nullopt) {
  return std::string(as_text(must_value(document.canonical(form, apex, without))));
}

TEST(LibxmlReader, GivesATreeOfValues) {
  const auto document = read_xml(
      "<a xmlns='urn:1' xmlns:p='urn:2' p:x='1' x='&lt;2'>t<!-- no --><p:b>u</p:b>v\n<c/></a>");
  const provision::XmlElement& root = document->root();
  EXPECT_TRUE(root.is("urn:1", "a"));
  EXPECT_EQ(*root.attribute("urn:2", "x"), "1");
  EXPECT_EQ(*root.attribute("", "x"), "<2");
  EXPECT_EQ(root.attribute("urn:1", "x"), nullptr);
  EXPECT_EQ(root.text, "tv\n");
  ASSERT_EQ(root.children.size(), 2U);
  EXPECT_TRUE(root.children[0].is("urn:2", "b"));
  EXPECT_EQ(root.children[0].number, 1U);
  EXPECT_EQ(root.children[1].number, 2U);
  EXPECT_EQ(root.children[1].line, 2U);
}

// W3C Canonical XML 1.0, section 3: what comments, order, quotes, empty elements, references and
// line ends become.
TEST(LibxmlReader, CanonicalFormIsThatOfTheRecommendation) {
  const auto document = read_xml(
      "<?xml version=\"1.0\"?>\r\n<e2   b='2'\r\n a='1'   xmlns:z=\"urn:z\" xmlns=\"urn:d\"><!-- x "
      "-->"
      "<v>1 &gt; &#65; &amp; \"</v><w t='&#9;&#10;&quot;'/><![CDATA[a<b]]>&#13;</e2>");
  EXPECT_EQ(canonical(*document, XmlCanonicalForm::kInclusive10, 0),
            "<e2 xmlns=\"urn:d\" xmlns:z=\"urn:z\" a=\"1\" b=\"2\"><v>1 &gt; A &amp; \"</v>"
            "<w t=\"&#x9;&#xA;&quot;\"></w>a&lt;b&#xD;</e2>");
}

TEST(LibxmlReader, APartBringsWhatIsAroundItByTheFormsRule) {
  const auto document =
      read_xml("<a xmlns='urn:d' xmlns:n='urn:n' xml:lang='en'><b><n:c/></b><n:d/></a>");
  EXPECT_EQ(canonical(*document, XmlCanonicalForm::kInclusive10, 1),
            "<b xmlns=\"urn:d\" xmlns:n=\"urn:n\" xml:lang=\"en\"><n:c></n:c></b>");
  EXPECT_EQ(canonical(*document, XmlCanonicalForm::kExclusive10, 1),
            "<b xmlns=\"urn:d\"><n:c xmlns:n=\"urn:n\"></n:c></b>");
  EXPECT_EQ(canonical(*document, XmlCanonicalForm::kInclusive11, 0, 1),
            "<a xmlns=\"urn:d\" xmlns:n=\"urn:n\" xml:lang=\"en\"><n:d></n:d></a>");
  EXPECT_FALSE(document->canonical(XmlCanonicalForm::kInclusive10, 4, std::nullopt).has_value());
  EXPECT_FALSE(document->canonical(XmlCanonicalForm::kInclusive10, 0, 4).has_value());
}

TEST(LibxmlReader, WhiteSpaceIsDroppedWhereItIsAllOfAText) {
  const auto document = read_xml("<a>\n <b> </b> x \n<c/>\t</a>", XmlSpace::kDropped);
  EXPECT_EQ(canonical(*document, XmlCanonicalForm::kInclusive10, 0), "<a><b></b> x \n<c></c></a>");
}

TEST(LibxmlReader, NothingIsEverFetchedOrExpanded) {
  for (const char* text :
       {"<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/'><a/>",
        "<!DOCTYPE a [<!ENTITY % x SYSTEM 'file:///etc/hostname'> %x;]><a/>",
        "<!DOCTYPE a [<!ENTITY l 'l'><!ENTITY m '&l;&l;'>]><a>&m;</a>",
        "<!DOCTYPE a [<!ATTLIST a b CDATA 'c'>]><a/>"}) {
    EXPECT_THAT(problem(text), HasSubstr("DOCTYPE")) << text;
  }
  EXPECT_THAT(problem("<a>&x;</a>"), HasSubstr("not well-formed"));
  EXPECT_THAT(problem("<a><?p i?></a>"), HasSubstr("line 1: a processing instruction"));
  // An inclusion is an element like others.
  const auto document = read_xml(
      "<a xmlns:i='http://www.w3.org/2001/XInclude'><i:include href='/etc/hostname'/></a>");
  EXPECT_EQ(document->root().children.at(0).text, "");
}

TEST(LibxmlReader, EveryLimitHoldsAtItsValueAndNotBeyond) {
  const provision::XmlLimits limits{.bytes = 400,
                                    .elements = 5,
                                    .depth = 3,
                                    .attributes = 3,
                                    .namespaces = 2,
                                    .namespace_bytes = 5};
  const auto reads = [&](const std::string& text) {
    return LibxmlReader(limits).read(as_bytes(text), XmlSpace::kKept).has_value();
  };
  EXPECT_TRUE(reads("<a>" + std::string(393, 'x') + "</a>"));
  EXPECT_FALSE(reads("<a>" + std::string(394, 'x') + "</a>"));
  EXPECT_TRUE(reads("<a><b/><b/><b/><b/></a>"));
  EXPECT_FALSE(reads("<a><b/><b/><b/><b/><b/></a>"));
  EXPECT_TRUE(reads("<a><a><a/></a></a>"));
  EXPECT_FALSE(reads("<a><a><a><a/></a></a></a>"));
  EXPECT_TRUE(reads("<a b='' c='' xmlns:d='urn:d'/>"));
  EXPECT_FALSE(reads("<a b='' c='' e='' xmlns:d='urn:d'/>"));
  EXPECT_TRUE(reads("<a xmlns='urn:a'><b xmlns='urn:b'/><b xmlns='urn:c'/></a>"));
  EXPECT_FALSE(reads("<a xmlns='urn:a'><b xmlns='urn:b'><b xmlns='urn:c'/></b></a>"));
  EXPECT_FALSE(reads("<a xmlns='urn:ab'/>"));
}

TEST(LibxmlReader, AHugeFileIsRefusedBeforeItIsRead) {
  std::string text = "<a>";
  while (text.size() < 64 * 1024 * 1024) text += text;
  EXPECT_THAT(problem(text), HasSubstr("more than 262144 bytes"));
}

TEST(LibxmlReader, OtherEncodingsAreRefused) {
  EXPECT_THAT(problem(std::string_view("<\0a\0/\0>\0", 8)), HasSubstr("UTF-8"));
  EXPECT_THAT(problem("<a>\xe9</a>"), HasSubstr("UTF-8"));
  EXPECT_THAT(problem("<?xml version='1.0' encoding='UTF-7'?><a/>"), HasSubstr(""));
  EXPECT_NE(problem("<?xml version='1.0' encoding='UTF-7'?><a/>"), "none");
  EXPECT_THAT(problem("<?xml version='1.1'?><a/>"), HasSubstr("version \"1.1\": expected 1.0"));
  EXPECT_EQ(problem("\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?><a>\xc3\xa9</a>"), "none");
}

TEST(LibxmlReader, WhatIsNotWellFormedIsRefused) {
  for (const char* text : {"", " ", "<", "<a", "<a>", "<a></b>", "<a/><b/>", "<a/>x", "<a b/>",
                           "<a b='1' b='2'/>", "<p:a/>", "<a p:b=''/>", "a", "<a>]]></a>",
                           "<a xmlns:p='urn:1' xmlns:q='urn:1' p:x='' q:x=''/>", "<a>&#0;</a>"}) {
    EXPECT_NE(problem(text), "none") << text;
  }
}

}  // namespace
}  // namespace avouch::adapters
