// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8keys.h"

#include <algorithm>

#include "uri.h"

namespace m3u8 {
namespace {

std::optional<Method> method_of (std::string_view name)
{
  switch (name.size ()) {
    case 4:
      if (name == "NONE") return Method::none;
      break;
    case 7:
      if (name == "AES-128") return Method::aes_128;
      // Not in the draft; players and packagers have it.
      if (name == "AES-256") return Method::aes_256;
      break;
    case 10:
      if (name == "SAMPLE-AES") return Method::sample_aes;
      break;
    case 11:
      if (name == "AES-256-CTR") return Method::aes_256_ctr;
      break;
    case 14:
      if (name == "SAMPLE-AES-CTR") return Method::sample_aes_ctr;
      break;
    default:
      break;
  }
  return std::nullopt;
}

// "1/2/5": one of them is the first version, which is the only one there is of
// the format "identity". Of others we do not judge.
bool has_version_1 (std::string_view versions)
{
  while (!versions.empty ()) {
    auto slash = std::min (versions.find ('/'), versions.size ());
    if (versions.substr (0, slash) == "1") return true;
    versions.remove_prefix (std::min (slash + 1, versions.size ()));
  }
  return false;
}

// Names of KEYFORMATs that are systems of DASH-IF's list.
std::string scheme_of (std::string_view key_format)
{
  if (key_format.starts_with ("urn:uuid:")) return std::string (key_format);
  if (key_format == "com.microsoft.playready")
    return "urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95";
  if (key_format == "com.apple.streamingkeydelivery")
    return "urn:uuid:94ce86fb-07ff-4f43-adb8-93d2fa968ca2";
  return {};
}

// 0x and 32 digits as the UUID that DASH writes; "" for anything else.
std::string to_uuid (std::string_view key_id)
{
  if (key_id.size () != 34 || !m3u8text::hexadecimal (key_id)) return {};
  std::string out;
  for (std::size_t i = 2; i < key_id.size (); i++) {
    if (i == 10 || i == 14 || i == 18 || i == 22) out += '-';
    out += static_cast<char> (
        m3u8text::is_digit (key_id[i]) ? key_id[i] : key_id[i] | 0x20);
  }
  return out;
}

// The base64 of a data: URI; "" for any other.
std::string_view base64_of (std::string_view uri)
{
  constexpr std::string_view mark = ";base64,";
  if (!uri.starts_with ("data:")) return {};
  auto comma = std::min (uri.find (','), uri.size () - 1);
  if (!uri.substr (0, comma + 1).ends_with (mark)) return {};
  return uri.substr (comma + 1);
}

// A 'pssh' box: its name is in bytes 4 to 7, which begin in the second half of
// the sixth character.
bool is_pssh (std::string_view base64)
{
  // The size's last two bits and the first four of 'p'.
  constexpr std::string_view sixth = "HXn3";
  return base64.size () >= 11 && base64.substr (6, 5) == "Bzc2g" &&
         sixth.find (base64[5]) != std::string_view::npos;
}

}  // namespace

Result<Key> parse_key (const m3u8text::Attributes &attributes)
{
  Key key;
  std::optional<std::string_view> method;
  std::optional<std::string_view> uri;
  std::optional<std::string_view> iv;
  key.key_format = "identity";
  std::string_view versions = "1";
  for (const m3u8text::Attribute &one : attributes.items ()) {
    if (one.name == "METHOD")
      method = one.value;
    else if (one.name == "URI")
      uri = one.value;
    else if (one.name == "IV")
      iv = one.value;
    else if (one.name == "KEYFORMAT")
      key.key_format = one.value;
    else if (one.name == "KEYFORMATVERSIONS")
      versions = one.value;
    else if (one.name == "KEYID")
      key.key_id = one.value;
  }
  if (!method) return relay::failure (Error::missing_attribute);
  auto known = method_of (*method);
  if (!known) return relay::failure (Error::key_method);
  key.method = *known;
  if (key.method == Method::none) return key;
  if (!uri) return relay::failure (Error::missing_attribute);
  if (uri->empty ()) return relay::failure (Error::empty_uri);
  key.uri = *uri;
  key.is_known_version =
      key.key_format != "identity" || has_version_1 (versions);
  if (iv) {
    if (!m3u8text::hexadecimal (*iv)) return relay::failure (Error::bad_iv);
    key.iv = *iv;
  }
  return key;
}

presentation::ContentProtection to_protection (
    const Key &key, std::string_view base)
{
  presentation::ContentProtection out;
  out.scheme_id_uri = scheme_of (key.key_format);
  if (is_of_samples (key.method))
    out.value = key.method == Method::sample_aes_ctr ? "cenc" : "cbcs";
  out.default_kid = to_uuid (key.key_id);
  std::string_view base64 = base64_of (key.uri);
  if (is_pssh (base64))
    out.pssh.emplace_back (base64);
  else if (key.key_format == "com.microsoft.playready")
    out.playready = base64;
  out.key_format = key.key_format;
  out.key_uri = uri::resolve (base, key.uri);
  if (auto iv = m3u8text::hexadecimal (key.iv)) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::uint8_t byte : *iv) {
      out.iv += digits[byte >> 4];
      out.iv += digits[byte & 15];
    }
  }
  return out;
}

}  // namespace m3u8
