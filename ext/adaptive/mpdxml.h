// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "mpderror.h"

// XML as it passes by, without a tree of it: the one place that has libxml2.
// No network, no document type, no entities but the five of XML itself.
namespace mpdxml {

// An MPD has some eight levels; what others put into it a few more.
inline constexpr std::size_t max_depth = 64;

struct Attribute
{
  std::string_view name;   // without its prefix
  std::string_view space;  // the namespace's URI; "" = none
  bool prefixed = false;   // though there may be no URI for the prefix
  std::string_view value;
};

// An element's attributes where the parser has them. Valid, as all views of
// an Element, until Handler::start () returns.
class Attributes
{
public:
  class Iterator
  {
  public:
    explicit Iterator (const unsigned char *const *at) : at_ (at) {}
    [[nodiscard]] Attribute operator* () const;
    Iterator &operator++ ()
    {
      at_ += fields;
      return *this;
    }
    bool operator== (const Iterator &) const = default;

  private:
    const unsigned char *const *at_;
  };

  Attributes (const unsigned char *const *at, std::size_t count)
      : at_ (at), count_ (count)
  {
  }
  [[nodiscard]] Iterator begin () const { return Iterator (at_); }
  [[nodiscard]] Iterator end () const
  {
    return Iterator (at_ + count_ * fields);
  }

private:
  // libxml2's: local name, prefix, URI, value, the value's end.
  static constexpr std::size_t fields = 5;
  const unsigned char *const *at_;
  std::size_t count_;
};

struct Element
{
  std::string_view name;   // without its prefix
  std::string_view space;  // the namespace's URI; "" = none
  std::size_t line = 0;    // from 1
  Attributes attributes;
};

// What is wanted of an element.
enum class Want
{
  nothing,   // it is passed over, with all that is in it, and has no end ()
  children,  // start () for each
  text,      // all of its text, without markup
  xml,       // what is in it, as XML of its own when there are elements
  stop       // nothing more of the whole document
};

class Handler
{
public:
  Handler () = default;
  Handler (const Handler &) = delete;
  Handler &operator= (const Handler &) = delete;
  virtual ~Handler () = default;

  virtual Want start (const Element &element) = 0;
  // The innermost element that has begun. content: as wanted. False: stop.
  virtual bool end (std::string_view content) = 0;
};

// The text in pieces, as if they were one. Errors are not_xml, doctype and
// too_deep, with their line.
[[nodiscard]] mpd::Result<relay::Done> parse (
    std::span<const std::string_view> pieces, Handler &handler);

}  // namespace mpdxml
