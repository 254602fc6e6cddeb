// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpdxml.h"

#include "testutil.h"

using mpd::Error;
using mpdxml::Want;

namespace {

// Writes down what it is told. Elements are named after what is wanted of
// them: t..., x..., n..., s... and children otherwise.
class Recorder : public mpdxml::Handler
{
public:
  Want start (const mpdxml::Element &element) override
  {
    out += "<" + std::string (element.name);
    if (!element.space.empty ()) out += "{" + std::string (element.space) + "}";
    for (mpdxml::Attribute attribute : element.attributes) {
      out += " " + std::string (attribute.prefixed ? ":" : "");
      out += std::string (attribute.name);
      if (!attribute.space.empty ())
        out += "{" + std::string (attribute.space) + "}";
      out += "=" + std::string (attribute.value);
    }
    out += ">";
    line = element.line;
    switch (element.name.front ()) {
      case 't':
        return Want::text;
      case 'x':
        return Want::xml;
      case 'n':
        return Want::nothing;
      case 's':
        return Want::stop;
      default:
        return Want::children;
    }
  }
  bool end (std::string_view content) override
  {
    out += "[" + std::string (content) + "]";
    return content != "enough";
  }

  std::string out;
  std::size_t line = 0;
};

std::string told (std::string_view xml)
{
  Recorder recorder;
  std::string_view pieces[] = {xml};
  auto done = mpdxml::parse (pieces, recorder);
  fail_unless (done.ok (), "%s", std::string (xml).c_str ());
  return recorder.out;
}

struct Good
{
  std::string xml;
  std::string expected;
};

const Good good[] = {
    {"<a/>", "<a>[]"},
    {"<?xml version='1.0'?><a><b/>text<c/></a>", "<a><b>[]<c>[][]"},
    {"<a xmlns='urn:a' xmlns:p='urn:p' b='1' p:c='2'/>",
        "<a{urn:a} b=1 :c{urn:p}=2>[]"},
    // A prefix that nobody has declared.
    {"<a p:b='1'/>", "<a :b=1>[]"},
    // The five entities, and characters by number, are put in place.
    {"<a b='&lt;&gt;&amp;&quot;&apos;&#65;&#38;'/>", "<a b=<>&\"'A&>[]"},
    {"<t>a &amp;&#x20;<!-- no --> b<![CDATA[<c>]]></t>", "<t>[a &  b<c>]"},
    {"<t>a<b>c</b></t>", "<t>[ac]"},
    // A part of no interest has no ends.
    {"<a><n><n/><t>x</t></n><b/></a>", "<a><n><b>[][]"},
    {"<a><b/><s/><b/></a>", "<a><b>[]<s>"},
    {"<a><t>enough</t><b/></a>", "<a><t>[enough]"},
    // What comes after the end that was wanted may be anything.
    {"<a><s/><b>", "<a><s>"},
    {"<x>a &lt; b</x>", "<x>[a < b]"},
    {"<x><b c='&quot;&#10;&lt;'>&amp;&gt;</b></x>",
        "<x>[<b c=\"&quot;&#10;&lt;\">&amp;&gt;</b>]"},
    // Prefixes are declared where they are used, and only once.
    {"<p:x xmlns:p='urn:p' xmlns='urn:d'><p:b p:c='1'><p:d/><e/></p:b>"
     "<e/></p:x>",
        "<x{urn:p}>[<p:b xmlns:p=\"urn:p\" p:c=\"1\"><p:d></p:d>"
        "<e xmlns=\"urn:d\"></e></p:b><e xmlns=\"urn:d\"></e>]"},
    {"<x xmlns='urn:d'><b><c xmlns=''/></b></x>",
        "<x{urn:d}>[<b xmlns=\"urn:d\"><c xmlns=\"\"></c></b>]"},
    {"<x><b xml:lang='de'/></x>", "<x>[<b xml:lang=\"de\"></b>]"},
    {std::string ("\xff\xfe<\0a\0/\0>\0", 10), "<a>[]"},
};

struct Bad
{
  std::string xml;
  Error error;
  std::size_t line;
};

std::string nested (std::size_t depth)
{
  std::string out;
  for (std::size_t i = 0; i < depth; i++) out += "<a>";
  for (std::size_t i = 0; i < depth; i++) out += "</a>";
  return out;
}

const Bad bad[] = {
    {"", Error::not_xml, 1},
    {"   ", Error::not_xml, 1},
    {"<", Error::not_xml, 1},
    {"text", Error::not_xml, 1},
    {"<a>\n\n<b></a>", Error::not_xml, 3},
    {"<a/>\n<a/>", Error::not_xml, 2},
    {"<a b='1' b='2'/>", Error::not_xml, 1},
    {"<a b='&c;'/>", Error::not_xml, 1},
    {"<a>&c;</a>", Error::not_xml, 1},
    {"<a>\xff</a>", Error::not_xml, 1},
    {"<!DOCTYPE a><a/>", Error::doctype, 1},
    {"\n<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", Error::doctype, 2},
    {"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", Error::doctype, 1},
    {"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", Error::doctype, 1},
    {nested (mpdxml::max_depth + 1), Error::too_deep, 1},
    {"<t>" + nested (mpdxml::max_depth) + "</t>", Error::too_deep, 1},
    {"<n>" + nested (mpdxml::max_depth) + "</n>", Error::too_deep, 1},
};

}  // namespace

GST_START_TEST (documents_are_told)
{
  for (const Good &row : good) {
    std::string out = told (row.xml);
    fail_unless (out == row.expected, "%s: %s", row.xml.c_str (), out.c_str ());
  }
  (void)told (nested (mpdxml::max_depth));
}
GST_END_TEST;

GST_START_TEST (what_is_no_document_is_refused)
{
  for (const Bad &row : bad) {
    Recorder recorder;
    std::string_view pieces[] = {row.xml};
    auto done = mpdxml::parse (pieces, recorder);
    fail_unless (!done.ok (), "%s", row.xml.c_str ());
    fail_unless (done.code () == row.error && done.position () == row.line,
        "%s: %s in line %zu", row.xml.c_str (), to_string (done.code ()),
        done.position ());
  }
}
GST_END_TEST;

// Longer than what the parser has in its hands at one time.
GST_START_TEST (it_is_read_in_parts)
{
  std::string name (1000, 'b');
  std::string xml = "<a>\n";
  for (int i = 0; i < 300; i++) xml += "<t>" + name + "</t>\n<b/>\n";
  xml += "</a>";
  Recorder whole;
  std::string_view pieces[] = {xml};
  fail_unless (mpdxml::parse (pieces, whole).ok ());
  fail_unless_equals_uint64 (whole.line, 601);
  for (std::size_t at : {std::size_t{2}, std::size_t{500}, xml.size () - 1}) {
    Recorder recorder;
    std::string_view two[] = {std::string_view (xml).substr (0, at),
        std::string_view (xml).substr (at)};
    fail_unless (mpdxml::parse (two, recorder).ok ());
    fail_unless (recorder.out == whole.out);
  }
}
GST_END_TEST;

static Suite *mpdxml_suite ()
{
  Suite *suite = suite_create ("mpdxml");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, documents_are_told);
  tcase_add_test (tests, what_is_no_document_is_refused);
  tcase_add_test (tests, it_is_read_in_parts);
  return suite;
}

GST_CHECK_MAIN (mpdxml)
