// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpdxml.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mpdxml {

using mpd::Error;

namespace {

// What the parser has in its hands at one time.
constexpr std::size_t chunk = std::size_t{32} * 1024;

std::string_view view (const xmlChar *text)
{
  return text != nullptr ? reinterpret_cast<const char *> (text) : "";
}

std::string_view view (const xmlChar *begin, const xmlChar *end)
{
  return {reinterpret_cast<const char *> (begin),
      static_cast<std::size_t> (end - begin)};
}

void append_escaped (std::string &out, std::string_view text)
{
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      // Otherwise a parser makes spaces of them.
      case '\t':
        out += "&#9;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\r':
        out += "&#13;";
        break;
      default:
        out += c;
    }
  }
}

std::string qualified (const xmlChar *prefix, const xmlChar *name)
{
  std::string out;
  if (prefix != nullptr) out.append (view (prefix)).append (":");
  return out.append (view (name));
}

// Elements as text again. Prefixes that were declared further out are declared
// where they are used.
class Writer
{
public:
  void begin ()
  {
    text_.clear ();
    xml_.clear ();
    has_elements_ = false;
  }
  void start (const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
      const Attributes &attributes, const unsigned char *const *raw);
  void end (const xmlChar *name, const xmlChar *prefix);
  void add (std::string_view text)
  {
    text_ += text;
    append_escaped (xml_, text);
  }
  [[nodiscard]] const std::string &text () const { return text_; }
  [[nodiscard]] const std::string &xml () const
  {
    return has_elements_ ? xml_ : text_;
  }

private:
  void declare (std::string_view prefix, std::string_view uri);

  std::string text_;
  std::string xml_;
  bool has_elements_ = false;
  // prefix and URI of the elements that are open, an empty pair before each
  // element's.
  std::vector<std::pair<std::string, std::string>> scope_;
};

void Writer::declare (std::string_view prefix, std::string_view uri)
{
  auto known = std::find_if (scope_.rbegin (), scope_.rend (),
      [prefix] (const auto &pair) { return pair.first == prefix; });
  if (known != scope_.rend () ? known->second == uri : uri.empty ()) return;
  scope_.emplace_back (prefix, uri);
  xml_ += prefix == "xmlns" ? " " : " xmlns:";
  xml_ += prefix;
  xml_ += "=\"";
  append_escaped (xml_, uri);
  xml_ += '"';
}

void Writer::start (const xmlChar *name, const xmlChar *prefix,
    const xmlChar *uri, const Attributes &attributes,
    const unsigned char *const *raw)
{
  has_elements_ = true;
  scope_.emplace_back ();
  xml_ += '<';
  xml_ += qualified (prefix, name);
  declare (prefix != nullptr ? view (prefix) : "xmlns", view (uri));
  for (Attribute attribute : attributes) {
    // "xml" is always declared.
    if (raw[1] != nullptr && view (raw[1]) != "xml")
      declare (view (raw[1]), attribute.space);
    xml_ += ' ';
    xml_ += qualified (raw[1], raw[0]);
    xml_ += "=\"";
    append_escaped (xml_, attribute.value);
    xml_ += '"';
    raw += 5;
  }
  xml_ += '>';
}

void Writer::end (const xmlChar *name, const xmlChar *prefix)
{
  xml_ += "</";
  xml_ += qualified (prefix, name);
  xml_ += '>';
  while (!scope_.back ().first.empty ()) scope_.pop_back ();
  scope_.pop_back ();
}

class Parser
{
public:
  explicit Parser (Handler &handler) : handler_ (handler) {}
  mpd::Result<relay::Done> run (std::span<const std::string_view> pieces);

private:
  struct Free
  {
    void operator() (xmlParserCtxt *context) const
    {
      xmlFreeParserCtxt (context);
    }
  };

  static void on_start (void *self, const xmlChar *name, const xmlChar *prefix,
      const xmlChar *uri, int, const xmlChar **, int count, int,
      const xmlChar **attributes)
  {
    static_cast<Parser *> (self)->start (
        name, prefix, uri, attributes, static_cast<std::size_t> (count));
  }
  static void on_end (
      void *self, const xmlChar *name, const xmlChar *prefix, const xmlChar *)
  {
    static_cast<Parser *> (self)->end (name, prefix);
  }
  static void on_text (void *self, const xmlChar *text, int size)
  {
    auto *parser = static_cast<Parser *> (self);
    if (parser->wanted_ != Want::children)
      parser->writer_.add (view (text, text + size));
  }
  static void on_doctype (
      void *self, const xmlChar *, const xmlChar *, const xmlChar *)
  {
    static_cast<Parser *> (self)->fail (Error::doctype);
  }
  // What it says is in the context as well. The handler that an application
  // may have set for the whole process is not called.
  static void on_error (void *, xmlErrorPtr) {}

  void start (const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
      const xmlChar **attributes, std::size_t count);
  void end (const xmlChar *name, const xmlChar *prefix);
  bool feed (std::string_view text);
  void fail (Error error);
  void stop ();
  [[nodiscard]] std::size_t line () const;

