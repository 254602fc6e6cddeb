// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drm.h"

#include <algorithm>
#include <optional>

#include "datauri.h"
#include "keys.h"
#include "pssh.h"
#include "text.h"

namespace drm {

namespace {

constexpr std::string_view playready = "9a04f079-9840-4286-ab92-e65be0885f95";
constexpr std::string_view clear_key[] = {
    "1077efec-c0b2-4d02-ace3-3c1e52e2fb4b",  // W3C common
    "e2719d58-a985-b3c9-781a-b030af78d30e"   // DASH-IF
};

char lower (char c)
{
  return c >= 'A' && c <= 'Z' ? static_cast<char> (c - 'A' + 'a') : c;
}

std::string lower (std::string_view text)
{
  std::string out (text);
  std::ranges::transform (out, out.begin (), [] (char c) { return lower (c); });
  return out;
}

// The UUID of "urn:uuid:..."; "" = another kind of scheme.
std::string system_of (const ContentProtection &protection)
{
  constexpr std::string_view prefix = "urn:uuid:";
  std::string scheme = lower (protection.scheme_id_uri);
  if (!scheme.starts_with (prefix)) return {};
  return scheme.substr (prefix.size ());
}

// Without padding, as JSON Web Keys have it.
std::string to_base64url (const keys::KeyId &id)
{
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned bits = 0;
  unsigned count = 0;
  for (std::uint8_t byte : id) {
    bits = (bits << 8 | byte) & 0xffff;
    count += 8;
    for (; count >= 6; count -= 6) out += alphabet[bits >> (count - 6) & 0x3f];
  }
  if (count > 0) out += alphabet[bits << (6 - count) & 0x3f];
  return out;
}

void add_u32 (std::vector<std::uint8_t> &out, std::size_t value)
{
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back (static_cast<std::uint8_t> (value >> shift));
}

// ISO/IEC 23001-7 8.1.2: version 1 where there are key ids.
std::vector<std::uint8_t> make_pssh (const keys::KeyId &system,
    std::span<const keys::KeyId> kids, std::span<const std::uint8_t> data)
{
  std::size_t size = 32 + data.size ();
  if (!kids.empty ()) size += 4 + kids.size () * sizeof (keys::KeyId);
  std::vector<std::uint8_t> out;
  add_u32 (out, size);
  for (char c : std::string_view ("pssh"))
    out.push_back (static_cast<std::uint8_t> (c));
  add_u32 (out, kids.empty () ? 0 : std::size_t{1} << 24);
  out.insert (out.end (), system.begin (), system.end ());
  if (!kids.empty ()) {
    add_u32 (out, kids.size ());
    for (const keys::KeyId &kid : kids)
      out.insert (out.end (), kid.begin (), kid.end ());
  }
  add_u32 (out, data.size ());
  out.insert (out.end (), data.begin (), data.end ());
  return out;
}

// cenc:default_KID is a list (ISO/IEC 23001-7 11.2). What is no key id is
// passed over: the media have it right.
std::vector<keys::KeyId> ids_of (std::span<const ContentProtection> protections)
{
  std::vector<keys::KeyId> out;
  for (const ContentProtection &one : protections) {
    std::string_view rest = text::trim (one.default_kid);
    while (!rest.empty ()) {
      auto end = std::min (rest.find_first_of (" \t\r\n"), rest.size ());
      auto id = keys::parse_kid (rest.substr (0, end));
      if (id && std::ranges::find (out, *id) == out.end ()) out.push_back (*id);
      rest = text::trim (rest.substr (end));
    }
  }
  return out;
}

// The boxes of one protection.
std::vector<std::vector<std::uint8_t>> boxes_of (
    const ContentProtection &protection, const std::string &system,
    std::span<const keys::KeyId> kids)
{
  std::vector<std::vector<std::uint8_t>> out;
  for (const std::string &one : protection.pssh)
    if (auto box = datauri::decode_base64 (one))
      if (pssh::system_id (*box) == system) out.push_back (std::move (*box));
  if (!out.empty ()) return out;
  auto id = keys::parse_kid (system);
  if (!id) return out;
  if (system == playready && !protection.playready.empty ()) {
    if (auto data = datauri::decode_base64 (protection.playready))
      out.push_back (make_pssh (*id, {}, *data));
  } else if (!kids.empty () &&
             std::ranges::find (clear_key, system) != std::end (clear_key)) {
    out.push_back (make_pssh (*id, kids, {}));
  }
  return out;
}

}  // namespace

std::vector<System> systems (std::span<const ContentProtection> protections)
{
  std::vector<System> out;
  std::vector<keys::KeyId> kids = ids_of (protections);
  for (const ContentProtection &one : protections) {
    std::string system = system_of (one);
    if (system.empty ()) continue;
    for (auto &box : boxes_of (one, system, kids)) {
      System made{system, std::move (box)};
      if (std::ranges::find (out, made) == out.end ())
        out.push_back (std::move (made));
    }
  }
  return out;
}

std::vector<std::string> key_ids (
    std::span<const ContentProtection> protections)
{
  std::vector<std::string> out;
  for (const keys::KeyId &id : ids_of (protections))
    out.push_back (keys::to_string (id));
  return out;
}

std::string license_uri (std::span<const ContentProtection> protections)
{
  // The address of another system's server is no use.
  for (const ContentProtection &one : protections)
    if (!one.license_uri.empty () &&
        std::ranges::find (clear_key, system_of (one)) != std::end (clear_key))
      return one.license_uri;
  return {};
}

std::string license_request (std::span<const std::string> kids)
{
  std::string out = "{\"kids\":[";
  bool first = true;
  for (const std::string &kid : kids) {
    auto id = keys::parse_kid (kid);
    if (!id) continue;
    if (!first) out += ",";
    first = false;
    out += "\"" + to_base64url (*id) + "\"";
  }
  return out + "],\"type\":\"temporary\"}";
}

}  // namespace drm