  Handler &handler_;
  std::unique_ptr<xmlParserCtxt, Free> context_;
  std::optional<relay::Failure<Error>> failure_;
  bool stopped_ = false;
  std::size_t depth_ = 0;
  // Below the element that something else than its children is wanted of.
  Want wanted_ = Want::children;
  std::size_t below_ = 0;
  Writer writer_;
};

std::size_t Parser::line () const
{
  const xmlParserInput *input = context_->input;
  if (input == nullptr || input->line < 1) return 1;
  return static_cast<std::size_t> (input->line);
}

void Parser::stop ()
{
  stopped_ = true;
  xmlStopParser (context_.get ());
}

void Parser::fail (Error error)
{
  if (!failure_) failure_ = relay::failure (error, line ());
  stop ();
}

void Parser::start (const xmlChar *name, const xmlChar *prefix,
    const xmlChar *uri, const xmlChar **attributes, std::size_t count)
{
  if (stopped_) return;
  if (++depth_ > max_depth) return fail (Error::too_deep);
  Attributes all (attributes, count);
  if (wanted_ != Want::children) {
    below_++;
    if (wanted_ == Want::xml)
      writer_.start (name, prefix, uri, all, attributes);
    return;
  }
  wanted_ = handler_.start ({view (name), view (uri), line (), all});
  if (wanted_ == Want::stop) stop ();
  if (wanted_ == Want::text || wanted_ == Want::xml) writer_.begin ();
}

void Parser::end (const xmlChar *name, const xmlChar *prefix)
{
  if (stopped_) return;
  depth_--;
  if (below_ > 0) {
    below_--;
    if (wanted_ == Want::xml) writer_.end (name, prefix);
    return;
  }
  Want wanted = std::exchange (wanted_, Want::children);
  std::string_view content;
  if (wanted == Want::text) content = writer_.text ();
  if (wanted == Want::xml) content = writer_.xml ();
  if (wanted != Want::nothing && !handler_.end (content)) stop ();
}

bool Parser::feed (std::string_view text)
{
  while (!text.empty () && !stopped_) {
    std::string_view part = text.substr (0, chunk);
    text.remove_prefix (part.size ());
    if (xmlParseChunk (context_.get (), part.data (),
            static_cast<int> (part.size ()), 0) != 0)
      return false;
  }
  return true;
}

void ignore (void *, const char *, ...) {}

// What is wrong with an encoding is told without a context, and printed, unless
// there are handlers. Each thread has its own.
class Quiet
{
public:
  explicit Quiet (xmlStructuredErrorFunc handler)
      : structured_ (xmlStructuredError),
        structured_context_ (xmlStructuredErrorContext),
        generic_ (xmlGenericError),
        generic_context_ (xmlGenericErrorContext)
  {
    xmlSetStructuredErrorFunc (nullptr, handler);
    xmlSetGenericErrorFunc (nullptr, ignore);
  }
  Quiet (const Quiet &) = delete;
  Quiet &operator= (const Quiet &) = delete;
  ~Quiet ()
  {
    xmlSetStructuredErrorFunc (structured_context_, structured_);
    xmlSetGenericErrorFunc (generic_context_, generic_);
  }

private:
  xmlStructuredErrorFunc structured_;
  void *structured_context_;
  xmlGenericErrorFunc generic_;
  void *generic_context_;
};

mpd::Result<relay::Done> Parser::run (std::span<const std::string_view> pieces)
{
  Quiet quiet (on_error);
  xmlSAXHandler handler{};
  handler.initialized = XML_SAX2_MAGIC;
  handler.startElementNs = on_start;
  handler.endElementNs = on_end;
  handler.characters = on_text;
  handler.cdataBlock = on_text;
  handler.internalSubset = on_doctype;
  handler.serror = on_error;
  // By the first four bytes it knows the encoding.
  std::string_view first = pieces.empty () ? "" : pieces.front ().substr (0, 4);
  context_.reset (xmlCreatePushParserCtxt (&handler, this, first.data (),
      static_cast<int> (first.size ()), nullptr));
  if (!context_) return relay::failure (Error::not_xml, 1);
  // Without NOENT the text of "&amp;" in an attribute is "&#38;". There are no
  // other entities that could be put in place: their declarations end it all.
  xmlCtxtUseOptions (context_.get (), XML_PARSE_NONET | XML_PARSE_NOENT |
                                          XML_PARSE_NOERROR |
                                          XML_PARSE_NOWARNING);
  bool good = true;
  for (std::size_t i = 0; i < pieces.size () && good; i++)
    good = feed (i == 0 ? pieces[i].substr (first.size ()) : pieces[i]);
  if (good && !stopped_)
    good = xmlParseChunk (context_.get (), nullptr, 0, 1) == 0;
  if (failure_) return *failure_;
  if (stopped_) return relay::Done{};
  if (!good || context_->wellFormed == 0)
    return relay::failure (Error::not_xml,
        static_cast<std::size_t> (std::max (context_->lastError.line, 1)));
  return relay::Done{};
}

}  // namespace

Attribute Attributes::Iterator::operator* () const
{
  return {
      view (at_[0]), view (at_[2]), at_[1] != nullptr, view (at_[3], at_[4])};
}

mpd::Result<relay::Done> parse (
    std::span<const std::string_view> pieces, Handler &handler)
{
  return Parser (handler).run (pieces);
}

}  // namespace mpdxml
